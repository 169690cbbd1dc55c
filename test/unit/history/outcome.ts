import type { StoredOutcome } from '../../../src/state/index.js';

/** A run as the history keeps it. */
export const OUTCOME: StoredOutcome = {
  version: 1,
  unit: 'rlimit-coq-standard-mdx3k2j1abc.scope',
  profile: 'coq-standard',
  command: ['make', '-j4', 'ümlaut "quoted"\n'],
  cwd: '/home/dev/proofs',
  launcher: 'user',
  started: 1_795_178_602_000,
  elapsedMs: 754_000,
  status: 0,
  limits: { MemoryMax: '150G', CPUQuota: '' },
  jobs: 4,
  figures: {
    memoryPeak: 4_509_715_660,
    anonPeak: 4_080_218_931,
    swapPeak: 0,
    cpuUsec: 2_111_000_000,
    throttledUsec: 60_500_000,
    throttledPart: 0.125,
    tasksPeak: 14,
    memoryStallUsec: 0,
    cpuStallUsec: 3_000_000,
    ioStallUsec: 1_200_000,
  },
  verdict: { id: 'finished', says: 'finished', evidence: [] },
};

/** The same run with other words. */
export function outcome(words: Partial<StoredOutcome> = {}): StoredOutcome {
  return { ...OUTCOME, ...words };
}

/** A run killed for lack of memory. */
export function killed(words: Partial<StoredOutcome> = {}): StoredOutcome {
  const { status: _, ...rest } = OUTCOME;
  return {
    ...rest,
    signal: 'SIGKILL',
    figures: { memoryPeak: 1024 ** 3, oomKills: 1 },
    verdict: {
      id: 'memory-max',
      says: 'killed at its own MemoryMax=1G: cc1plus, 812M',
      evidence: ['memory.events: oom_kill 1'],
      advice: '-p MemoryMax=2G, or -j2',
    },
    ...words,
  };
}
