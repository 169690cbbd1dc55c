import { readlinkSync } from 'node:fs';
import { cgroupOf, readLimitFiles, readProcess, startGuard } from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';
import { machineOf } from '../inspect/machine.js';
import { ancestorReader } from '../inspect/surroundings.js';
import { filesToVerify, verifyKernel } from '../inspect/verify.js';
import type { Finding, Machine, UnitRecord } from '../model/index.js';
import { loadProfile, processPlaces, resolve } from '../profiles/index.js';
import { recordDirectory, removeRecord, writeRecord } from '../state/index.js';
import { endCalls, startScopeArgv } from '../systemd/bus.js';
import { systemctl } from '../systemd/client.js';
import { newRunId } from '../systemd/names.js';
import { type Census, commandOf, type Entry, keyOf, readCensus, userOf } from './census.js';
import { ancestorsOf, Family, isShellJob } from './family.js';
import { Freezer } from './freezer.js';
import { type Moved, moveFamily } from './move.js';
import { type AdoptionPlan, planAdoption } from './plan.js';
import type { AdoptedProcess, AdoptReport } from './report.js';
import { findRoots, ourUnits } from './roots.js';

export interface AdoptOptions {
  profile: string;
  /** `PID` or `PID:STARTTICKS`. */
  pids: readonly string[];
  /** Properties over the profile's; an empty value drops one. */
  properties: Readonly<Record<string, string>>;
  unit?: string;
  slice?: string;
  force: boolean;
  dryRun: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Puts running processes and all their descendants into a new scope with the limits of a profile.
 * @throws {UsageError} for a process that is not to be adopted, and for what the profile refuses
 * @throws {UnavailableError} when there is no user manager, or it does not make the scope
 */
export async function adopt({ env = process.env, ...options }: AdoptOptions): Promise<AdoptReport> {
  const { unit, slice, force, properties: overrides } = options;
  const machine = machineOf(env);
  const profile = await loadProfile(options.profile, { ...processPlaces(), env });
  const limits = resolve(profile, machine, { overrides, force });
  const unitOf = ourUnits(env);
  const roots = findRoots(options.pids, { unitOf, force });
  const plan = planAdoption(limits, {
    machine,
    id: newRunId(),
    command: roots[0] === undefined ? [] : commandOf(roots[0]),
    ...(unit === undefined ? {} : { unit }),
    ...(slice === undefined ? {} : { slice }),
  });
  const adoption = new Adoption(plan, {
    roots,
    machine,
    env,
    unitOf: force ? () => undefined : unitOf,
  });
  const report = options.dryRun ? adoption.preview() : await adoption.carryOut();
  return { ...report, remarks: [...profile.remarks, ...report.remarks] };
}

/** For how long processes are held at the very most: longer than this only a hung bus takes. */
const HOLD_MS = 5000;

interface Context {
  roots: readonly Entry[];
  machine: Machine;
  env: NodeJS.ProcessEnv;
  /** Tells the unit whose limits a descendant is to stay under. */
  unitOf(cgroup: string): string | undefined;
}

/** One adoption: who is meant, and what becomes of each. */
class Adoption {
  readonly #plan: AdoptionPlan;
  readonly #context: Context;
  readonly #family: Family;
  readonly #processes = new Map<string, AdoptedProcess>();
  readonly #remarks: string[] = [];

