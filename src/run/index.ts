/** `rlimit run`: profile → limits → scope → the kernel's word → the command → its end. */
import { cgroupOf, isPopulated, readLimitFiles } from '../cgroup/index.js';
import { CannotRunError, EXIT } from '../errors/index.js';
import { ancestorReader } from '../inspect/surroundings.js';
import { filesToVerify, verifyKernel } from '../inspect/verify.js';
import { readMachine } from '../machine/index.js';
import type { Finding, Machine, Outcome, UnitRecord } from '../model/index.js';
import { loadProfile, parseMachineOverride, resolve } from '../profiles/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';
import { renderLeftBehind, renderLeftOut, renderLogLoss, renderStart } from '../render/run.js';
import { recordDirectory, removeRecord, writeRecord } from '../state/write.js';
import { scopeArgv } from '../systemd/compile.js';
import { diagnoseUserManager, readUserManagerFacts } from '../systemd/diagnose.js';
import { systemdVersion } from '../systemd/version.js';
import { shellLine } from '../text/shell.js';
import { type AtGate, type Ending, launch } from './launch.js';
import { type Log, openLog } from './log.js';
import type { RunOptions } from './options.js';
import { shieldStderr, writeLine } from './output.js';
import { newRunId, type Plan, planRun } from './plan.js';
import { checkEncoding, checkProgram } from './program.js';
import type { StartedWith } from './started-with.js';

export interface RunContext {
  cwd: string;
  startedWith: StartedWith;
  /** The environment as the caller gave it. */
  env: NodeJS.ProcessEnv;
}

/**
 * Runs a command under a profile, up to the command's end.
 * @returns how rlimit itself is to end: the command's own status or signal
 * @throws {RlimitError} when the command was not started
 */
