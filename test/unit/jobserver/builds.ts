/** Builds for the simulator: jobs whose sizes, curves and order are drawn from a seed. */

export const MB = 1024 ** 2;

/** Memory over the progress of a job, as parts of its peak at parts of its work. */
export type Curve = (progress: number) => number;

export interface SimJob {
  /** Bytes at its peak. */
  peak: number;
  /** Milliseconds of a whole core. */
  work: number;
  curve: Curve;
}

/** A make: starts its steps in turn, and the parts of one step in any number at a time. */
export interface SimMake {
  steps: (SimJob | SimMake)[][];
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function draw(seed: number): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Takes its memory in this part of its work and keeps it: a compiler that loads and then works. */
const ramp =
  (part: number): Curve =>
  (progress) =>
    Math.min(1, progress / part);

/** Two fifths of its peak, and all of it for a moment late in its life. */
const spike: Curve = (progress) =>
  progress > 0.7 && progress < 0.78 ? 1 : Math.min(0.4, progress * 4);

type Random = () => number;
const between = (random: Random, low: number, high: number) => low + (high - low) * random();

function job(random: Random, low: number, high: number, curve?: Curve): SimJob {
  return {
    peak: between(random, low, high) * MB,
    work: between(random, 1500, 2500),
    curve: curve ?? ramp(between(random, 0.2, 0.6)),
  };
}

const many = (count: number, make: (index: number) => SimJob) =>
  Array.from({ length: count }, (_, index) => make(index));

/** Name → the build of a seed. All are for a limit of 1 GB. */
export const BUILDS = {
  'even, 40 to 400 MB': (random) => ({ steps: [many(40, () => job(random, 40, 400))] }),
  'two kinds': (random) => ({
    steps: [many(40, () => (random() < 0.7 ? job(random, 30, 80) : job(random, 300, 420)))],
  }),
  'first small, then large': (random) => ({
    steps: [[...many(25, () => job(random, 20, 60)), ...many(15, () => job(random, 250, 400))]],
  }),
  'one giant': (random) => ({
    steps: [
      [
        ...many(20, () => job(random, 40, 120)),
        job(random, 700, 800),
        ...many(20, () => job(random, 40, 120)),
      ],
    ],
  }),
  'slowly growing': (random) => ({ steps: [many(40, () => job(random, 40, 400, ramp(1)))] }),
  'late spikes': (random) => ({ steps: [many(40, () => job(random, 40, 400, spike))] }),
  'all at once': (random) => ({ steps: [many(40, () => job(random, 40, 400, ramp(0.05)))] }),
  'heavy linker at the end': (random) => ({
    steps: [many(40, () => job(random, 40, 200)), [job(random, 800, 900)]],
  }),
  'linkers in between': (random) => ({
    steps: [
      [...many(30, (index) => (index % 6 === 5 ? job(random, 350, 450) : job(random, 30, 100)))],
    ],
  }),
  'three levels of makes': (random) => {
    const leaf = (): SimMake => ({
      steps: [many(3, () => job(random, 40, 400)), many(2, () => job(random, 40, 400))],
    });
    const branch = (): SimMake => ({ steps: [[leaf(), leaf()], [leaf()]] });
    return { steps: [[branch(), branch(), branch()], many(2, () => job(random, 40, 400))] };
  },
} satisfies Record<string, (random: Random) => SimMake>;

/** Jobs so small that memory does not matter under 1 GB. */
export const SMALL = (random: Random): SimMake => ({ steps: [many(80, () => job(random, 5, 40))] });
