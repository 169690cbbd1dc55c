import type { TroubleId } from '../model/index.js';
import { shellLine, shellQuote } from '../text/index.js';

/** One act of a fix. */
export type Step =
  /** A file gets this content, as a whole. */
  | { file: string; content: string }
  /** A command, and the one that takes it back. */
  | { run: readonly string[]; undo?: readonly string[] }
  /** Units of the system are switched on (and started anew where files changed), or off. */
  | { units: readonly string[]; state: 'on' | 'off' }
  /** A program that would run on for ever shows within a moment whether it takes its options. */
  | { tryOut: readonly string[] }
  /** systemd reads its files again; limits of running units of these patterns reach the kernel. */
  | { reload: readonly string[] };

/** What mends a finding. */
export interface Fix {
  trouble: TroubleId;
  /** What it does, in a few words: `cap every user at 8G`. */
  title: string;
  /** Whether it needs root. One without is done by `--fix` itself. */
  root: boolean;
  steps: readonly Step[];
  /** What root can do instead, where it was refused without. */
  asRoot?: readonly Step[];
  /** A last command that ends sessions or services, and what it ends. Done only when asked for. */
  ending?: { run: readonly string[]; ends: string };
}

const DROP_IN = '50-rlimit.conf';

/** A drop-in of ours for a unit of the system. */
export function dropIn(unit: string, section: string, lines: readonly string[]): Step {
  return {
    file: `/etc/systemd/system/${unit}.d/${DROP_IN}`,
    content: `[${section}]\n${lines.join('\n')}\n`,
  };
}

/** The steps as lines for a shell, to be pasted by a person who may use sudo. */
export function remedyOf({ steps, root, ending }: Fix): string {
  const sudo = root ? 'sudo ' : '';
  const lines = steps.flatMap((step) => stepLines(step, sudo));
  if (ending !== undefined) lines.push(`${sudo}${shellLine(ending.run)}   # ends ${ending.ends}`);
  return lines.join('\n');
}

function stepLines(step: Step, sudo: string): string[] {
  if ('file' in step) {
    const path = shellQuote(step.file);
    const folder = shellQuote(step.file.slice(0, step.file.lastIndexOf('/')));
    return [
      `${sudo}mkdir -p ${folder}`,
      `printf %s ${shellQuote(step.content)} | ${sudo}tee ${path}`,
    ];
  }
  if ('run' in step) return [`${sudo}${shellLine(step.run)}`];
  if ('tryOut' in step) return [`timeout 2 ${shellLine(step.tryOut)}`];
  if ('reload' in step) return [`${sudo}systemctl daemon-reload`];
  const units = shellLine(step.units);
  if (step.state === 'off') return [`${sudo}systemctl disable --now ${units}`];
  return ['unmask', 'enable', 'restart'].map((verb) => `${sudo}systemctl ${verb} ${units}`);
}
