import { cgroupOf } from '../cgroup/index.js';
import { CannotRunError } from '../errors/index.js';
import type { LauncherKind, Machine, OnStall, Outcome, UnitRecord } from '../model/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';
import {
  renderHandover,
  renderHistoryLoss,
  renderLeftBehind,
  renderLogLoss,
  renderStart,
  renderStubborn,
} from '../render/run.js';
import { renderOutcome, wordVerdict } from '../render/verdict.js';
import { appendOutcome } from '../state/history.js';
import { judge } from '../verdict/index.js';
import type { RunContext } from './context.js';
import { handoverOf } from './daemons.js';
import { gatherEvidence } from './evidence.js';
import { endAfterHangUp } from './hang-up.js';
import { countJobs } from './job-count.js';
import type { JobsSeen } from './jobs.js';
import { type AtGate, type Ending, launch } from './launch.js';
import type { Believed, Launcher } from './launcher.js';
import { type Log, openLog } from './log.js';
import type { RunOptions } from './options.js';
import { say, shieldStderr } from './output.js';
import type { Plan } from './plan.js';
import { enter, recordOf } from './record.js';
import { writeReport } from './report.js';
import { Sampling } from './sampling.js';
import { monotonicMs } from './signals.js';
import type { StartedWith } from './started-with.js';

interface Supervision {
  launcher: Launcher;
  options: RunOptions;
  /** What the profile wants done about a stall. */
  onStall: OnStall;
  /** Names of processes that the profile calls jobs. */
  jobProcesses: readonly string[];
  machine: Machine;
  context: RunContext;
}

/**
 * Takes a plan through one run: from the start of the command, held back until its limits are seen
 * in force, to the verdict on its end.
 * @returns how the command ended
 * @throws {CannotRunError} when it was not started
 */
export async function supervise(plan: Plan, supervision: Supervision): Promise<Ending> {
  const { launcher, options } = supervision;
  const record = recordOf(plan, launcher, supervision.context.cwd);
  const forget = await enter(record, supervision);
  const unshield = shieldStderr();
  let log: Log | undefined;
  try {
    log = openLogOf(options);
    const started = await start(plan, supervision, log !== undefined);
    if (!('pid' in started)) return started;
    await settle(plan, started, supervision);
    copyTo(log, started);
    return await followToEnd(record, started, supervision);
  } catch (error) {
    unshield();
    throw error;
  } finally {
    log?.close();
    if (!launcher.isPopulated()) {
      launcher.clear();
      forget();
    } else if (!options.quiet) say(renderLeftBehind(plan.request.unit, launcher.kind));
  }
}

/** Starts the command as far as the gate. */
function start(plan: Plan, supervision: Supervision, piped: boolean): ReturnType<typeof launch> {
  const { launcher, context } = supervision;
  const launching = launch({
    argvFor: (command) => launcher.argvFor(command),
    command: plan.command,
    env: context.env,
    cwd: context.cwd,
    startedWith: startedWithFor(supervision),
    piped,
  });
  // While the place is being made: code that runs for the first time is slow, and now there is time.
  launcher.believe('self');
  return launching;
}

/** A command that is to outlive its terminal ignores its closing from the first instruction on. */
function startedWithFor({ options, context }: Supervision): StartedWith {
  const { startedWith } = context;
  if (!options.keep) return startedWith;
  return { ...startedWith, ignoredSignals: [...new Set([...startedWith.ignoredSignals, SIGHUP])] };
}

const SIGHUP = 1;

/** Puts the command under its limits; when that cannot be done as asked, it never starts. */
async function settle(plan: Plan, started: AtGate, supervision: Supervision): Promise<void> {
  try {
    supervision.launcher.hold(started.pid);
    believe(plan, started, supervision);
  } catch (error) {
    await started.refuse();
    throw error;
  }
}

/** Believes no limit until it is seen in force; says what is, and refuses where that was asked for. */
function believe(plan: Plan, started: AtGate, { launcher, options }: Supervision): void {
  const believed = launcher.believe(started.pid);
  const { findings, watched } = believed;
  const whole = findings.length + watched.length + plan.leftOut.length === 0;
  if (!options.quiet || (options.strict && !whole)) announce(plan, believed, launcher.kind);
  if (!options.strict || whole) return;
  throw new CannotRunError('not started: --strict, and not every property is in force');
}

