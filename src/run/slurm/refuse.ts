import { UsageError } from '../../errors/index.js';
import type { RunOptions } from '../options.js';

/** Options of `run` that mean something on this machine only, and why. */
const HERE_ONLY: readonly [name: string, isSet: (options: RunOptions) => boolean, why: string][] = [
  [
    '--jobs auto',
    ({ jobserver }) => jobserver,
    'The jobserver of rlimit hands out jobs by the memory of this machine, which the job does not run on. The profile recommends a number for the node: $RLIMIT_JOBS, or --jobs N.',
  ],
  ['--launcher', ({ launcher }) => launcher !== 'auto', 'Slurm starts the command itself.'],
  ['--slice', ({ slice }) => slice !== undefined, 'Slurm makes the cgroup of a job itself.'],
  ['--unit', ({ unit }) => unit !== undefined, 'A job of Slurm has a number.'],
  [
    '--description',
    ({ description }) => description !== undefined,
    'Slurm has a comment: --on slurm:comment=TEXT.',
  ],
  [
    '--nice',
    ({ nice }) => nice !== undefined,
    'What Slurm calls nice is a place in its queue: --on slurm:nice=N.',
  ],
  ['--wait', ({ wait }) => wait, 'Slurm queues by itself; the budget is for runs on this machine.'],
  [
    '--break-stall',
    ({ breakStall }) => breakStall,
    'Slurm has no MemoryHigh, so nothing can stall between it and MemoryMax.',
  ],
  [
    '--keep',
    ({ keep }) => keep,
    'srun ends with its terminal. What is to go on without one is for sbatch: rlimit export slurm PROFILE.',
  ],
];

/** Variables that send the stderr of a step elsewhere, or change it (srun(1), INPUT ENVIRONMENT). */
const SPOILING = ['SLURM_STDERRMODE', 'SLURM_LABELIO', 'SLURM_MULTI_PROG'];

/**
 * What makes no sense together with a run on another machine.
 * @throws {UsageError}
 */
export function refuseNonsense(options: RunOptions, env: NodeJS.ProcessEnv): void {
  for (const [name, isSet, why] of HERE_ONLY) {
    if (isSet(options)) throw new UsageError(`${name} and --on slurm do not go together`, { why });
  }
  const variable = SPOILING.find((name) => env[name] !== undefined);
  if (variable === undefined) return;
  throw new UsageError(`${variable} is set, and --on slurm does not go with it`, {
    why: 'On the stderr of the step comes the report of what holds the command.',
    remedy: `unset ${variable}`,
  });
}
