/** Ending processes and runs. All of it is done at once: memory is short. */
import { freeze, killAtOnce, processesIn, readProcess } from '../../cgroup/index.js';
import { type SignalOptions, signalProcess } from '../../kill/signal.js';
import type { EndSignal, Named } from '../decide/types.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Places {
  root: string;
  proc: string;
  /** kill(2); another one in tests. */
  kill: NonNullable<SignalOptions['kill']>;
}

/** Signals a process, if it still is the one that was chosen. */
export function endProcess(
  { pid, startTicks }: Named,
  signal: EndSignal,
  { proc, kill }: Pick<Places, 'proc' | 'kill'>,
): Outcome {
  const now = readProcess(pid, proc);
  if (now === undefined || now.startTicks !== startTicks) return 'gone';
  const sent = signalProcess(now, signal, { proc, kill });
  if (sent === 'refused') return { failed: 'you may not signal it' };
  // What is stopped sees no signal but SIGKILL before it goes on.
  if (sent === 'sent' && signal !== 'SIGKILL') signalProcess(now, 'SIGCONT', { proc, kill });
  return sent === 'sent' ? 'done' : 'gone';
}

/** Ends a run: every process gets SIGTERM, or the kernel kills all in one step. */
export function endUnit(cgroup: string, signal: EndSignal, places: Places): Outcome {
  try {
    if (signal === 'SIGKILL' && killAtOnce(cgroup, places.root)) return 'done';
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome !== 'gone') return outcome;
  }
  const outcomes = processesIn(cgroup, places.root).flatMap((pid) => {
    const process = readProcess(pid, places.proc);
    return process === undefined ? [] : [endProcess(process, signal, places)];
  });
  if (outcomes.length === 0) return 'gone';
  return outcomes.find((outcome) => outcome !== 'gone') ?? 'gone';
}

/** Stops all processes of a run, or lets them go on. */
export function setFrozen(
  cgroup: string,
  frozen: boolean,
  { root }: Pick<Places, 'root'>,
): Outcome {
  try {
    return freeze(cgroup, frozen, root) ? 'done' : 'gone';
  } catch (error) {
    return outcomeOf(error);
  }
}
