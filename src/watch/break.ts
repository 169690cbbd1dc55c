/** Breaking a stall: the only thing in this room that acts. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CGROUP_ROOT,
  type Process,
  parseAmount,
  processesIn,
  readCgroupFile,
  readProcess,
} from '../cgroup/index.js';
import { isRlimitError } from '../errors/index.js';
import { isStill, type SignalOptions, signalProcess } from '../kill/signal.js';
import type { Amount, OnStall } from '../model/index.js';
import { type ManagerKind, systemctl } from '../systemd/client.js';

/** What was done about a stall, and whether the kernel was seen to follow. */
export interface StallBreak {
  unit: string;
  how: OnStall;
  done: boolean;
  /** With `raise`: memory.max in bytes, up to which it may go on. */
  upTo?: Amount;
  /** With `kill`: the process that was meant. */
  process?: { pid: number; startTicks: number; comm: string; memory?: number };
  /** Why it was not done. */
  why?: string;
}

export interface BreakOptions {
  manager?: ManagerKind;
  /** PIDs that are never killed; rlimit itself is not in any case. */
  spare?: readonly number[];
  root?: string;
  proc?: string;
  kill?: NonNullable<SignalOptions['kill']>;
  ask?: (args: readonly string[], manager: ManagerKind) => Promise<string>;
}

/** How long the kernel may take to show what was done. */
const EFFECT_MS = 10_000;
const POLL_MS = 20;

/**
 * Breaks a stall between memory.high and memory.max: lifts MemoryHigh until the unit ends, or kills
 * the largest process. That it could not be done is a result, not an error.
 * @param cgroup path of the unit's cgroup below the root
 */
export async function breakStall(
  unit: string,
  cgroup: string,
  how: OnStall,
  options: BreakOptions = {},
): Promise<StallBreak> {
  const outcome =
    how === 'raise' ? await raise(unit, cgroup, options) : await killLargest(cgroup, options);
  return { unit, how, done: outcome.why === undefined, ...outcome };
}

type Outcome = Pick<StallBreak, 'upTo' | 'process' | 'why'>;

async function raise(
  unit: string,
  cgroup: string,
  { manager = 'user', root = CGROUP_ROOT, ask = askSystemctl }: BreakOptions,
): Promise<Outcome> {
  const args = ['set-property', '--runtime', '--no-ask-password', '--', unit];
  try {
    await ask([...args, 'MemoryHigh=infinity'], manager);
  } catch (error) {
    if (!isRlimitError(error)) throw error;
    return { why: [error.message, error.why].filter(Boolean).join(': ') };
  }
  const held = () => readCgroupFile(cgroup, 'memory.high', root);
  if (!(await isSoon(() => held() === undefined || held() === 'max'))) {
    return { why: `systemd took it, but the kernel holds memory.high ${held()}` };
  }
  const max = readCgroupFile(cgroup, 'memory.max', root);
  return max === undefined ? {} : { upTo: parseAmount(max, 'memory.max') };
}

const askSystemctl: NonNullable<BreakOptions['ask']> = (args, manager) =>
  systemctl(args, { manager });

async function killLargest(
  cgroup: string,
  { spare = [], root = CGROUP_ROOT, proc = '/proc', kill = process.kill }: BreakOptions,
): Promise<Outcome> {
  const spared = [process.pid, ...spare];
  const largest = processesIn(cgroup, root)
    .filter((pid) => !spared.includes(pid))
    .flatMap((pid) => readProcess(pid, proc) ?? [])
    .reduce<Process | undefined>(
      (most, each) => ((each.memory ?? 0) > (most?.memory ?? -1) ? each : most),
      undefined,
    );
  if (largest === undefined) return { why: 'it has no process that may be killed' };
  const { pid, startTicks, comm, memory } = largest;
  const named = { pid, startTicks, comm, ...(memory === undefined ? {} : { memory }) };
  if (signalProcess(largest, 'SIGKILL', { within: cgroup, proc, kill }) === 'refused') {
    return { process: named, why: 'you may not signal it' };
  }
  const isGone = await isSoon(() => !isStill(largest, { within: cgroup, proc }));
  return { process: named, ...(isGone ? {} : { why: 'it got SIGKILL and is still there' }) };
}

async function isSoon(happened: () => boolean): Promise<boolean> {
  const deadline = performance.now() + EFFECT_MS;
  while (!happened()) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
