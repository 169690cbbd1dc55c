/**
 * How a run ended, in words. Plain text and no imports of weight: `run` says it.
 */
import type { Figures, GuardTouch, Outcome, Verdict, VerdictId } from '../model/index.js';
import { counted } from '../text/counted.js';
import { printable } from '../text/safe.js';
import {
  adviseChange,
  type Change,
  type Culprit,
  type Evidence,
  signalOf,
} from '../verdict/index.js';
import { humanBytes, humanTime } from './figures.js';
import { jobsText } from './jobs.js';
import { wrap } from './run.js';

/** The verdict with its words: one sentence, what it rests on, and the one change to make. */
export function wordVerdict(id: VerdictId, evidence: Evidence): Verdict {
  const change = adviseChange(id, evidence);
  // Who ends what on a node is not in the journal of this machine.
  const isHere = evidence.launcher !== 'slurm' || id !== 'foreign-signal';
  const without = isHere ? adviceWithout(id, evidence) : undefined;
  const advice = change === undefined ? without : adviceOn(change);
  const isFine = evidence.ending.status === 0;
  const yetFine = isFine ? YET_FINE[id]?.(evidence) : undefined;
  return {
    id,
    says: yetFine === undefined ? SENTENCES[id](evidence) : `ended with status 0, but ${yetFine}`,
    evidence: evidenceFor(id, evidence),
    ...(advice === undefined ? {} : { advice }),
  };
}

/** The line that `run` ends with, one on what the guard did to it, and one on its jobs. */
export function renderOutcome({ verdict, jobFigures, guard }: Outcome): string {
  const advice = verdict.advice === undefined ? '' : `; next: ${verdict.advice}`;
  const lines = [wrap(`rlimit: ${verdict.says}${advice}`)];
  const spells = guard === undefined ? '' : guardText(guard);
  if (spells !== '') lines.push(wrap(`rlimit: guard: ${spells}`));
  if (jobFigures !== undefined && jobFigures.seen >= 2) {
    lines.push(wrap(`rlimit: jobs: ${jobsText(jobFigures)}`));
  }
  return lines.join('\n');
}

/** What the guard did to a run short of ending it: `frozen for 12s, one job at a time for 30s`. */
export function guardText({ frozenMs, heldBackMs, leastJobs = 1, raised }: GuardTouch): string {
  const parts = [
    ...(frozenMs === undefined ? [] : [`frozen for ${humanTime(frozenMs * 1000)}`]),
    ...(heldBackMs === undefined
      ? []
      : [`held to ${counted(leastJobs, 'job')} at a time for ${humanTime(heldBackMs * 1000)}`]),
    ...(raised === undefined ? [] : ['MemoryHigh was lifted, since it stood still there']),
  ];
  return parts.join(', ');
}

const SENTENCES: Record<VerdictId, (evidence: Evidence) => string> = {
  finished: (evidence) => `finished in ${elapsed(evidence)}${used(evidence)}`,
  failed: (evidence) =>
    `failed by itself: ${endingOf(evidence)} after ${elapsed(evidence)}${used(evidence)}`,
  'memory-max': (evidence) => {
    const by = evidence.measured.enforced ? 'ended by rlimit' : 'killed';
    return `${by} at its own ${ownLimit(evidence)}: ${victim(evidence)}${peak(evidence)}`;
  },
  'ancestor-memory-max': (evidence) =>
    `killed at the limit of ${limitAbove(evidence)}, not at its own: ${victim(evidence)}${peak(evidence)}`,
  'machine-oom': (evidence) =>
    `killed because the whole machine was out of memory: ${victim(evidence)}${peak(evidence)}`,
  'systemd-oomd': ({ unitResult, oomd, measured }) => {
    const isKnown = unitResult === 'oom-kill' || oomd?.says !== undefined;
    const { pressurePercent } = measured;
    const why = pressurePercent
      ? `: all tasks waited for memory ${Math.round(pressurePercent)}% of the time`
      : '';
    return `${isKnown ? 'killed by systemd-oomd' : 'killed, it seems, by systemd-oomd'}${why}`;
  },
  earlyoom: ({ earlyoom, measured }) => {
    const { available, total } = measured.machine;
    const free =
      available === undefined || total === undefined
        ? ''
        : `: ${Math.round((available / total) * 100)}% of memory was available`;
    return `${earlyoom?.says === undefined ? 'killed, it seems, by earlyoom' : 'killed by earlyoom'}${free}`;
  },
  guard: (evidence) => {
    const { whole = true } = evidence.guard?.ended ?? {};
    if (whole) return `ended by ${byGuard(evidence)}${peak(evidence)}`;
    return `ended with ${endingOf(evidence)} after ${guardVictim(evidence)} was ended by ${byGuard(evidence)}${peak(evidence)}`;
  },
  'tasks-max': (evidence) => {
    const { enforced } = evidence.measured;
    if (enforced) return `ended by rlimit at its own ${ownTasks(evidence)}: ${enforced.seen} tasks`;
    return `stopped at its own ${ownTasks(evidence)}: fork was refused${timesRefused(evidence)}`;
  },
  'user-signal': (evidence) => {
    const { killed, received } = evidence;
    if (killed !== undefined)
      return `ended by you: ${killed.by} (${killed.signal}) after ${elapsed(evidence)}`;
    const last = received.at(-1);
    const how = last?.fromTerminal
      ? last.signal === 'SIGINT'
        ? 'Ctrl-C'
        : 'Ctrl-\\'
      : `${last?.signal} sent to rlimit`;
    return `ended by you: ${how} after ${elapsed(evidence)}`;
  },
  'foreign-signal': (evidence) =>
    `ended by ${signalOf(evidence.ending)} from somebody else after ${elapsed(evidence)}${used(evidence)}`,
  throttled: (evidence) =>
    `finished in ${elapsed(evidence)}, held back by CPUQuota=${evidence.limits.CPUQuota} ${percent(evidence.measured.figures.throttledPart)} of the time${used(evidence)}`,
  stalled: (evidence) => {
    const { limits, measured, elapsedMs } = evidence;
    const part = (measured.figures.memoryStallUsec ?? 0) / (elapsedMs * 1000);
    return `stalled between MemoryHigh=${limits.MemoryHigh} and MemoryMax=${limits.MemoryMax ?? 'infinity'} for ${percent(Math.min(part, 1))} of ${elapsed(evidence)}`;
  },
  'time-limit': (evidence) => {
    const { RuntimeMaxSec: limit } = evidence.limits;
    const whose =
      limit === undefined ? 'the time limit of the partition' : `its own RuntimeMaxSec=${limit}`;
    return `ended by Slurm at ${whose} after ${elapsed(evidence)}${used(evidence)}`;
  },
  cancelled: (evidence) => {
    const { state, cancelledBy } = evidence.slurm ?? {};
    const by = cancelledBy === undefined ? '' : ` by user ${cancelledBy}`;
    const how = state === 'PREEMPTED' ? 'taken off by Slurm for another job' : `cancelled${by}`;
    return `${how} after ${elapsed(evidence)}${used(evidence)}`;
  },
  'node-failed': (evidence) => `ended because its node failed, after ${elapsed(evidence)}`,
};

