/** Asks the programs of Slurm, each with a time limit. */
import { spawnSync } from 'node:child_process';
import { pause } from '../../cgroup/end.js';
import { UnavailableError } from '../../errors/index.js';
import {
  type ClusterNode,
  guessFromWords,
  isFinal,
  parseNodes,
  parseSacct,
  parseScontrol,
  SACCT,
  SINFO,
  type StepState,
  smallestNode,
} from '../../slurm/index.js';
import { checkProgram } from '../program.js';

/** A busy controller may take its time. */
const TIMEOUT_MS = 30_000;
/** slurmctld knows of an end a moment after srun does, its data base a little later still. */
const TRIES = 6;
const BETWEEN_MS = 400;

interface Answer {
  stdout: string;
  stderr: string;
  ok: boolean;
}

/** @throws {UnavailableError} where srun is not installed */
export function requireSlurm({ PATH }: NodeJS.ProcessEnv): void {
  try {
    checkProgram('srun', PATH);
  } catch {
    throw new UnavailableError('Slurm is not installed here: there is no srun', {
      why: '--on slurm submits from a machine of the cluster, as srun does.',
      remedy: 'sudo apt-get install slurm-client munge, with the slurm.conf of your cluster',
    });
  }
}

/**
 * The node that a profile is sized for.
 * @param options of `--on`: a partition or nodes named there, or by srun's variables, are those asked for
 * @throws {UnavailableError} when Slurm does not tell
 */
export function nodeToFit(
  options: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): ClusterNode {
  const within = env.SLURM_JOB_ID === undefined ? undefined : env.SLURM_JOB_NODELIST;
  const partition =
    within === undefined ? (options.partition ?? env.SLURM_PARTITION) : env.SLURM_JOB_PARTITION;
  const nodes = within ?? options.nodelist;
  const { clusters } = options;
  const { stdout, stderr, ok } = ask('sinfo', env, [
    ...SINFO,
    ...(nodes === undefined ? [] : [`--nodes=${nodes}`]),
    ...(clusters === undefined ? [] : [`--clusters=${clusters}`]),
  ]);
  const node = ok ? smallestNode(parseNodes(stdout), partition) : undefined;
  if (node !== undefined) return node;
  const where = partition === undefined ? 'its nodes' : `the nodes of partition ${partition}`;
  throw new UnavailableError(`Slurm does not tell what ${where} have`, {
    why: stderr.trim() === '' ? 'sinfo names none.' : `It says: ${lastLine(stderr)}`,
    remedy: 'sinfo, or say it yourself: --machine cores=36,memory=252G',
  });
}

/** What is known of the end of a step, and who said what. */
export interface End {
  state?: StepState;
  says: string[];
}

/**
 * Asks how a step ended: slurmctld, which keeps a job for some minutes, then the accounting, where there is
 * one; what srun wrote is the last resort.
 * @param words lines that srun wrote meanwhile
 * @param isInside whether the job goes on, and the step was only a part of it
 */
export function askEnd(
  step: string,
  { words, isInside, env }: { words: readonly string[]; isInside: boolean; env: NodeJS.ProcessEnv },
): End {
  const job = step.replace(/\..*/, '');
  const says: string[] = [];
  const controller = isInside
    ? undefined
    : untilFinal(() =>
        parseScontrol(ask('scontrol', env, ['--oneliner', 'show', 'job', job]).stdout),
      );
  if (controller !== undefined) says.push(controller.says);
  let trouble = '';
  const accounting = untilFinal(() => {
    const { stdout, stderr, ok } = ask('sacct', env, [...SACCT, `--jobs=${job}`]);
    trouble = ok ? '' : lastLine(`${stdout}\n${stderr}`);
    return ok ? parseSacct(stdout, step) : 'never';
  });
  if (accounting !== undefined) says.push(accounting.says);
  if (trouble !== '') says.push(`sacct knows nothing: ${trouble}`);
  const guess = guessFromWords(words);
  const state = { ...(final(controller) ?? final(accounting) ?? guess), ...extras(accounting) };
  if (guess !== undefined) says.push(guess.says);
  return state.state === undefined ? { says } : { state: state as StepState, says };
}

/** What only the accounting tells. */
function extras(accounting: StepState | undefined): Partial<StepState> {
  const { cancelledBy, maxRss } = accounting ?? {};
  return {
    ...(cancelledBy === undefined ? {} : { cancelledBy }),
    ...(maxRss === undefined ? {} : { maxRss }),
  };
}

function final(state: StepState | undefined): StepState | undefined {
  return state !== undefined && isFinal(state) ? state : undefined;
}

/** Looks again as long as the end is not known; `never` says that it will not be. */
function untilFinal(look: () => StepState | 'never' | undefined): StepState | undefined {
  for (let count = 1; ; count += 1) {
    const seen = look();
    if (seen === 'never') return undefined;
    if (count === TRIES || final(seen) !== undefined) return seen;
    pause(BETWEEN_MS);
  }
}

function ask(program: string, env: NodeJS.ProcessEnv, args: readonly string[]): Answer {
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const trouble = error === undefined ? (stderr ?? '') : error.message;
  return { stdout: stdout ?? '', stderr: trouble, ok: status === 0 };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
