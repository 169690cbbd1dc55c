/** A run in a cgroup that rlimit makes itself, without systemd: on its own, in containers. */
import {
  CGROUP_ROOT,
  CONTROLLERS,
  cgroupOf,
  enableControllers,
  killAtOnce,
  makeCgroup,
  parseControllers,
  processesIn,
  readCgroupFile,
  readLimitFiles,
  removeCgroup,
  removeRun,
  staysPopulated,
  writeCgroupFile,
} from '../../cgroup/index.js';
import { CannotRunError } from '../../errors/index.js';
import * as causes from '../../inspect/causes.js';
import type { KernelContext } from '../../inspect/context.js';
import { devicesIn, ioWeightsCount } from '../../inspect/facts.js';
import { kernelWrites } from '../../inspect/kernel-text.js';
import { ancestorReader } from '../../inspect/surroundings.js';
import { filesToVerify, verifyKernel } from '../../inspect/verify.js';
import type { Controller, Finding, Machine } from '../../model/index.js';
import { isPropertyName, propertySpec } from '../../properties/index.js';
import type { ScopeRequest } from '../../systemd/compile.js';
import { CgroupMeter } from '../cgroup-meter.js';
import { type Believed, type Launcher, type Meter, memoryMaxOf } from '../launcher.js';
import { withEnvironment } from './environment.js';
import { setNiceness } from './niceness.js';
import { type CgroupPlace, MAIN } from './place.js';
import { stopAtOom } from './stop-at-oom.js';

/** What of the request counts here: there are no slices and no descriptions. */
export type CgroupRequest = Pick<ScopeRequest, 'unit' | 'properties' | 'environment' | 'nice'>;

export interface CgroupLauncherOptions {
  place: CgroupPlace;
  machine: Machine;
  root?: string;
}

/**
 * `BASE/rlimit-PROFILE-ID/` has the limits, and `main` below it the processes: a run that is started
 * inside makes its cgroup beside `main`, and so stays under the same limits.
 */
export class CgroupLauncher implements Launcher {
  readonly kind = 'cgroup';
  /** The cgroup with the limits; what the record says. */
  readonly cgroup: string;
  readonly #request: CgroupRequest;
  readonly #options: CgroupLauncherOptions;
  readonly #root: string;
  readonly #main: string;
  /** Where rlimit itself went, to make room. */
  readonly #aside: string;

  constructor(request: CgroupRequest, options: CgroupLauncherOptions) {
    const { base } = options.place;
    const name = request.unit.replace(/\.scope$/, '');
    this.#request = request;
    this.#options = options;
    this.#root = options.root ?? CGROUP_ROOT;
    // Its shape tells a nested run that this is a run (./place.ts).
    const own = name.startsWith('rlimit-') ? name : `rlimit-${name}`;
    this.cgroup = `${base === '/' ? '' : base}/${own}`;
    this.#main = `${this.cgroup}/${MAIN}`;
    this.#aside = `${base === '/' ? '' : base}/${own}.runner`;
  }