/** Only what has a file in the kernel can be said to be in force: OOMPolicy= has none. */
function announce(plan: Plan, { findings, watched }: Believed, launcher: LauncherKind): void {
  const { unit, properties } = plan.request;
  const troubled = new Set(findings.map(({ property }) => property));
  const chosen = (isMeant: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(properties).filter(([name]) => isMeant(name)));
  const isHeld = (name: string) => isPropertyName(name) && Boolean(propertySpec(name).file);
  const start = {
    unit,
    launcher,
    enforced: chosen((name) => isHeld(name) && !troubled.has(name) && !watched.includes(name)),
    watched: chosen((name) => watched.includes(name)),
    findings,
    leftOut: plan.leftOut,
  };
  say(renderStart({ ...start, ...(plan.within === undefined ? {} : { within: plan.within }) }));
  const handover = handoverOf(plan.command);
  if (handover !== undefined) say(renderHandover(handover));
}

/** Lets the command go, and stays with it to the verdict. */
async function followToEnd(
  record: UnitRecord,
  started: AtGate,
  supervision: Supervision,
): Promise<Ending> {
  const { launcher, options, context } = supervision;
  const meter = launcher.meter(started.pid);
  const begunMs = monotonicMs();
  const sampling = new Sampling(meter);
  const counting = countJobs(meter.processes, supervision.jobProcesses, () => sampling.costMs);
  let killedByUser = false;
  started.signals.watch({
    onStubborn: () => options.quiet || say(renderStubborn()),
    onImpatient: () => {
      killedByUser = true;
      launcher.killAll();
    },
    ...(options.keep || context.startedWith.ignoredSignals.includes(SIGHUP)
      ? {}
      : { onHangUp: () => endAfterHangUp(launcher) }),
  });
  const going = started.go();
  const guard = await guardFor(record, started.pid, supervision);
  const ending = await going;
  sampling.stop();
  const jobsSeen = counting.stop();
  guard?.stop();
  const elapsedMs = Math.round(monotonicMs() - begunMs);
  const evidence = gatherEvidence({
    record,
    pid: started.pid,
    ending,
    elapsedMs,
    launcher,
    measured: meter.final(),
    received: started.signals.received,
    killedByUser,
    machine: supervision.machine,
    env: context.env,
  });
  const outcome = outcomeOf(record, launcher, ending, {
    elapsedMs,
    limits: { ...evidence.limits },
    figures: evidence.measured.figures,
    ...jobsSeen,
    verdict: wordVerdict(judge(evidence), evidence),
  });
  tell(outcome, options);
  keep(outcome, context.env);
  return ending;
}

/** Without a MemoryHigh of its own a run cannot stall, and nothing is loaded. */
async function guardFor(
  { unit, properties }: UnitRecord,
  pid: number,
  { launcher, options, onStall }: Supervision,
): Promise<{ stop(): void } | undefined> {
  const { MemoryHigh: high = 'infinity' } = properties;
  const manager = launcher.kind;
  const cgroup = cgroupOf(pid);
  if (high === 'infinity' || high === '' || cgroup === undefined) return undefined;
  if (manager !== 'user' && manager !== 'system') return undefined;
  const { guardAgainstStalls } = await import('./stall.js');
  const { quiet, breakStall } = options;
  const breaks = breakStall ? { breaks: onStall } : {};
  return guardAgainstStalls({ unit, cgroup, manager, quiet, ...breaks });
}

function outcomeOf(
  record: UnitRecord,
  launcher: Launcher,
  ending: Ending,
  found: Pick<Outcome, 'elapsedMs' | 'limits' | 'figures' | 'verdict'> & JobsSeen,
): Outcome {
  const { unit, profile, command, cwd, started, jobs } = record;
  const { elapsedMs, limits, ...rest } = found;
  return {
    version: 1,
    unit,
    profile,
    command,
    cwd,
    launcher: launcher.kind,
    started,
    elapsedMs,
    ...ending,
    limits,
    ...(jobs === undefined ? {} : { jobs }),
    ...rest,
  };
}

/** Tells how it ended: to the person, to the program that reads JSON, and to the report. */
function tell(outcome: Outcome, options: RunOptions): void {
  if (options.json) say(JSON.stringify(outcome));
  else if (!options.quiet) say(renderOutcome(outcome));
  if (options.report !== undefined) writeReport(options.report, outcome);
}

/** Keeps it in the history; what goes wrong there is said, and changes nothing about the run. */
function keep(outcome: Outcome, env: NodeJS.ProcessEnv): void {
  try {
    appendOutcome(outcome, env);
  } catch (error) {
    say(renderHistoryLoss(error as Error));
  }
}

function copyTo(log: Log | undefined, { stdout, stderr }: AtGate): void {
  if (stdout !== null) log?.copy(stdout, 1);
  if (stderr !== null) log?.copy(stderr, 2);
}

function openLogOf({ log }: RunOptions): Log | undefined {
  if (log === undefined) return undefined;
  return openLog(log, (error) => say(renderLogLoss(log, error)));
}
