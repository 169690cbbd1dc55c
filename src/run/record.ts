import { admit } from '../budget/admit.js';
import { isAlive, readProcess } from '../cgroup/index.js';
import type { UnitRecord } from '../model/index.js';
import { renderPlace } from '../render/budget.js';
import { readRecord } from '../state/read.js';
import { recordDirectory, removeRecord, writeRecord } from '../state/write.js';
import { nameTaken } from '../systemd/names.js';
import type { RunContext } from './context.js';
import type { Launcher } from './launcher.js';
import type { RunOptions } from './options.js';
import { say } from './output.js';
import type { Plan } from './plan.js';

/** How a run enters among the others. */
interface Entry {
  options: RunOptions;
  context: RunContext;
}

/** What is kept of a run while it goes on, for `inspect` and `kill`. */
export function recordOf(plan: Plan, launcher: Launcher, cwd: string): UnitRecord {
  const own = readProcess(process.pid);
  return {
    version: 1,
    unit: plan.request.unit,
    slice: plan.request.slice,
    ...(launcher.kind === 'user' || launcher.kind === 'system' ? { ownSlice: true } : {}),
    profile: plan.profile,
    properties: plan.request.properties,
    ...(plan.jobs === undefined ? {} : { jobs: plan.jobs }),
    command: plan.command,
    cwd,
    started: Date.now(),
    launcher: launcher.kind,
    ...(launcher.cgroup === undefined ? {} : { cgroup: launcher.cgroup }),
    ...(own === undefined ? {} : { runner: { pid: own.pid, startTicks: own.startTicks } }),
    ...(plan.within === undefined ? {} : { within: plan.within }),
  };
}

/**
 * Takes the run's part of the budget, where there is one, and keeps what was asked where `inspect`
 * and `kill` find it, also after a SIGKILL of rlimit. That it cannot be kept does not stop a run: the
 * unit's name is enough to find it.
 * @returns a function that forgets it again
 * @throws {CannotRunError} when the name is taken, or the budget has no room
 */
export async function enter(record: UnitRecord, { options, context }: Entry): Promise<() => void> {
  const directory = recordDirectory(context.env);
  if (directory === undefined) return () => {};
  refuseTakenName(record.unit, directory);
  const reserved = await admit({
    record,
    wait: options.wait,
    ignoredSignals: context.startedWith.ignoredSignals,
    onPlace: (place) => options.quiet || say(renderPlace(place)),
  });
  try {
    if (!reserved) writeRecord(directory, record);
  } catch (error) {
    say(`rlimit: warning: ${(error as Error).message}; inspect will not know what was asked`);
  }
  return () => removeRecord(directory, record.unit);
}

/** Only `--unit` can ask for a name that somebody has: our own are never given twice. */
function refuseTakenName(unit: string, directory: string): void {
  const runner = readRecord(directory, unit)?.runner;
  if (runner === undefined || !isAlive(runner)) return;
  throw nameTaken(unit, runner.pid);
}
