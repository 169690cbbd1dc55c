/** What the history of a profile says, weighed: the ground that recommendations stand on. */
import { isKilledForMemory } from '../history/index.js';
import type { Outcome } from '../model/index.js';
import { plainBytes } from '../quantity/index.js';
import { type JobMemoryFigures, jobMemory, type Kill } from './job-memory.js';
import { sum, weightedMedian } from './weights.js';

/** Fewer runs, or fewer jobs in them together, are no ground to stand on. */
export const NEEDED = { runs: 3, jobs: 30 } as const;

/** Only so many of the latest runs count: what was built a hundred runs ago is another program. */
const MOST_RUNS = 30;

/** What a run counts against the one after it: after seven runs it is half. */
const FADING = 0.9;

/** So many later runs that did as much with as little take back what a killed one says. */
const REFUTED_BY = 3;

/** What runs without a kill have shown of their jobs. Memory in bytes. */
export interface Evidence {
  /** Runs whose jobs were seen and that nothing cut short. */
  runs: number;
  /** Jobs that were seen in them. */
  jobs: number;
  /** Runs killed for lack of memory that are not refuted by later ones. */
  killed: number;
  /** Most jobs at a time in one of these; 0 without. */
  killedWith: number;
  /** Milliseconds since the epoch: start of the oldest and of the latest run that counts. */
  oldest?: number;
  latest?: number;
  /** Whether that is enough; what is needed is `NEEDED`. */
  isEnough: boolean;
  /** Memory of one job; absent where none was seen. */
  perJob?: JobMemoryFigures;
  /** Most jobs at a time, asked for or seen, that a run came through with. */
  tried: number;
  /** Most anonymous memory of runs, by the most jobs they had at a time. */
  peaks: { jobs: number; bytes: number }[];
  cpu?: CpuUse;
  /** Part of the time, 0 to 1, for which all tasks waited for memory; the median of the runs. */
  memoryStall: number;
  /** Jobs that a jobserver froze in the runs, since memory was short. */
  freezes: number;
}

/** Use of the processor, as medians of the runs. */
export interface CpuUse {
  /** Cores kept busy on average. */
  cores: number;
  /** The same by one job. */
  perJob?: number;
  /** Part of the quota's periods that ran into the quota, 0 to 1; absent without a quota. */
  throttled?: number;
}

/**
 * Weighs the runs of one profile.
 * @param outcomes in the order in which they ended
 */
export function weigh(outcomes: readonly Outcome[]): Evidence {
  const whole = outcomes.filter(isWhole).slice(-MOST_RUNS);
  const ages = new Map(whole.map((run, index) => [run, FADING ** (whole.length - 1 - index)]));
  // Further back than the runs that count no kill counts either.
  const from = whole.length < MOST_RUNS ? 0 : outcomes.indexOf(whole[0] as Outcome);
  const kills = standingKills(outcomes.slice(from));
  const jobs = sum(whole.map(seenOf));
  const perJob = jobMemory(whole, ages, kills);
  const cpu = cpuUse(whole, ages);
  const [first, last] = [whole[0], whole.at(-1)];
  return {
    runs: whole.length,
    jobs,
    killed: kills.length,
    killedWith: Math.max(0, ...kills.map((kill) => kill.jobs)),
    ...(first === undefined ? {} : { oldest: first.started }),
    ...(last === undefined ? {} : { latest: last.started }),
    isEnough: whole.length >= NEEDED.runs && jobs >= NEEDED.jobs,
    ...(perJob === undefined ? {} : { perJob }),
    tried: Math.max(0, ...whole.map(triedJobs)),
    peaks: whole.flatMap(({ figures, jobFigures }) =>
      figures.anonPeak === undefined
        ? []
        : [{ jobs: jobFigures?.concurrency.most ?? 0, bytes: figures.anonPeak }],
    ),
    ...(cpu === undefined ? {} : { cpu }),
    memoryStall:
      weightedMedian(whole.map((run) => [stallOf(run), ages.get(run) ?? 0] as const)) ?? 0,
    freezes: sum(whole.map(({ jobserver }) => jobserver?.freezes ?? 0)),
  };
}

/**
 * Whether the jobs of a run are a fair sample. Not where it was killed: of the largest jobs only the
 * beginning was seen. Not where somebody ended it: the same.
 */
function isWhole(run: Outcome): boolean {
  const cutShort = run.verdict.id === 'user-signal' || run.verdict.id === 'foreign-signal';
  return seenOf(run) > 0 && run.elapsedMs > 0 && !cutShort && !isKilledForMemory(run);
}

function seenOf({ jobFigures }: Outcome): number {
  return jobFigures?.seen ?? 0;
}

function triedJobs({ jobs, jobFigures }: Outcome): number {
  return Math.max(jobs ?? 0, jobFigures?.concurrency.most ?? 0);
}

function stallOf({ figures, elapsedMs }: Outcome): number {
  return Math.min(1, (figures.memoryStallUsec ?? 0) / (elapsedMs * 1000));
}

/** Killed runs that later runs have not refuted. */
function standingKills(outcomes: readonly Outcome[]): Kill[] {
  return outcomes.flatMap((run, index) => {
    const kill = killOf(run);
    if (kill === undefined) return [];
    const refuting = outcomes.slice(index + 1).filter((later) => refutes(later, kill));
    return refuting.length >= REFUTED_BY ? [] : [kill];
  });
}

function killOf(run: Outcome): Kill | undefined {
  if (!isKilledForMemory(run)) return undefined;
  const { figures, jobFigures, limits } = run;
  const limit = plainBytes(limits.MemoryMax ?? '');
  const had = figures.memoryPeak ?? figures.anonPeak;
  // Killed for a cgroup above or for the machine, it had not yet what its own limit allows.
  const bytes = run.verdict.id === 'memory-max' && typeof limit === 'number' ? limit : had;
  const jobs = jobFigures?.concurrency.most || run.jobs;
  if (bytes === undefined || bytes <= 0 || jobs === undefined || jobs < 1) return undefined;
  return { jobs, bytes, largest: jobFigures?.memory.max ?? 0 };
}

function refutes(run: Outcome, { jobs, bytes }: Kill): boolean {
  const limit = plainBytes(run.limits.MemoryMax ?? '');
  return (
    isWhole(run) &&
    (run.jobFigures?.concurrency.most ?? 0) >= jobs &&
    typeof limit === 'number' &&
    limit <= bytes
  );
}

function cpuUse(
  runs: readonly Outcome[],
  weights: ReadonlyMap<Outcome, number>,
): CpuUse | undefined {
  const median = (figure: (run: Outcome) => number | undefined) =>
    weightedMedian(
      runs.flatMap((run) => {
        const value = figure(run);
        return value === undefined ? [] : [[value, weights.get(run) ?? 0] as const];
      }),
    );
  const cores = median(coresOf);
  if (cores === undefined) return undefined;
  const perJob = median((run) => {
    const mean = run.jobFigures?.concurrency.mean ?? 0;
    const used = coresOf(run);
    return used === undefined || mean <= 0 ? undefined : used / mean;
  });
  const throttled = median(({ figures }) => figures.throttledPart);
  return {
    cores,
    ...(perJob === undefined ? {} : { perJob }),
    ...(throttled === undefined ? {} : { throttled }),
  };
}

function coresOf({ figures, elapsedMs }: Outcome): number | undefined {
  return figures.cpuUsec === undefined ? undefined : figures.cpuUsec / (elapsedMs * 1000);
}
