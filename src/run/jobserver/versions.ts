import { spawnSync } from 'node:child_process';
import type { Clients, Style } from '../../jobserver/index.js';

/** A version, as far as it matters. */
export type Version = readonly [major: number, minor: number];

/** The first ninja that asks a jobserver; it takes nothing but a FIFO (its release notes). */
const NINJA_ASKS: Version = [1, 13];
/** The first make that knows a FIFO. Earlier ones end at once: "invalid --jobserver-auth string". */
const MAKE_FIFO: Version = [4, 4];

/** How the tools of this machine can be reached. */
export interface Way {
  style: Style;
  /** Whole sentences, to be said once. */
  notes: string[];
}

/**
 * A FIFO where ninja needs one and no make would die of it, pipes otherwise.
 * @param version tells that of a program; undefined where it is not installed
 */
export function wayFor(
  { style }: Pick<Clients, 'style'>,
  version: (program: string) => Version | undefined,
): Way {
  if (style === 'pipe') return { style, notes: [] };
  const ninja = version('ninja');
  if (ninja !== undefined && isBefore(ninja, NINJA_ASKS)) {
    return {
      style: 'pipe',
      notes: [deaf(`ninja ${ninja.join('.')} asks no jobserver (1.13 does)`)],
    };
  }
  const make = version('make');
  if (make === undefined || !isBefore(make, MAKE_FIFO)) return { style, notes: [] };
  const why = `ninja takes its tokens from a FIFO alone, of which make ${make.join('.')} would die (4.4 would not)`;
  return { style: 'pipe', notes: [deaf(why)] };
}

function deaf(why: string): string {
  return `${why}: its jobs will not follow memory; tell it how many: ninja -jN.`;
}

function isBefore([major, minor]: Version, than: Version): boolean {
  return major < than[0] || (major === than[0] && minor < than[1]);
}

/** Asks a program on PATH for its version: `GNU Make 4.3`, `1.13.1`. */
export function versionOf(program: string, env: NodeJS.ProcessEnv): Version | undefined {
  const { stdout } = spawnSync(program, ['--version'], { env, encoding: 'utf8', timeout: 5000 });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}
