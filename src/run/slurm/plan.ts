/** What is asked of Slurm for a run. Pure. */
import { slurmCpus, slurmOptions } from '../../export/index.js';
import type { LeftOut, Limits, Profile } from '../../model/index.js';
import { plainBytes } from '../../quantity/index.js';
import { wrap } from '../../render/run.js';
import type { Asked } from '../../slurm/index.js';
import type { RunOptions } from '../options.js';
import { environmentFor } from '../plan.js';

export interface SlurmPlan {
  profile: string;
  /** Name of the job, by which the history knows the run. */
  name: string;
  /** Options of srun. */
  options: string[];
  /** Variables for the command besides those of the caller. */
  environment: Record<string, string>;
  asked: Asked;
  /** What Slurm has no option for, or the node cannot have. */
  leftOut: LeftOut[];
  /** Whole lines for the person. */
  remarks: string[];
  jobs?: number;
  command: string[];
}

/** Properties that become options, and so are what was asked for. */
const OPTIONS_FOR = ['MemoryMax', 'CPUQuota', 'RuntimeMaxSec'];

/**
 * @param limits the profile resolved on a node
 * @param place options of `--on`
 */
export function planSlurm(
  options: RunOptions,
  {
    profile,
    limits,
    place,
    id,
    env,
  }: {
    profile: Profile;
    limits: Limits;
    place: Readonly<Record<string, string>>;
    id: string;
    env: NodeJS.ProcessEnv;
  },
): SlurmPlan {
  const name = `rlimit-${limits.profile}-${id}`;
  const told = slurmOptions({ profile, limits });
  const asked = askedOf(limits);
  const jobs = options.jobs ?? limits.jobs?.pick;
  return {
    profile: limits.profile,
    name,
    options: [
      '--nodes=1',
      ...told.options,
      `--job-name=${name}`,
      ...Object.entries(place).map(([key, value]) => `--${key}=${value}`),
    ],
    environment: {
      ...environmentFor(limits.environment, env),
      RLIMIT_PROFILE: limits.profile,
      RLIMIT_UNIT: name,
      ...(jobs === undefined ? {} : { RLIMIT_JOBS: String(jobs) }),
    },
    asked,
    leftOut: [
      ...limits.leftOut,
      ...told.cannot.map(({ what, value, why }) => ({ property: what, wish: value, why })),
    ],
    remarks: [...told.notes, ...silences(asked)].map((note) => wrap(`rlimit: note: ${note}`)),
    ...(jobs === undefined ? {} : { jobs }),
    command: options.command,
  };
}

function askedOf({ properties }: Limits): Asked {
  const chosen = properties.filter(({ property }) => OPTIONS_FOR.includes(property));
  const values = Object.fromEntries(chosen.map(({ property, value }) => [property, value]));
  const memory = plainBytes(values.MemoryMax ?? 'infinity');
  const quota = values.CPUQuota ?? '';
  return {
    properties: values,
    ...(typeof memory === 'number' ? { memory } : {}),
    ...(quota === '' ? {} : { cpus: slurmCpus(quota) }),
  };
}

/** What Slurm decides where a profile says nothing. */
function silences({ properties }: Asked): string[] {
  const { MemoryMax, CPUQuota, RuntimeMaxSec } = properties;
  return [
    ...(CPUQuota === undefined ? ['without a CPUQuota Slurm gives one CPU'] : []),
    ...(MemoryMax === undefined
      ? ['without a MemoryMax Slurm gives what is usual there (DefMemPerNode, DefMemPerCPU)']
      : []),
    ...(RuntimeMaxSec === undefined
      ? []
      : [`RuntimeMaxSec=${RuntimeMaxSec} is kept by Slurm; the node does not show it`]),
  ];
}