  constructor(plan: AdoptionPlan, context: Context) {
    const uid = process.getuid?.() ?? 0;
    this.#plan = plan;
    this.#context = context;
    this.#family = new Family(context.roots, {
      self: process.pid,
      admit: ({ pid }) => {
        const owner = userOf(pid);
        if (owner !== undefined && owner !== uid) return 'other-user';
        const unit = context.unitOf(cgroupOf(pid) ?? '');
        return unit === undefined || unit === plan.scope.unit ? undefined : 'limited-already';
      },
    });
  }

  /** What would be done. */
  preview(): AdoptReport {
    this.#note(this.#family.in(readCensus()));
    return this.#report();
  }

  /** Everything that can be done before is done before the first process is stopped. */
  async carryOut(): Promise<AdoptReport> {
    await this.#checkName();
    const forget = this.#remember();
    const guard = startGuard();
    const freezer = new Freezer({ guard, beforeDeath: endCalls });
    const overdue = setTimeout(freezer.release, HOLD_MS);
    try {
      const moved = await this.#move(freezer);
      freezer.end();
      return this.#report({ moved, heldMs: freezer.heldMs, findings: this.#believe(moved) });
    } catch (error) {
      forget();
      throw error;
    } finally {
      clearTimeout(overdue);
      freezer.end();
    }
  }

  /** Also finds out whether there is a manager to ask. */
  async #checkName(): Promise<void> {
    const { unit } = this.#plan.scope;
    const state = await systemctl(['show', '--property=LoadState', '--value', '--', unit]);
    if (state.trim() !== 'loaded') return;
    throw new UsageError(`there is a unit ${unit} already`, {
      remedy: 'another name: --unit NAME',
    });
  }

  /**
   * Keeps what was asked where `inspect` and `kill` find it. It is written first, so that it is
   * there even if rlimit is killed.
   * @returns a function that forgets it again
   */
  #remember(): () => void {
    const directory = recordDirectory(this.#context.env);
    const root = this.#context.roots[0];
    if (directory === undefined || root === undefined) return () => {};
    const { scope, profile, properties } = this.#plan;
    const record: UnitRecord = {
      version: 1,
      unit: scope.unit,
      slice: scope.slice,
      profile,
      properties,
      command: commandOf(root),
      cwd: directoryOf(root.pid),
      pid: root.pid,
      started: Date.now(),
    };
    try {
      writeRecord(directory, record);
    } catch (error) {
      this.#remarks.push(`${(error as Error).message}; inspect will not know what was asked`);
    }
    return () => removeRecord(directory, scope.unit);
  }

  #move(freezer: Freezer): Promise<Moved> {
    const needed = new Set(ancestorsOf(process.pid, readCensus()));
    return moveFamily({
      family: this.#family,
      scope: this.#plan.scope,
      freezer,
      isSpared: (entry, census) => this.#isSpared(entry, census, needed),
      onSeen: (entries) => this.#note(entries),
    });
  }

  /**
   * What rlimit itself depends on goes on, and so does the job of a shell that goes on: the shell
   * would take it for stopped by the user.
   * @param needed the processes above rlimit
   */
  #isSpared(entry: Entry, census: Census, needed: ReadonlySet<number>): boolean {
    if (needed.has(entry.pid)) return true;
    const parent = census.get(entry.ppid);
    if (parent === undefined || !isShellJob(entry, census)) return false;
    return !this.#family.has(parent) || this.#isSpared(parent, census, needed);
  }

  /** Notes of each process what it is and has, where it still is. */
  #note(entries: readonly Entry[]): void {
    const named = new Set(this.#context.roots.map(keyOf));
    for (const entry of entries) {
      const { pid, startTicks, comm, state } = entry;
      const read = readProcess(pid);
      this.#processes.set(keyOf(entry), {
        pid,
        startTicks,
        comm,
        ...(read?.memory === undefined ? {} : { memory: read.memory }),
        ...(read === undefined ? {} : { from: read.cgroup }),
        named: named.has(keyOf(entry)),
        stopped: state === 'T',
      });
    }
  }

  /** Believes no limit until the kernel's own files say it. */
  #believe({ cgroup }: Moved): Finding[] {
    const { properties, scope } = this.#plan;
    return verifyKernel(properties, readLimitFiles(cgroup, filesToVerify(properties)), {
      ...this.#context.machine,
      unit: scope.unit,
      uid: process.getuid?.() ?? 0,
      ancestors: ancestorReader()(cgroup),
    });
  }

  #report(done?: { moved: Moved; heldMs: number; findings: Finding[] }): AdoptReport {
    const { scope, profile, properties, leftOut, environment } = this.#plan;
    const escaped = (done?.moved.escaped ?? []).map(({ pid, comm }) => ({ pid, comm }));
    const processes = [...this.#processes.values()].filter(
      ({ pid }) => !escaped.some((one) => one.pid === pid),
    );
    return {
      dryRun: done === undefined,
      unit: scope.unit,
      slice: scope.slice,
      profile,
      properties,
      leftOut,
      environment,
      ...(done === undefined ? {} : { cgroup: done.moved.cgroup }),
      processes,
      memory: processes.reduce((sum, { memory = 0 }) => sum + memory, 0),
      outside: this.#family.outside,
      swept: done?.moved.swept.length ?? 0,
      escaped,
      strangers: done?.moved.strangers ?? [],
      heldMs: Math.round(done?.heldMs ?? 0),
      findings: done?.findings ?? [],
      argv: startScopeArgv(
        scope,
        processes.map(({ pid }) => pid),
      ),
      remarks: this.#remarks,
    };
  }
}

/** Where a process works; the root directory where that may not be read. */
function directoryOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '/';
  }
}