/** The same of a run that itself ended well, after `ended with status 0, but`. */
const YET_FINE: Partial<Record<VerdictId, (evidence: Evidence) => string>> = {
  'memory-max': (evidence) =>
    `${victim(evidence)} was ${evidence.measured.enforced ? 'ended by rlimit' : 'killed'} at the run's own ${ownLimit(evidence)}${peak(evidence)}`,
  'ancestor-memory-max': (evidence) =>
    `${victim(evidence)} was killed at the limit of ${limitAbove(evidence)}${peak(evidence)}`,
  'machine-oom': (evidence) =>
    `${victim(evidence)} was killed because the whole machine was out of memory${peak(evidence)}`,
  guard: (evidence) => {
    const { whole = true } = evidence.guard?.ended ?? {};
    return `${whole ? 'it' : guardVictim(evidence)} was told to end by ${byGuard(evidence)}${peak(evidence)}`;
  },
  'tasks-max': (evidence) =>
    `fork was refused${timesRefused(evidence)} at its own ${ownTasks(evidence)}`,
  stalled: (evidence) => SENTENCES.stalled(evidence),
};

/** Where no single value is to be changed. */
const ADVICE: Partial<Record<VerdictId, string>> = {
  'memory-max': 'a machine with more memory, or a smaller job',
  'foreign-signal': '`journalctl --since -5min` may tell who sent it',
  'time-limit': 'more time: -p RuntimeMaxSec=…, where the partition allows it',
  'node-failed': 'the same again, on another node',
};

function adviceWithout(id: VerdictId, { guard }: Evidence): string | undefined {
  if (id !== 'guard') return ADVICE[id];
  return guard?.ended?.reason === 'gpu'
    ? 'less of that GPU, or another one (CUDA_VISIBLE_DEVICES)'
    : 'less memory, or later';
}

function adviceOn(change: Change): string {
  return change.kind === 'jobs' ? `-j${change.jobs}` : `-p ${change.property}=${change.value}`;
}

function evidenceFor(id: VerdictId, evidence: Evidence): string[] {
  const { measured, ending, unitResult, oomd, earlyoom, killed, guard, slurm } = evidence;
  const { events, figures, ancestors, machine } = measured;
  const lines = [`the command ended with ${endingOf({ ...evidence, ending })}`];
  if (events.oom_kill) {
    lines.push(`memory.events counts oom ${events.oom ?? 0}, oom_kill ${events.oom_kill}`);
  }
  for (const { cgroup } of ancestors) lines.push(`memory.events.local of ${cgroup} counts oom`);
  if (id === 'machine-oom') lines.push('no cgroup above counted an oom of its own');
  if (events.high) lines.push(`memory.events counts high ${events.high}`);
  if (figures.memoryStallUsec) {
    lines.push(`memory.pressure: all tasks waited for ${humanTime(figures.memoryStallUsec)}`);
  }
  if (figures.throttledPart !== undefined && figures.throttledPart > 0) {
    lines.push(`cpu.stat: ${percent(figures.throttledPart)} of the periods were throttled`);
  }
  if (figures.forksRefused) lines.push(`pids.events counts max ${figures.forksRefused}`);
  if (figures.tasksPeak !== undefined) lines.push(`pids.peak is ${figures.tasksPeak}`);
  if (unitResult !== undefined) lines.push(`systemd's Result is ${unitResult}`);
  if (killed !== undefined) lines.push(`${killed.by} sent ${killed.signal}`);
  for (const line of slurm?.says ?? []) lines.push(printable(line));
  if (oomd !== undefined) lines.push(printable(oomd.says ?? 'systemd-oomd runs'));
  if (earlyoom !== undefined) {
    lines.push(printable(earlyoom.says ?? `earlyoom runs, and acts at ${earlyoom.termPercent}%`));
  }
  lines.push(...guardLines(guard));
  if ((id === 'earlyoom' || id === 'machine-oom') && machine.available !== undefined) {
    lines.push(`MemAvailable was down to ${humanBytes(machine.available)}`);
  }
  return lines;
}

