import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { sliceCgroup } from '../../../src/budget/slice.js';
import { readStart } from '../../../src/cgroup/index.js';
import type { UnitRecord } from '../../../src/model/index.js';
import { tree } from '../cgroup/tree.js';

export const UID = 4711;
export const MEBIBYTE = 1024 ** 2;

/** A runtime directory and a cgroup tree of their own, with /proc as it is. */
export interface Desk {
  root: string;
  directory: string;
  env: { HOME: string; XDG_RUNTIME_DIR: string };
  /** What the code under test is told of them. */
  places: { root: string; uid: number; env: { HOME: string; XDG_RUNTIME_DIR: string } };
  /** memory.max of the slice of all runs, in MiB; without a figure, max. */
  setBudget(mebibytes?: number): void;
  /** Gives the cgroup of a unit a process, or takes it away. */
  populate(unit: string, populated: boolean, memoryCurrent?: number): void;
}

export function desk(): Desk {
  const base = tree({ 'run/rlimit/keep': '', 'cgroup/keep': '', 'home/keep': '' });
  const root = `${base}/cgroup`;
  const env = { HOME: `${base}/home`, XDG_RUNTIME_DIR: `${base}/run` };
  const slice = `${root}${sliceCgroup('app-rlimit.slice', { uid: UID })}`;
  return {
    root,
    directory: `${base}/run/rlimit`,
    env,
    places: { root, uid: UID, env },
    setBudget: (mebibytes) => {
      mkdirSync(slice, { recursive: true });
      const value = mebibytes === undefined ? 'max' : mebibytes * MEBIBYTE;
      // Whole at any time, as the kernel's file is: somebody may be reading it.
      writeFileSync(`${slice}/memory.max.new`, `${value}\n`);
      renameSync(`${slice}/memory.max.new`, `${slice}/memory.max`);
    },
    populate: (unit, populated, memoryCurrent = 0) => {
      mkdirSync(`${slice}/${unit}`, { recursive: true });
      writeFileSync(`${slice}/${unit}/cgroup.events`, `populated ${populated ? 1 : 0}\nfrozen 0\n`);
      writeFileSync(`${slice}/${unit}/memory.current`, `${memoryCurrent}\n`);
    },
  };
}

/** A record of a run whose rlimit is this process, unless told otherwise. */
export function record(
  unit: string,
  memoryMax?: string,
  more: Partial<UnitRecord> = {},
): UnitRecord {
  return {
    version: 1,
    unit,
    slice: 'app-rlimit.slice',
    profile: 'default',
    properties: memoryMax === undefined ? {} : { MemoryMax: memoryMax },
    command: ['make', '-j4'],
    cwd: '/',
    started: 1_790_000_000_000,
    runner: { pid: process.pid, startTicks: readStart(process.pid)?.startTicks ?? 0 },
    ...more,
  };
}

/** A process that never was: PID 1 started at another tick. */
export const DEAD_RUNNER = { pid: 1, startTicks: 1 };
