/** Verdicts on those that share a machine, or a cgroup, with a hog. Pure. */
import type { Finding } from '../../model/index.js';
import { conclude, notApplicable, notCarriedOut } from '../conclude.js';
import { type Gaps, inTime } from '../pulse.js';
import type { Judgement } from '../types.js';

/**
 * From how many times its usual pause on a program counts as stalled. Seen: 2 times on a busy machine,
 * 50 times in the livelock.
 */
const STALLED_TIMES = 8;

/**
 * Outside, one that is merely disturbed is not stalled: seen on an emulated machine, where a hog has
 * half of the CPUs, 5 times.
 */
const DISTURBED_TIMES = 20;

/** A process outside the scope while the one inside dies. */
export interface BystanderSeen {
  before: Gaps;
  during: Gaps;
  /** oom_kill of the hog's cgroup. */
  oomKills: number;
  /** Signs of life after the kill. */
  beatsAfter: number;
  findings: readonly Finding[];
}

export const EXPECTED_BYSTANDER = `lives, and never pauses ${DISTURBED_TIMES} times as long as before`;

/** A process outside lives on, and does not even notice. */
export function judgeBystander(seen: BystanderSeen): Judgement {
  const { before, during, oomKills, beatsAfter } = seen;
  const lives = beatsAfter > 0;
  const usual = Math.max(before.median, before.longest / 2);
  const measured =
    `${oomKills} killed inside; outside ${lives ? 'alive' : 'dead'}, longest pause ` +
    `${inTime(before.longest)} before, ${inTime(during.longest)} meanwhile`;
  return conclude('MemoryMax', {
    holds: oomKills > 0 && lives && during.longest < usual * DISTURBED_TIMES,
    expected: EXPECTED_BYSTANDER,
    measured,
    findings: seen.findings,
  });
}

/** A process inside a cgroup that is over MemoryHigh, and has no swap to go to. */
export interface StallSeen {
  before: Gaps;
  during: Gaps;
  /** After MemoryHigh was lifted. */
  after: Gaps;
  /** How long it took from lifting it to the first sign of life, in milliseconds. */
  recoveredMs?: number;
  /** memory.events while it stood still. */
  high: number;
  oomKills: number;
  /** Part of the time in which all tasks waited for memory, 0 to 1; absent without PSI. */
  waiting?: number;
  /** Why MemoryHigh could not be lifted. */
  notLifted?: string;
  findings: readonly Finding[];
}

export const EXPECTED_STALL =
  'all in the cgroup stand still and nothing is killed; once lifted, they go on';

/** MemoryHigh without swap is a trap, and lifting it is the way out. */
export function judgeStall(seen: StallSeen): Judgement {
  const { before, during, after, high, oomKills, waiting } = seen;
  const stalled = during.longest >= before.median * STALLED_TIMES && high > 0 && oomKills === 0;
  const freed = seen.notLifted === undefined && seen.recoveredMs !== undefined && after.count > 2;
  const wentOn = freed && after.median < before.median * STALLED_TIMES;
  const measured = [
    `bystander inside: a beat every ${inTime(before.median)}, then none for ${inTime(during.longest)}`,
    `high ${high}, oom_kill ${oomKills}`,
    ...(waiting === undefined ? [] : [`all waited ${Math.round(waiting * 100)}% of the time`]),
    freed
      ? `lifted: a beat after ${inTime(seen.recoveredMs ?? 0)}, then every ${inTime(after.median)}`
      : (seen.notLifted ?? 'lifted: no beat came'),
  ].join('; ');
  const { findings } = seen;
  return conclude('MemoryHigh', {
    holds: stalled && wentOn,
    expected: EXPECTED_STALL,
    measured,
    findings,
  });
}

/** What became of a sibling when another process of its scope was killed at MemoryMax. */
export interface SiblingSeen {
  /** As it was asked for; absent where systemd cannot be told for scopes. */
  policy?: 'continue' | 'kill';
  oomKills: number;
  /** Signs of life after the kill. */
  beatsAfter: number;
  /** Whether no process of the scope was left. */
  empty: boolean;
  findings: readonly Finding[];
}

export const EXPECTED_POLICY = 'continue: the sibling lives; kill: the kernel kills all at once';

/** OOMPolicy does what it says. */
export function judgePolicies(seen: readonly SiblingSeen[]): Judgement {
  const measured = seen.map(describeSibling).join('; ');
  if (seen.some(({ oomKills }) => oomKills === 0)) {
    const findings = seen.flatMap((each) => each.findings);
    const why = findings.find(({ property }) => property === 'MemoryMax')?.cause;
    return notCarriedOut(why ?? 'nothing was killed at MemoryMax');
  }
  const findings = seen.flatMap((each) => each.findings);
  const untold = seen.find(({ policy }) => policy === undefined);
  if (untold !== undefined) {
    return notApplicable(
      measured,
      findings.filter(({ property }) => property === 'OOMPolicy'),
    );
  }
  const holds = seen.every(({ policy, beatsAfter, empty, oomKills }) =>
    policy === 'continue' ? beatsAfter > 0 && !empty : empty && oomKills > 1,
  );
  return conclude('OOMPolicy', { holds, expected: EXPECTED_POLICY, measured, findings });
}

function describeSibling({ policy, oomKills, beatsAfter, empty }: SiblingSeen): string {
  const sibling = empty
    ? 'the sibling was ended, too'
    : beatsAfter > 0
      ? 'the sibling lives'
      : 'the sibling is silent';
  const observed = empty ? 'stop' : 'continue';
  const name = policy ?? `not settable for scopes of this systemd; observed: ${observed}`;
  return `${name}: ${oomKills} killed, ${sibling}`;
}
