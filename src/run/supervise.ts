import { cgroupOf } from '../cgroup/index.js';
import { monotonicMs } from '../machine/clock.js';
import type { Machine, OnStall, UnitRecord } from '../model/index.js';
import { renderLeftBehind, renderLogLoss, renderStubborn } from '../render/run.js';
import { wordVerdict } from '../render/verdict.js';
import { judge } from '../verdict/index.js';
import { believe } from './believe.js';
import type { RunContext } from './context.js';
import { gatherEvidence } from './evidence.js';
import { endAfterHangUp } from './hang-up.js';
import { countJobs } from './job-count.js';
import type { RunningJobserver } from './jobserver/index.js';
import { type AtGate, type Ending, launch } from './launch.js';
import type { Launcher } from './launcher.js';
import { type Log, openLog } from './log.js';
import type { RunOptions } from './options.js';
import { keep, outcomeOf, tell } from './outcome.js';
import { say, shieldStderr } from './output.js';
import type { Plan } from './plan.js';
import { enter, recordOf } from './record.js';
import { Sampling } from './sampling.js';
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
  let jobserver: RunningJobserver | undefined;
  try {
    log = openLogOf(options);
    jobserver = await jobserverFor(plan, supervision);
    const started = await start(plan, supervision, { piped: log !== undefined, jobserver });
    if (!('pid' in started)) return started;
    await settle(plan, started, supervision);
    copyTo(log, started);
    return await followToEnd(record, started, { ...supervision, jobserver });
  } catch (error) {
    unshield();
    throw error;
  } finally {
    log?.close();
    jobserver?.close();
    if (!launcher.isPopulated()) {
      launcher.clear();
      forget();
    } else if (!options.quiet) say(renderLeftBehind(plan.request.unit, launcher.kind));
  }
}

/** Starts the command as far as the gate. */
function start(
  plan: Plan,
  supervision: Supervision,
  { piped, jobserver }: { piped: boolean; jobserver: RunningJobserver | undefined },
): ReturnType<typeof launch> {
  const { launcher, context } = supervision;
  const launching = launch({
    argvFor: (command) => launcher.argvFor(command),
    command: plan.command,
    env: context.env,
    cwd: context.cwd,
    startedWith: startedWithFor(supervision),
    piped,
    ...(jobserver === undefined ? {} : { inherited: jobserver.inherited }),
  });
  jobserver?.started();
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
    believe(plan, started.pid, supervision);
  } catch (error) {
    await started.refuse();
    throw error;
  }
}

/** Lets the command go, and stays with it to the verdict. */
async function followToEnd(
  record: UnitRecord,
  started: AtGate,
  supervision: Supervision & { jobserver: RunningJobserver | undefined },
): Promise<Ending> {
  const { launcher, options, context, jobserver } = supervision;
  const meter = launcher.meter(started.pid);
  const begunMs = monotonicMs();
  const sampling = new Sampling(meter);
  jobserver?.begin(started.pid, meter);
  const counting =
    jobserver ?? countJobs(meter.processes, supervision.jobProcesses, () => sampling.costMs);
  let killedByUser = false;
  started.signals.watch({
    ...(jobserver === undefined ? {} : { onSignal: () => jobserver.release() }),
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
  const endedMs = monotonicMs();
  const elapsedMs = Math.round(endedMs - begunMs);
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
    guarded: {
      ...('cgroup' in meter.processes ? { cgroup: meter.processes.cgroup } : {}),
      ...{ pid: started.pid, hasJobserver: jobserver !== undefined, begunMs, endedMs },
    },
  });
  const outcome = outcomeOf(record, launcher, ending, {
    elapsedMs,
    limits: { ...evidence.limits },
    figures: evidence.measured.figures,
    ...jobsSeen,
    ...(evidence.guard === undefined ? {} : { guard: evidence.guard }),
    verdict: wordVerdict(judge(evidence), evidence),
  });
  tell(outcome, options, jobserver?.says());
  keep(outcome, context.env);
  return ending;
}

/** Only where it was asked for is there anything to load. */
async function jobserverFor(
  { jobserver, request }: Plan,
  { launcher, options, jobProcesses, machine, context }: Supervision,
): Promise<RunningJobserver | undefined> {
  if (jobserver === undefined) return undefined;
  const { openJobserver } = await import('./jobserver/index.js');
  return openJobserver({
    ...{ plan: jobserver, request, launcher },
    ...{ names: jobProcesses, quiet: options.quiet, cpus: machine.cpus, env: context.env },
  });
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

function copyTo(log: Log | undefined, { stdout, stderr }: AtGate): void {
  if (stdout !== null) log?.copy(stdout, 1);
  if (stderr !== null) log?.copy(stderr, 2);
}

function openLogOf({ log }: RunOptions): Log | undefined {
  if (log === undefined) return undefined;
  return openLog(log, (error) => say(renderLogLoss(log, error)));
}
