import { UsageError } from '../errors/index.js';
import type {
  JobAdvice,
  JobModel,
  LeftOut,
  Limit,
  Machine,
  OnStall,
  Origin,
  Profile,
} from '../model/index.js';
import type { LoadedProfile } from './load.js';
import { resolve } from './resolve.js';

/** A profile with what it becomes on a machine: what `profile show` shows. */
export interface ProfileView {
  name: string;
  layer: Profile['layer'];
  file?: string;
  summary: string;
  why?: string;
  lineage: string[];
  machine: Pick<Machine, 'cores' | 'cpus' | 'memory' | 'swap'>;
  limits: Limit[];
  leftOut: LeftOut[];
  jobs?: { model: JobModel; advice: JobAdvice };
  /** Absent where no layer says it: `raise`. */
  onStall?: { value: OnStall; origin?: Origin };
  environment: Record<string, { value: string; origin?: Origin }>;
  /** Why the profile cannot be used on this machine as it is. */
  refused?: { message: string; why?: string; remedy?: string };
  remarks: string[];
}

/**
 * Puts together what there is to know of a profile on a machine. One that would be refused there
 * is shown all the same, with the reason.
 * @throws {UsageError} for a value that cannot be read
 */
export function viewProfile(profile: LoadedProfile, machine: Machine): ProfileView {
  const refused = refusal(profile, machine);
  const limits = resolve(profile, machine, { force: refused !== undefined });
  const { name, layer, file, summary, why, lineage, remarks } = profile;
  const { cores, cpus, memory, swap } = machine;
  return {
    name,
    layer,
    ...(file === undefined ? {} : { file }),
    summary,
    ...(why === undefined ? {} : { why }),
    lineage,
    machine: { cores, cpus, memory, swap },
    limits: limits.properties,
    leftOut: limits.leftOut,
    ...(profile.jobs && limits.jobs ? { jobs: { model: profile.jobs, advice: limits.jobs } } : {}),
    ...(profile.onStall === undefined ? {} : { onStall: stallView(profile.onStall, profile) }),
    environment: Object.fromEntries(
      Object.entries(limits.environment).map(([variable, value]) => {
        const origin = profile.origins[`environment.${variable}`];
        return [variable, { value, ...(origin === undefined ? {} : { origin }) }];
      }),
    ),
    ...(refused === undefined ? {} : { refused }),
    remarks,
  };
}

function stallView(value: OnStall, { origins }: Profile): NonNullable<ProfileView['onStall']> {
  const origin = origins['on-stall'];
  return { value, ...(origin === undefined ? {} : { origin }) };
}

function refusal(profile: Profile, machine: Machine): ProfileView['refused'] {
  try {
    resolve(profile, machine);
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, why, remedy } = error;
    return {
      message,
      ...(why === undefined ? {} : { why }),
      ...(remedy === undefined ? {} : { remedy }),
    };
  }
}
