import type { Sample } from './sample.js';

/** What happened between two samples of a cgroup. What cannot be told is absent. */
export interface Rates {
  /** Between the two. */
  seconds: number;
  /** Cores kept busy. */
  cores?: number;
  /** Part of the CPU quota's periods that ran into the quota, 0 to 1. */
  throttledPart?: number;
  /** Part of the time in which all tasks at once waited for memory, 0 to 1. */
  memoryStallPart?: number;
}

/**
 * Rates from the counters of two samples. A counter that went backwards belongs to another cgroup of
 * the same name by now, and tells nothing.
 */
export function rates(previous: Sample, now: Sample): Rates {
  const seconds = (now.atMs - previous.atMs) / 1000;
  if (seconds <= 0) return { seconds: 0 };
  const cpuUsec = grown(previous.usage.cpuUsec, now.usage.cpuUsec);
  const periods = grown(previous.quota?.periods, now.quota?.periods);
  const throttled = grown(previous.quota?.throttled, now.quota?.throttled);
  const lately = now.stalledPart;
  const stallUsec = grown(previous.pressure.memory?.full?.total, now.pressure.memory?.full?.total);
  return {
    seconds,
    ...(cpuUsec === undefined ? {} : { cores: cpuUsec / 1e6 / seconds }),
    ...(periods === undefined || throttled === undefined
      ? {}
      : { throttledPart: periods === 0 ? 0 : Math.min(1, throttled / periods) }),
    ...(stallUsec === undefined
      ? lately === undefined
        ? {}
        : { memoryStallPart: lately }
      : { memoryStallPart: Math.min(1, stallUsec / 1e6 / seconds) }),
  };
}

function grown(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined || after === undefined || after < before) return undefined;
  return after - before;
}
