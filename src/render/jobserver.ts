/** What `run --jobs auto` says. Plain text and no imports of weight. */
import type { Amount, JobserverFigures } from '../model/index.js';
import { counted } from '../text/counted.js';
import { printable } from '../text/safe.js';
import { humanBytes, humanTime } from './figures.js';
import { wrap } from './run.js';

/** `up to 7 of 8 tokens, froze 2 jobs for 3.1s` */
export function jobserverText(figures: JobserverFigures): string {
  const { most, cap, freezes, frozenMs, kills, lost, surplus } = figures;
  const parts = [
    `up to ${most} of ${counted(cap, 'token')}`,
    ...(freezes > 0 ? [`froze ${counted(freezes, 'job')} for ${humanTime(frozenMs * 1000)}`] : []),
    ...(kills > 0 ? [`killed ${counted(kills, 'job')}`] : []),
    ...(lost > 0 ? [`replaced ${counted(lost, 'lost token')}`] : []),
    ...(surplus > 0 ? [`took out ${counted(surplus, 'token')} too many`] : []),
  ];
  return parts.join(', ');
}

/** The line on the jobserver that a run ends with. */
export function renderJobserverEnd(figures: JobserverFigures): string {
  return wrap(`rlimit: jobserver: ${jobserverText(figures)}`);
}

/** Said before the start: what the build tools are given. */
export function renderJobserver({
  style,
  most,
  expected,
  from,
}: {
  style: JobserverFigures['style'];
  most: number;
  expected: number;
  from: string;
}): string {
  const way = style === 'fifo' ? 'a FIFO' : 'a pair of pipes';
  return wrap(
    `rlimit: jobserver: up to ${counted(most, 'job')} as memory allows, over ${way}; ` +
      `${humanBytes(expected)} expected of each (${from})`,
  );
}

/** Said of a line that is only shown. */
export function renderDryJobserver(): string {
  return wrap(
    'rlimit: note: pasted, the line has nobody who gives out tokens: tools then run one job each',
  );
}

/** Said before the start of something that will not ask. */
export function renderDefeat({ cause, instead }: { cause: string; instead?: string }): string {
  const better = instead === undefined ? '' : `; instead: rlimit run --jobs auto … -- ${instead}`;
  return wrap(`rlimit: warning: ${cause}${better}`);
}

/** Said where there is a jobserver around the run. */
export function renderOuterJobserver(): string {
  return wrap(
    'rlimit: note: this runs inside a build that has a jobserver, and shares its tokens: ' +
      '--jobs auto makes no other one',
  );
}

export function renderNote(says: string): string {
  return wrap(`rlimit: note: ${printable(says)}`);
}

export function renderTrouble(says: string): string {
  return wrap(`rlimit: warning: ${printable(says)}`);
}

/** Said once when a single job is too large for the limit: nothing that is done with others helps. */
export function renderTooLarge({
  comm,
  memory,
  limit,
}: {
  comm: string;
  memory: number;
  limit: Amount;
}): string {
  const bound =
    limit === 'infinity' ? 'what the machine has' : `the ${humanBytes(limit)} it may have`;
  return wrap(
    `rlimit: warning: one job alone (${printable(comm)}, ${humanBytes(memory)} so far) fills ${bound}: ` +
      'it goes on by itself, and may be killed; next: a higher MemoryMax',
  );
}

/** Said once when more jobs run than there are tokens out. */
export function renderBeyond(jobs: number): string {
  return wrap(
    `rlimit: warning: ${counted(jobs, 'job')} ${jobs === 1 ? 'runs' : 'run'} without a token: ` +
      'something in the build has a -j of its own, and does not follow memory',
  );
}
