/**
 * What `run` says. Plain text and no imports of weight: this is read on the way to every command.
 */
import type { Finding, LauncherKind, LeftOut } from '../model/index.js';
import { printable } from '../text/safe.js';

/** What `renderStart` tells of. */
export interface Start {
  unit: string;
  /** Properties that were read back from the kernel as asked. */
  enforced: Readonly<Record<string, string>>;
  /** Properties that rlimit itself sees to. */
  watched?: Readonly<Record<string, string>>;
  launcher?: LauncherKind;
  findings: readonly Finding[];
  leftOut: readonly LeftOut[];
  /** Unit of the run that this one is inside of. */
  within?: string;
}

/** What is said before the command starts: what the kernel was seen to enforce, and what not. */
export function renderStart(start: Start): string {
  const { unit, enforced, watched = {}, findings, leftOut, launcher, within } = start;
  const inForce = isEmpty(enforced) ? 'no limits' : `in force: ${listOf(enforced)}`;
  // Without a cgroup nothing is in the kernel but what the findings say.
  const first = isEmpty(enforced) && !isEmpty(watched) ? '' : ` ${inForce}`;
  const seenTo = isEmpty(watched) ? '' : ` watched by rlimit: ${listOf(watched)}`;
  return [
    wrap(`rlimit: ${unit}${first}${seenTo}`),
    ...(launcher === 'watched' ? [wrap(WATCHED)] : []),
    ...(within === undefined
      ? []
      : [wrap(`rlimit: note: it runs inside ${within}, whose limits bind it as well`)]),
    ...findings.map(renderFinding),
    ...leftOut.map(renderLeftOut),
    ...remedies(start),
  ].join('\n');
}

/** What inspect cannot look at, it has no remedy for. */
function remedies({ findings, launcher }: Start): string[] {
  if (findings.length === 0) return [];
  if (launcher !== 'slurm') return ['rlimit: `rlimit inspect` tells the remedy'];
  const told = new Set(findings.flatMap(({ remedy }) => remedy ?? []));
  return [...told].map((remedy) => wrap(`rlimit: remedy: ${remedy}`));
}

const WATCHED =
  'rlimit: note: neither systemd nor a cgroup holds this run: rlimit looks at it several times a ' +
  'second, so a limit can be passed for a moment, and all watching ends with rlimit';

function listOf(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value || 'infinity'}`)
    .join(' ');
}

function isEmpty(properties: Readonly<Record<string, string>>): boolean {
  return Object.keys(properties).length === 0;
}

/** These say themselves how far the property is in force. */
const PARTLY = ['ancestor-tighter', 'held-by-affinity', 'held-by-niceness'];

function renderFinding({ id, severity, property, wanted, cause }: Finding): string {
  const inForce = property === undefined || PARTLY.includes(id);
  const subject = property === undefined ? '' : `${property}=${wanted ?? ''}`;
  return wrap(`rlimit: ${severity}: ${subject}${inForce ? '' : ' is not in force'}: ${cause}`);
}

/** Said of a property that is not passed on here. */
export function renderLeftOut({ property, wish, why }: LeftOut): string {
  return wrap(`rlimit: note: ${property}=${wish} left out: ${why}`);
}

/** Said before a command whose work is done by somebody else, out of reach of the limits. */
export function renderHandover({
  called,
  daemon,
  instead,
}: Record<'called' | 'daemon' | 'instead', string>): string {
  return wrap(
    `rlimit: warning: the work of ${called} is done by ${daemon}, which these limits do not bind; instead: ${instead}`,
  );
}

/** Said when processes outlive the command: without a cgroup, nobody holds them to anything then. */
export function renderLeftBehind(unit: string, launcher: LauncherKind): string {
  const free = launcher === 'watched' ? ', and nobody watches over them any more' : '';
  return wrap(
    `rlimit: processes of the command still run in ${unit}${free}; to end them: rlimit kill ${unit}`,
  );
}

/** Said when the command is still there a second after Ctrl-C. */
export function renderStubborn(): string {
  return 'rlimit: still running; Ctrl-C again ends all of it at once (SIGKILL)';
}

/** Said once when the run stands still between MemoryHigh and MemoryMax. */
export function renderStall({ cause }: Pick<Finding, 'cause'>, unit: string): string {
  return wrap(`rlimit: ${cause}; to end that: rlimit inspect --break-stall ${unit}`);
}

/** What came of breaking it. */
export function renderStallBreak(broken: {
  done: boolean;
  how: 'raise' | 'kill';
  process?: { pid: number; comm: string };
  why?: string;
}): string {
  const { done, how, process, why = '' } = broken;
  if (!done) return wrap(`rlimit: the stall is not broken: ${printable(why)}`);
  if (how === 'raise') return 'rlimit: MemoryHigh is lifted, and the run goes on up to MemoryMax';
  return wrap(
    `rlimit: ${printable(process?.comm ?? '')} (${process?.pid}) was killed, and the run goes on`,
  );
}

/** Said when the report could not be written. */
export function renderReportLoss(file: string, error: Error): string {
  return wrap(`rlimit: warning: the report ${file} was not written: ${error.message}`);
}

/** Said once when the log file can no longer be written; the command goes on. */
export function renderLogLoss(file: string, error: Error): string {
  return `rlimit: warning: ${file} is incomplete: ${error.message}`;
}

/** Said once when the history has not got a run; the run's own end is not touched by it. */
export function renderHistoryLoss(error: Error): string {
  return `rlimit: warning: the history is incomplete: ${error.message}`;
}

const WIDTH = 80;

/** Breaks plain text at blanks, but not within `-p NAME=VALUE`; further lines are indented. */
export function wrap(text: string): string {
  const lines = [''];
  for (const word of text.match(/-p [^ ]+|[^ ]+/g) ?? []) {
    const line = lines.at(-1) ?? '';
    if (line.length + 1 + word.length > WIDTH && line.trim() !== '') lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