  argvFor(wrapped: readonly string[]): string[] {
    return withEnvironment(this.#request.environment, wrapped);
  }

  hold(pid: number): void {
    const { nice } = this.#request;
    if (nice !== undefined) setNiceness(pid, nice);
    try {
      makeCgroup(this.#main, this.#root);
      this.#move(pid, this.#main);
      this.#makeRoom();
      this.#enable();
      this.#writeLimits();
    } catch (error) {
      if (error instanceof CannotRunError) throw error;
      throw new CannotRunError(`the cgroup ${this.cgroup} cannot be made`, {
        why: (error as Error).message,
      });
    }
  }

  believe(pid: number | 'self'): Believed {
    const { properties } = this.#request;
    const cgroup = pid === 'self' ? cgroupOf('self') : this.cgroup;
    const context = this.#context(cgroup);
    const files =
      cgroup === undefined ? {} : readLimitFiles(cgroup, filesToVerify(properties), this.#root);
    return {
      findings: [...verifyKernel(properties, files, context), ...this.#managerFindings(context)],
      watched: properties.OOMPolicy?.trim() === 'stop' ? ['OOMPolicy'] : [],
    };
  }

  meter(): Meter {
    const meter = new CgroupMeter({
      top: this.cgroup,
      leaf: this.#main,
      quota: this.cgroup,
      memoryMax: memoryMaxOf(this.#request.properties),
      root: this.#root,
    });
    if (this.#request.properties.OOMPolicy?.trim() !== 'stop') return meter;
    return stopAtOom(meter, this.cgroup, this.#root);
  }

  killAll(): void {
    if (killAtOnce(this.cgroup, this.#root)) return;
    // Linux before 5.14.
    for (const pid of processesIn(this.cgroup, this.#root)) killQuietly(pid);
  }

  /** Those that were killed a moment ago, as all are under OOMPolicy=kill, are waited for. */
  isPopulated(): boolean {
    return staysPopulated(this.cgroup, this.#root);
  }

  clear(): void {
    removeRun(this.cgroup, this.#root);
    this.#comeBack();
  }

  #context(cgroup: string | undefined): KernelContext {
    const { place, machine } = this.#options;
    const { properties } = this.#request;
    const controllers = readCgroupFile(place.ours ? '/' : place.base, CONTROLLERS_FILE, this.#root);
    return {
      swap: machine.swap,
      ownCgroup: this.cgroup,
      unit: this.#request.unit,
      devices: devicesIn(properties),
      ancestors: cgroup === undefined ? [] : ancestorReader(this.#root)(cgroup),
      ...(controllers === undefined ? {} : { controllers: parseControllers(controllers) }),
      ...(properties.IOWeight === undefined ? {} : ioWeights(this.#root)),
    };
  }

  /** What systemd itself would do, and nobody does here. */
  #managerFindings(context: KernelContext): Finding[] {
    return Object.entries(this.#request.properties).flatMap(([name, text]) => {
      if (!isPropertyName(name) || name === 'OOMPolicy') return [];
      if (propertySpec(name).force !== 'manager') return [];
      return [causes.needsSystemd({ name, text }, context)];
    });
  }

  #move(pid: number, cgroup: string): void {
    const failure = writeCgroupFile(cgroup, 'cgroup.procs', String(pid), this.#root);
    if (failure === undefined) return;
    throw new CannotRunError(`a process cannot be moved into ${cgroup}`, {
      why:
        failure === 'EACCES' || failure === 'EPERM'
          ? 'The kernel wants the right to write cgroup.procs there and in the nearest cgroup above both places.'
          : `The kernel says ${failure}.`,
      remedy: 'rlimit run --launcher watched does without cgroups',
    });
  }

  /** The kernel wants no processes in a cgroup whose children have limits. */
  #makeRoom(): void {
    if (!this.#options.place.makeRoom) return;
    makeCgroup(this.#aside, this.#root);
    this.#move(process.pid, this.#aside);
  }

  /** Puts things back as they were, for what is started next from here. */
  #comeBack(): void {
    const { base, makeRoom } = this.#options.place;
    if (!makeRoom) return;
    const enabled = readCgroupFile(base, 'cgroup.subtree_control', this.#root) ?? '';
    const off = parseControllers(enabled).map((controller) => `-${controller}`);
    writeCgroupFile(base, 'cgroup.subtree_control', off.join(' '), this.#root);
    writeCgroupFile(base, 'cgroup.procs', String(process.pid), this.#root);
    removeCgroup(this.#aside, this.#root, { below: false });
  }

  /** What cannot be enabled is seen when the limits are read back. */
  #enable(): void {
    const { base, ours } = this.#options.place;
    const wanted = this.#controllers();
    if (ours) enableControllers('/', wanted, this.#root);
    enableControllers(base, wanted, this.#root);
  }

  /** Those that limits need, and those that figures come from. */
  #controllers(): Controller[] {
    const needed = new Set<Controller>(['memory', 'pids', 'cpu']);
    for (const name of Object.keys(this.#request.properties)) {
      const controller = isPropertyName(name) ? propertySpec(name).controller : undefined;
      if (controller !== undefined) needed.add(controller);
    }
    return CONTROLLERS.filter((controller) => needed.has(controller));
  }

  #writeLimits(): void {
    const { properties } = this.#request;
    const { memory, swap } = this.#options.machine;
    const writes = kernelWrites(properties, { memory, swap, devices: devicesIn(properties) });
    for (const { file, text, instead } of writes) {
      const failure = writeCgroupFile(this.cgroup, file, text, this.#root);
      if (failure === 'ENOENT' && instead !== undefined) {
        writeCgroupFile(this.cgroup, instead.file, instead.text, this.#root);
      }
    }
  }
}

const CONTROLLERS_FILE = 'cgroup.controllers';

function ioWeights(root: string): Pick<KernelContext, 'ioWeights'> {
  const counts = ioWeightsCount({ root });
  return counts === undefined ? {} : { ioWeights: counts };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
