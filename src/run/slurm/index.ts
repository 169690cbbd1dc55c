/** `rlimit run --on slurm`: profile → options of srun → a step on a node → what it tells → its end. */
import { CannotRunError, EXIT, isRlimitError } from '../../errors/index.js';
import type { Finding, Limits, Machine, Profile } from '../../model/index.js';
import { loadProfile, parseMachineOverride, resolve } from '../../profiles/index.js';
import { renderLeftOut, renderLogLoss, renderStart } from '../../render/run.js';
import { renderNeverStarted, renderPlaceOf, renderSizedFor } from '../../render/slurm.js';
import { type Begun, believeStep, parsePlace } from '../../slurm/index.js';
import { newRunId } from '../../systemd/names.js';
import { shellLine } from '../../text/shell.js';
import type { RunContext } from '../context.js';
import type { Ending } from '../launch.js';
import { openLog } from '../log.js';
import type { RunOptions } from '../options.js';
import { print, say, shieldStderr } from '../output.js';
import { checkEncoding } from '../program.js';
import { nodeToFit, requireSlurm } from './ask.js';
import { conclude } from './conclude.js';
import { planSlurm, type SlurmPlan } from './plan.js';
import { refuseNonsense } from './refuse.js';
import { runStep, type StepSeen, srunArgv } from './step.js';

/**
 * Runs a command as one step of Slurm, up to its end.
 * @returns how rlimit itself is to end: the command's own status
 * @throws {RlimitError} when the command was not started
 */
export async function runOnSlurm(options: RunOptions, context: RunContext): Promise<Ending> {
  const { env } = context;
  refuseNonsense(options, env);
  const place = parsePlace(options.on);
  checkEncoding(options.command);
  const { machine, note } = machineFor(options, place, env);
  const profile = await loadProfile(options.profile, context);
  const plan = planFor(options, { profile, machine, place, env });
  plan.remarks.unshift(...profile.remarks.map((remark) => `rlimit: note: ${remark}`), note);
  if (options.dryRun) {
    printPlan(plan, options);
    return { status: EXIT.fine };
  }
  refuseLeftOut(plan, options);
  const started = Date.now();
  const seen = await follow(plan, options, context);
  if (seen.begun === undefined) {
    const early = endedEarly(seen);
    if (early !== undefined) return early;
  }
  return conclude(plan, seen, { options, context, machine, started });
}

/** The node that shares are shares of: the one that was described, or the smallest there is. */
function machineFor(
  { machine: described, dryRun }: RunOptions,
  place: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): { machine: Machine; note: string } {
  if (!dryRun || described === undefined) requireSlurm(env);
  if (described !== undefined) {
    // As in parseNodes: of swap nothing is said there.
    const unsaid = { cores: 1, cpus: 1, memory: 1024 ** 3, swap: 1024 ** 3 };
    const machine = parseMachineOverride(described, unsaid);
    return { machine, note: renderSizedFor(undefined, machine, undefined) };
  }
  const { name, machine, partition } = nodeToFit(place, env);
  return { machine, note: renderSizedFor(name, machine, partition) };
}

function planFor(
  options: RunOptions,
  {
    profile,
    machine,
    place,
    env,
  }: {
    profile: Profile;
    machine: Machine;
    place: Readonly<Record<string, string>>;
    env: NodeJS.ProcessEnv;
  },
): SlurmPlan {
  const limits = resolveOn(profile, machine, options);
  return planSlurm(options, { profile, limits, place, id: newRunId(), env });
}

/** @throws {UsageError} as `resolve` does; "this machine" is the node there, which is said */
function resolveOn(profile: Profile, machine: Machine, options: RunOptions): Limits {
  try {
    return resolve(profile, machine, {
      overrides: options.properties,
      force: options.force,
      ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
    });
  } catch (error) {
    if (isRlimitError(error)) error.why = `${error.why ?? ''} ${NODE_IS_MEANT}`.trim();
    throw error;
  }
}

const NODE_IS_MEANT =
  'The machine is the smallest node that the job may come to; others: --on slurm:partition=…, --machine.';

function printPlan(plan: SlurmPlan, options: RunOptions): void {
  const variables = Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`);
  const argv = ['env', ...variables, ...srunArgv(plan, plan.command)];
  if (options.json) {
    print(JSON.stringify({ ...plan, argv }, null, 2));
    return;
  }
  if (!options.quiet) {
    for (const leftOut of plan.leftOut) say(renderLeftOut(leftOut));
    for (const remark of plan.remarks) say(remark);
  }
  print(shellLine(argv));
}

/** What no node can hold need not wait in a queue to be refused. */
function refuseLeftOut({ leftOut }: SlurmPlan, { strict }: RunOptions): void {
  if (!strict || leftOut.length === 0) return;
  for (const each of leftOut) say(renderLeftOut(each));
  throw new CannotRunError('not submitted: --strict, and Slurm cannot hold every property', {
    remedy: `take them away: ${leftOut.map(({ property }) => `-p ${property}=`).join(' ')}`,
  });
}

async function follow(
  plan: SlurmPlan,
  options: RunOptions,
  context: RunContext,
): Promise<StepSeen> {
  const { log: file, strict } = options;
  const unshield = shieldStderr();
  const log =
    file === undefined ? undefined : openLog(file, (error) => say(renderLogLoss(file, error)));
  try {
    const onBegun = (begun: Begun) => announce(plan, begun, options);
    return await runStep(plan, { context, strict, log, onBegun });
  } finally {
    log?.close();
    unshield();
  }
}

/**
 * Says what the step has seen to be in force.
 * @throws nothing: with --strict the step itself has refused by now
 */
function announce(plan: SlurmPlan, begun: Begun, { quiet, strict }: RunOptions): void {
  const findings = believeStep(plan.asked, begun);
  if (quiet && !(strict && begun.refused)) return;
  say(started(plan, findings, begun));
  for (const remark of plan.remarks) say(remark);
}

function started(plan: SlurmPlan, findings: readonly Finding[], { step, node }: Begun): string {
  const troubled = findings.map(({ property }) => property);
  const { properties, memory, cpus } = plan.asked;
  const held = [
    ...(memory === undefined ? [] : ['MemoryMax']),
    ...(cpus === undefined ? [] : ['CPUQuota']),
  ].filter((name) => !troubled.includes(name));
  return renderStart({
    unit: renderPlaceOf(plan.name, step, node),
    launcher: 'slurm',
    enforced: Object.fromEntries(
      held.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]])),
    ),
    findings,
    leftOut: plan.leftOut,
  });
}

/**
 * A step that never reported.
 * @returns how it was ended by the user meanwhile; undefined when srun went well all the same
 * @throws {CannotRunError} with the words of Slurm
 */
function endedEarly({ srun, words, received }: StepSeen): Ending | undefined {
  const signal = received.at(-1)?.signal as NodeJS.Signals | undefined;
  if (signal !== undefined) {
    say(renderNeverStarted(signal));
    return { signal };
  }
  if (srun.status === 0) return undefined;
  const said = words.map((line) => line.replace(/^\S+ (error: )?/, ''));
  throw new CannotRunError('Slurm did not start the command', {
    why:
      said.length === 0
        ? `srun ended with ${srun.signal ?? `status ${srun.status}`}.`
        : `It says: ${said.slice(-3).join('; ')}.`,
    remedy: 'sinfo tells what there is; rlimit run --dry-run shows the line that was tried',
  });
}