export async function run(options: RunOptions, context: RunContext): Promise<Ending> {
  const machine = machineFor(options, context.env);
  const profile = await loadProfile(options.profile, context);
  if (!options.quiet) for (const remark of profile.remarks) say(`rlimit: note: ${remark}`);
  const limits = resolve(profile, machine, {
    overrides: options.properties,
    force: options.force,
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
  const plan = planRun(options, { limits, machine, id: newRunId(), env: context.env });
  if (options.dryRun) {
    printPlan(plan, options);
    return { status: EXIT.fine };
  }
  checkEncoding(options.command);
  checkProgram(options.command[0] ?? '', context.env.PATH);
  checkUserManager(context.env);
  return runPlan(plan, { options, machine, context });
}

function machineFor(options: RunOptions, env: NodeJS.ProcessEnv): Machine {
  const systemd = systemdVersion(env);
  const here = { ...readMachine(), ...(systemd === undefined ? {} : { systemd }) };
  if (options.machine === undefined) return here;
  if (!options.dryRun) {
    throw new CannotRunError('--machine only answers for another machine', {
      remedy: 'add --dry-run',
    });
  }
  return parseMachineOverride(options.machine, here);
}

/** @throws {CannotRunError} with what is missing and the command that mends it */
function checkUserManager(env: NodeJS.ProcessEnv): void {
  const trouble = diagnoseUserManager(readUserManagerFacts({ env }));
  if (trouble !== undefined) throw new CannotRunError(trouble.message, trouble);
}

async function runPlan(
  plan: Plan,
  { options, machine, context }: { options: RunOptions; machine: Machine; context: RunContext },
): Promise<Ending> {
  const log = openLogOf(options);
  const unshield = shieldStderr();
  const begun = Date.now();
  const launching = launch({
    argvFor: (command) => scopeArgv(plan.request, command),
    command: plan.command,
    env: context.env,
    cwd: context.cwd,
    startedWith: context.startedWith,
    piped: log !== undefined,
  });
  const forget = whileSystemdWorks(plan, machine, context);
  let cgroup: string | undefined;
  try {
    const started = await launching;
    if (!('pid' in started)) return started;
    cgroup = cgroupOf(started.pid);
    const believed = believe(plan, cgroup, machine);
    if (!options.quiet || (options.strict && !believed.whole)) announce(plan, believed);
    if (options.strict && !believed.whole) {
      await started.refuse();
      throw new CannotRunError('not started: --strict, and not every property is in force');
    }
    copyTo(log, started);
    const ending = await started.go();
    if (options.json) say(JSON.stringify(outcomeOf(plan, ending, Date.now() - begun)));
    return ending;
  } catch (error) {
    unshield();
    throw error;
  } finally {
    log?.close();
    if (cgroup === undefined || !isPopulated(cgroup)) forget();
    else if (!options.quiet) say(renderLeftBehind(plan.request.unit));
  }
}

/**
 * What can be done between the start of systemd-run and its word that the scope is there. The
 * limits are verified once for nothing, on our own cgroup: code that runs for the first time is
 * slow, and now there is time for it.
 * @returns a function that forgets what was remembered of the run
 */
function whileSystemdWorks(plan: Plan, machine: Machine, context: RunContext): () => void {
  believe(plan, cgroupOf('self'), machine);
  return remember(plan, context);
}

/** What the kernel was seen to hold of a plan. */
interface Believed {
  findings: Finding[];
  /** Whether all that the profile wishes is in force. */
  whole: boolean;
}

/** Believes no limit until the kernel's own files say it. */
function believe(
  { request, leftOut }: Plan,
  cgroup: string | undefined,
  machine: Machine,
): Believed {
  const { properties } = request;
  const known = cgroup === undefined ? { files: {}, ancestors: [] } : readTree(cgroup, properties);
  const context = { ...machine, uid: process.getuid?.() ?? 0, ancestors: known.ancestors };
  const findings = verifyKernel(properties, known.files, context);
  return { findings, whole: findings.length + leftOut.length === 0 };
}

function readTree(cgroup: string, properties: Readonly<Record<string, string>>) {
  return {
    files: readLimitFiles(cgroup, filesToVerify(properties)),
    ancestors: ancestorReader()(cgroup),
  };
}

/** Only what has a file in the kernel can be said to be in force: OOMPolicy= has none. */
function announce({ request, leftOut }: Plan, { findings }: Believed): void {
  const { unit, properties } = request;
  const troubled = new Set(findings.map(({ property }) => property));
  const enforced = Object.entries(properties).filter(
    ([name]) => isPropertyName(name) && propertySpec(name).file && !troubled.has(name),
  );
  say(renderStart({ unit, enforced: Object.fromEntries(enforced), findings, leftOut }));
}

function copyTo(log: Log | undefined, { stdout, stderr }: AtGate): void {
  if (stdout !== null) log?.copy(stdout, 1);
  if (stderr !== null) log?.copy(stderr, 2);
}

function openLogOf({ log }: RunOptions): Log | undefined {
  if (log === undefined) return undefined;
  return openLog(log, (error) => say(renderLogLoss(log, error)));
}

/**
 * Keeps what was asked where `inspect` and `kill` find it, also after a SIGKILL of rlimit. Without
 * it the run goes on: the unit's name is enough to find it.
 * @returns a function that forgets it again
 */
function remember(plan: Plan, { env, cwd }: RunContext): () => void {
  const directory = recordDirectory(env);
  if (directory === undefined) return () => {};
  const record: UnitRecord = {
    version: 1,
    unit: plan.request.unit,
    slice: plan.request.slice,
    profile: plan.profile,
    properties: plan.request.properties,
    ...(plan.jobs === undefined ? {} : { jobs: plan.jobs }),
    command: plan.command,
    cwd,
    started: Date.now(),
  };
  try {
    writeRecord(directory, record);
  } catch (error) {
    say(`rlimit: warning: ${(error as Error).message}; inspect will not know what was asked`);
  }
  return () => removeRecord(directory, record.unit);
}

function printPlan(plan: Plan, options: RunOptions): void {
  const argv = scopeArgv(plan.request, plan.command);
  if (options.json) {
    const { request, ...rest } = plan;
    const { systemd: _, ...unit } = request;
    print(JSON.stringify({ ...rest, ...unit, argv }, null, 2));
    return;
  }
  if (!options.quiet) {
    for (const leftOut of plan.leftOut) say(renderLeftOut(leftOut));
  }
  print(shellLine(argv));
}

function outcomeOf(plan: Plan, ending: Ending, elapsed: number): Outcome {
  const { profile, command } = plan;
  return { unit: plan.request.unit, profile, command, ...ending, elapsedMs: elapsed };
}

function say(line: string): void {
  writeLine(2, line);
}

function print(line: string): void {
  writeLine(1, line);
}
