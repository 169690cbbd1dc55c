/** Verdicts on memory limits. Pure: figures in, verdict out. */
import type { Finding } from '../../model/index.js';
import { MiB, roughBytes } from '../../quantity/index.js';
import { conclude, notApplicable, notCarriedOut } from '../conclude.js';
import type { Judgement } from '../types.js';

/** The slice, whose peak it is, holds what the kernel keeps of the scope itself: some pages. */
const SLACK = MiB;

/** What a program that wants more than its MemoryMax came to. */
export interface BalloonSeen {
  /** MemoryMax, and what the program was to take, in bytes. */
  limit: number;
  size: number;
  /** Its exit status; absent where it was killed with its shell, or goes on. */
  status?: number;
  /** memory.events below: kills, and limits hit, of the cgroups of the experiment alone. */
  oomKills: number;
  oom: number;
  /** memory.peak and most of memory.swap.current in bytes. */
  peak?: number;
  ownSwap?: number;
  /** What the whole machine wrote to swap meanwhile, in bytes. */
  swappedOut: number;
  /** What the kernel's log says of the kill: `CONSTRAINT_MEMCG`. */
  constraint?: string;
  findings: readonly Finding[];
}

export const EXPECTED_AT_MAX = 'killed at MemoryMax by its own cgroup’s OOM, nothing of it in swap';

/** A program that wants more than MemoryMax dies there, of its own cgroup, and swaps nothing. */
export function judgeBalloon(seen: BalloonSeen): Judgement {
  const { limit, size, oomKills, oom, peak, constraint } = seen;
  if (oomKills === 0 && seen.status !== undefined && seen.status !== 0) {
    return notCarriedOut(`the program that takes memory ended with status ${seen.status}`);
  }
  const isOwn = oom > 0 && (constraint ?? 'CONSTRAINT_MEMCG') === 'CONSTRAINT_MEMCG';
  const stayed = peak === undefined || peak <= limit + SLACK;
  const holds = oomKills > 0 && isOwn && stayed && !(seen.ownSwap ?? 0);
  const end =
    oomKills === 0
      ? `took ${roughBytes(size)} and was not killed`
      : `${oomKills} killed ${isOwn ? `at ${roughBytes(limit)}` : 'elsewhere, not at its own limit'}`;
  const measured = [
    end,
    ...(peak === undefined ? [] : [`peak ${roughBytes(peak)}`]),
    ...(oomKills === 0 ? [] : [constraint ?? `oom ${oom} in its own memory.events`]),
    swapText(seen),
  ].join(', ');
  return conclude('MemoryMax', {
    holds,
    expected: EXPECTED_AT_MAX,
    measured,
    findings: seen.findings,
  });
}

function swapText({ ownSwap, swappedOut }: BalloonSeen): string {
  const machine = `machine’s swap ${swappedOut === 0 ? 'flat' : `+${roughBytes(swappedOut)}`}`;
  if (!ownSwap) return machine;
  return `${roughBytes(ownSwap)} of it in swap, ${machine}`;
}

/** The same program with and without MemorySwapMax=0, on a machine with swap. */
export interface SwapSeen {
  /** SwapTotal in bytes. */
  swap: number;
  limited: BalloonSeen;
  /** Most of memory.swap.current of the one that may swap, in bytes; absent where unknown. */
  controlSwap?: number;
}

export const EXPECTED_OFF_SWAP = 'nothing in swap with MemorySwapMax=0; without it, something';

/** MemorySwapMax=0 keeps a program off the swap that another one just like it goes to. */
export function judgeSwap({ swap, limited, controlSwap }: SwapSeen): Judgement {
  if (swap === 0) return notApplicable('this machine has no swap');
  const { ownSwap } = limited;
  const measured = [
    ownSwap === undefined ? 'its own swap cannot be read' : `${roughBytes(ownSwap)} in swap`,
    limited.oomKills > 0 ? 'killed at MemoryMax' : 'not killed',
    controlSwap === undefined
      ? 'the other’s swap cannot be read'
      : `${roughBytes(controlSwap)} in swap without it`,
  ].join(', ');
  // Where the other one did not swap either, nothing was kept off.
  if (limited.oomKills > 0 && ownSwap === 0 && !controlSwap) {
    return notCarriedOut(`the program that may swap did not: ${measured}`);
  }
  return conclude('MemorySwapMax', {
    holds: limited.oomKills > 0 && ownSwap === 0,
    expected: EXPECTED_OFF_SWAP,
    measured,
    findings: limited.findings,
  });
}
