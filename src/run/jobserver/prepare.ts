import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { CannotRunError } from '../../errors/index.js';
import {
  hasJobserver,
  type JobserverAuth,
  jobserverEnvironment,
  readClients,
  type Style,
} from '../../jobserver/index.js';
import type { Limits, Machine, Profile } from '../../model/index.js';
import {
  renderDefeat,
  renderDryJobserver,
  renderJobserver,
  renderNote,
  renderOuterJobserver,
} from '../../render/jobserver.js';
import { readHistory } from '../../state/read-history.js';
import { recordDirectory } from '../../state/write.js';
import type { RunContext } from '../context.js';
import type { Plan } from '../plan.js';
import { expectedOf, mostJobs } from './plan.js';
import { versionOf, wayFor } from './versions.js';

/** What a jobserver is planned from. */
export interface JobserverFacts {
  profile: Profile;
  limits: Limits;
  machine: Machine;
  context: RunContext;
  /** The line is only shown. */
  isDry: boolean;
}

/** Variables of a profile that a tool makes a number of jobs of, and takes before the jobserver. */
const DEFEATING = ['CMAKE_BUILD_PARALLEL_LEVEL'];

/**
 * Adds a jobserver to a plan, with what the command is told of it, and what is to be said before it
 * starts. A run that was started by a make has one already, and gets no other.
 */
export function withJobserver(
  plan: Plan,
  { profile, limits, machine, context, isDry }: JobserverFacts,
): Plan {
  const { env, cwd } = context;
  const outer = env.MAKEFLAGS ?? '';
  if (hasJobserver(outer)) return { ...plan, remarks: [renderOuterJobserver()] };
  const environment = withoutKeys(plan.request.environment, DEFEATING);
  const clients = readClients({ argv: plan.command, env: { ...env, ...environment }, generator });
  const most = mostJobs(limits, profile.jobs, machine);
  const way = wayFor(clients, (program) => versionOf(program, env));
  const directory = directoryFor(plan.request.unit, env);
  const auth = authFor(way.style, { directory, taken: context.startedWith.descriptors });
  const flags = environmentFor(auth, most, { ...env, ...environment });
  const expected = expectedOf({ profile: profile.name, jobs: profile.jobs, cwd }, outcomesOf(env));
  const remarks = [
    renderJobserver({ style: way.style, most, ...expected }),
    ...(isDry ? [renderDryJobserver()] : []),
    ...clients.defeated.map(renderDefeat),
    ...[...way.notes, ...clients.notes].map(renderNote),
  ];
  return {
    ...plan,
    request: { ...plan.request, environment: { ...environment, ...flags } },
    remarks,
    jobserver: {
      auth,
      cap: most - 1,
      ...expected,
      onDanger: profile.jobs?.onDanger ?? 'freeze',
      manyTokens: clients.manyTokens,
      directory,
    },
  };
}

/** @throws {CannotRunError} where the path of the FIFO is one that MAKEFLAGS cannot hold */
function environmentFor(auth: JobserverAuth, most: number, env: NodeJS.ProcessEnv) {
  try {
    return jobserverEnvironment(auth, most, env);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CannotRunError('tools cannot be told of the jobserver', {
      why: `${error.message}.`,
      remedy: 'set XDG_RUNTIME_DIR to a directory without such characters',
    });
  }
}

/** A history that cannot be read tells nothing here; whoever asks for it is told. */
function outcomesOf(env: NodeJS.ProcessEnv) {
  try {
    return readHistory(env).outcomes;
  } catch {
    return [];
  }
}

/** Beside the record of the run, or in a directory for temporary files where there are no records. */
function directoryFor(unit: string, env: NodeJS.ProcessEnv): string {
  return `${recordDirectory(env) ?? `${tmpdir()}/rlimit-${process.pid}`}/${unit}.jobs`;
}

function authFor(
  style: Style,
  { directory, taken }: { directory: string; taken: readonly number[] },
): JobserverAuth {
  if (style === 'fifo') return { fifo: `${directory}/fifo` };
  const [read = 0, write = 0] = freeDescriptors(taken);
  return { read, write };
}

/** From 10 on no script can mean them by accident: a POSIX shell redirects single digits alone. */
function freeDescriptors(taken: readonly number[]): number[] {
  const candidates = Array.from({ length: taken.length + 2 }, (_, index) => 10 + index);
  return candidates.filter((descriptor) => !taken.includes(descriptor)).slice(0, 2);
}

/** What cmake was told when it wrote the build directory. */
function generator(directory: string): string | undefined {
  try {
    const cache = readFileSync(`${directory}/CMakeCache.txt`, 'utf8');
    return /^CMAKE_GENERATOR:\w+=(.*)$/m.exec(cache)?.[1];
  } catch {
    return undefined;
  }
}

function withoutKeys(
  values: Readonly<Record<string, string>>,
  keys: readonly string[],
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
}
