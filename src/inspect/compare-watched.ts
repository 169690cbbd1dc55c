/** A run that rlimit itself watches over, looked at from outside: no systemd and no kernel files. */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { parseMember, readProcess } from '../cgroup/index.js';
import { readMachine } from '../machine/index.js';
import type { Usage } from '../model/index.js';
import { isPropertyName } from '../properties/index.js';
import { parseCpuList } from '../quantity/index.js';
import type { OwnRun } from '../systemd/own-runs.js';
import type { Comparison } from './compare.js';
import { type WatchedView, watchedFindings } from './watched.js';

/** What was asked, and how far it is in force. */
export function compareWatched(own: OwnRun): Comparison {
  const { properties, unit } = own.record;
  const view = viewOf(own);
  const { findings, watched } = watchedFindings(properties, view, { unit });
  const rows = Object.entries(properties).flatMap(([property, asked]) => {
    if (!isPropertyName(property)) return [];
    const trouble = findings.find((finding) => finding.property === property);
    return {
      property,
      asked,
      ...(trouble?.observed === undefined ? {} : { kernel: trouble.observed }),
      ...(watched.includes(property) ? { watched: true as const } : {}),
      inForce: trouble === undefined,
    };
  });
  return { rows, findings };
}

/** What its processes use now: resident memory, pages they share counted for each. */
export function watchedUsage({ pids }: OwnRun): Usage {
  const processes = pids().flatMap((pid) => readProcess(pid) ?? []);
  return {
    memoryCurrent: processes.reduce((sum, { memory = 0 }) => sum + memory, 0),
    cpuUsec: processes.reduce((sum, { cpuUsec }) => sum + cpuUsec, 0),
    tasks: processes.reduce((sum, { pid }) => sum + threadsOf(pid), 0),
  };
}

function threadsOf(pid: number): number {
  try {
    return parseMember(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.threads ?? 0;
  } catch {
    return 0;
  }
}

/** CPUs that any of its processes may run on, and the least niceness of them. */
function viewOf({ pids, hasRunner }: OwnRun): WatchedView {
  const all = pids();
  const cpus = new Set(all.flatMap(cpusOf));
  const nice = all.flatMap(nicenessOf);
  return {
    machine: readMachine(),
    watching: hasRunner,
    ...(cpus.size === 0 ? {} : { cpus: [...cpus].sort(ascending) }),
    ...(nice.length === 0 ? {} : { nice: Math.min(...nice) }),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}

function cpusOf(pid: number): number[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
  } catch {
    return [];
  }
}

function nicenessOf(pid: number): number[] {
  try {
    return [getPriority(pid)];
  } catch {
    return [];
  }
}