/** Whose guard it was, and its own words. */
function guardLines(guard: GuardTouch | undefined): string[] {
  if (guard === undefined) return [];
  const { ended } = guard;
  const spells = guardText(guard);
  const whose = ended?.of === 'user' ? 'your own guard' : 'the guard of the machine';
  return [
    ...(ended === undefined ? [] : [`${whose} sent ${ended.signal}: ${printable(ended.why)}`]),
    ...(spells === '' ? [] : [`the guard says: ${spells}`]),
  ];
}

/** `rlimit's guard with SIGKILL: 3.1% of memory was available` */
function byGuard({ guard }: Evidence): string {
  const { signal, reason, available } = guard?.ended ?? {};
  const why = {
    memory: available === undefined ? 'memory was short' : `${available}% of memory was available`,
    stall: 'it stood still between MemoryHigh and MemoryMax',
    gpu: 'the memory of its GPU was full',
  };
  return `rlimit's guard with ${signal}: ${why[reason ?? 'memory']}`;
}

function guardVictim({ guard }: Evidence): string {
  const { comm } = guard?.ended ?? {};
  return comm === undefined ? 'one of its processes' : printable(comm);
}

function endingOf({ ending }: Evidence): string {
  return ending.signal ?? `status ${ending.status}`;
}

function ownLimit({ limits, measured }: Evidence): string {
  const { enforced } = measured;
  return `MemoryMax=${limits.MemoryMax ?? (enforced ? humanBytes(enforced.limit) : '')}`;
}

function limitAbove({ measured }: Evidence): string {
  const [above] = measured.ancestors;
  const max = above?.memoryMax;
  const limit = typeof max === 'number' ? ` MemoryMax=${humanBytes(max)}` : '';
  return `${nameOf(above?.cgroup)}${limit}`;
}

function ownTasks({ limits, measured }: Evidence): string {
  return `TasksMax=${limits.TasksMax ?? measured.enforced?.limit}`;
}

function timesRefused({ measured }: Evidence): string {
  const times = measured.figures.forksRefused ?? 0;
  return times > 1 ? ` ${times} times` : '';
}

function victim({ measured }: Evidence): string {
  const { enforced, events } = measured;
  const culprit = enforced?.culprit ?? measured.victim;
  const others = (events.oom_kill ?? 1) - 1;
  const who = culprit === undefined ? 'one of its processes' : culpritText(culprit);
  return others > 0 ? `${who} and ${others} more` : who;
}

function peak({ measured: { figures } }: Evidence): string {
  if (figures.memoryPeak === undefined) return '';
  return `; peak ${humanBytes(figures.memoryPeak)}${anonymous(figures)}`;
}

/** comm is what a process calls itself: it may hold anything. */
function culpritText({ comm, memory, exact }: Culprit): string {
  if (memory === undefined) return printable(comm);
  return `${printable(comm)} at ${humanBytes(memory)}${exact === true ? '' : ' when last seen'}`;
}

/** `: peak 812M (anonymous 700M), CPU 45s` */
function used({ measured: { figures } }: Evidence): string {
  const { memoryPeak, cpuUsec } = figures;
  const parts = [
    ...(memoryPeak === undefined ? [] : [`peak ${humanBytes(memoryPeak)}${anonymous(figures)}`]),
    ...(cpuUsec === undefined ? [] : [`CPU ${humanTime(cpuUsec)}`]),
  ];
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/** Worth saying where much of the peak was something else: page cache, that could have been dropped. */
function anonymous({ memoryPeak = 0, anonPeak = 0 }: Figures): string {
  if (anonPeak < memoryPeak * 0.1 || anonPeak > memoryPeak * 0.9) return '';
  return ` (anonymous ${humanBytes(anonPeak)})`;
}

function elapsed({ elapsedMs }: Evidence): string {
  return humanTime(elapsedMs * 1000);
}

function percent(part = 0): string {
  return `${Math.round(part * 100)}%`;
}

/** The unit a cgroup is named after. */
function nameOf(cgroup = ''): string {
  return printable(cgroup.slice(cgroup.lastIndexOf('/') + 1) || '/');
}
