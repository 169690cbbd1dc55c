/** What the journal says of kills for lack of memory. Pure: from its entries as JSON. */
import type { MemoryKill } from '../model/index.js';
import { isObject, isText } from '../state/check.js';
import { present } from '../watch/present.js';

/** Message ids of the service manager (`journalctl --dump-catalog`; systemd's sd-messages.h). */
const UNIT_OUT_OF_MEMORY = 'fe6faa94e7774663a0da52717891d8ef';
const UNIT_OOMD_KILL = 'd989611b15e44c9dbf31e3c81256e4ed';

/** Matches for `journalctl`; it reads them as one list of alternatives. */
export const KILL_MATCHES = [
  ...['_TRANSPORT=kernel', '+', '_COMM=earlyoom', '+', '_COMM=systemd-oomd'],
  ...['+', `MESSAGE_ID=${UNIT_OUT_OF_MEMORY}`, '+', `MESSAGE_ID=${UNIT_OOMD_KILL}`],
];

/** Fields that are looked at. */
export const KILL_FIELDS = [
  ...['MESSAGE', 'MESSAGE_ID', '_TRANSPORT', '_COMM', '_PID', 'UNIT', 'USER_UNIT'],
];

/** One entry of the journal. */
interface Entry {
  [field: string]: unknown;
}

/** Reads the output of `journalctl --output=json`; a line that is none is passed over. */
export function parseEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry: unknown = line === '' ? undefined : JSON.parse(line);
      return isObject(entry) ? [entry] : [];
    } catch {
      return [];
    }
  });
}

/** The cursor of the last entry, from which to read on. */
export function lastCursor(entries: readonly Entry[]): string | undefined {
  const cursor = entries.at(-1)?.__CURSOR;
  return isText(cursor) ? cursor : undefined;
}

/**
 * The kills in some entries, in their order.
 * @param sees whether the logs of the system can be read. Where they can, the killers' own words count,
 *   and those of the service manager, which come later, would tell the same again
 */
export function killsIn(entries: readonly Entry[], sees: boolean): MemoryKill[] {
  const kills: MemoryKill[] = [];
  for (const entry of entries) {
    const kill = sees ? byKiller(entry, kills) : byManager(entry);
    if (kill !== undefined) kills.push(kill);
  }
  return kills;
}

function byKiller(entry: Entry, before: readonly MemoryKill[]): MemoryKill | undefined {
  const message = textOf(entry.MESSAGE);
  const time = timeOf(entry);
  if (entry._TRANSPORT === 'kernel') return byKernel(message, time, before);
  if (entry._COMM === 'earlyoom') return byEarlyoom(message, time, before);
  return entry._COMM === 'systemd-oomd' ? byOomd(message, time) : undefined;
}

/**
 * `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=…,mems_allowed=0,oom_memcg=/A,task_memcg=/A/B,task=NAME,pid=N,uid=N`
 * (mm/oom_kill.c, dump_oom_victim) and after it `Memory cgroup out of memory: Killed process N (NAME)
 * total-vm:1kB, anon-rss:2kB, …`. The name is the process's own choice: what stands behind it is read from
 * the end.
 */
function byKernel(
  message: string,
  time: number,
  before: readonly MemoryKill[],
): MemoryKill | undefined {
  const victim =
    /^oom-kill:constraint=(\w+),.*?,task_memcg=([^,]*),task=(.*),pid=(\d+),uid=\d+$/s.exec(message);
  if (victim !== null) {
    const [, constraint = '', cgroup = '', comm = '', pid] = victim;
    const unit = unitOf(cgroup);
    const inUnit = constraint === 'CONSTRAINT_MEMCG';
    return { by: 'kernel', inUnit, ...present({ unit, cgroup }), pid: Number(pid), comm, time };
  }
  const killed = /Killed process (\d+) \((.*)\) total-vm:.*anon-rss:(\d+)kB/s.exec(message);
  if (killed === null) return undefined;
  const [, pid, comm = '', kibibytes] = killed;
  const memory = Number(kibibytes) * 1024;
  const known = before.findLast((kill) => kill.by === 'kernel' && kill.pid === Number(pid));
  // With memory.oom.group, the victim is dumped once and all its companions are only said to be killed.
  if (known === undefined) return { by: 'kernel', pid: Number(pid), comm, memory, time };
  known.memory ??= memory;
  return undefined;
}

/** `sending SIGTERM to process 12 uid 1000 "NAME": oom_score 800, VmRSS 100 MiB` (1.7: `badness 800`). */
function byEarlyoom(
  message: string,
  time: number,
  before: readonly MemoryKill[],
): MemoryKill | undefined {
  const pattern =
    /^sending SIG\w+ to process (\d+) (?:uid \d+ )?"(.*)": \w+ -?\d+, VmRSS (\d+) MiB/s;
  const [, pid, comm = '', mebibytes] = pattern.exec(message) ?? [];
  if (pid === undefined) return undefined;
  // SIGKILL after SIGTERM.
  if (before.some((kill) => kill.by === 'earlyoom' && kill.pid === Number(pid))) return undefined;
  return { by: 'earlyoom', pid: Number(pid), comm, memory: Number(mebibytes) * 1024 ** 2, time };
}

/** `Killed /user.slice/…/X.scope due to memory pressure for … being …%` and `… due to memory used …`. */
function byOomd(message: string, time: number): MemoryKill | undefined {
  const [, cgroup] = /^Killed (\/\S+) due to /.exec(message) ?? [];
  if (cgroup === undefined) return undefined;
  return { by: 'systemd-oomd', inUnit: false, ...present({ unit: unitOf(cgroup), cgroup }), time };
}

/** What the manager of the unit says, which its user may read. */
function byManager(entry: Entry): MemoryKill | undefined {
  const unit = textOf(entry.USER_UNIT) || textOf(entry.UNIT);
  if (unit === '' || entry._COMM !== 'systemd') return undefined;
  const time = timeOf(entry);
  if (entry.MESSAGE_ID === UNIT_OUT_OF_MEMORY) return { by: 'kernel', inUnit: true, unit, time };
  if (entry.MESSAGE_ID === UNIT_OOMD_KILL) return { by: 'systemd-oomd', inUnit: false, unit, time };
  return undefined;
}

/** A message with bytes that are no text comes as a list of them. */
function textOf(value: unknown): string {
  if (isText(value)) return value;
  return Array.isArray(value) ? Buffer.from(value as number[]).toString() : '';
}

/** Milliseconds since the epoch; the journal counts µs. */
function timeOf({ __REALTIME_TIMESTAMP: usec }: Entry): number {
  return Math.floor(Number(usec) / 1000) || 0;
}

/** The unit of a cgroup: the last part of its path that is one. */
function unitOf(cgroup: string): string | undefined {
  return cgroup.split('/').findLast((part) => /\.(scope|service|slice)$/.test(part));
}
