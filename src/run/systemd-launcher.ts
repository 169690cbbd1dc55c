import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import {
  cgroupOf,
  killAtOnce,
  processesIn,
  readLimitFiles,
  staysPopulated,
} from '../cgroup/index.js';
import { CannotRunError } from '../errors/index.js';
import { ancestorReader } from '../inspect/surroundings.js';
import { filesToVerify, verifyKernel } from '../inspect/verify.js';
import type { Machine } from '../model/index.js';
import type { ManagerKind } from '../systemd/client.js';
import { type ScopeRequest, scopeArgv } from '../systemd/compile.js';
import { CgroupMeter } from './cgroup-meter.js';
import { type Believed, type Launcher, type Meter, memoryMaxOf } from './launcher.js';

/**
 * A scope of a systemd manager, in a slice of its own: the scope goes with its last process, and
 * the slice keeps what the kernel counted until we have read it.
 */
export class SystemdLauncher implements Launcher {
  readonly kind: ManagerKind;
  readonly #request: ScopeRequest;
  readonly #machine: Machine;
  readonly #env: NodeJS.ProcessEnv;
  /** Whether it runs inside another run. */
  readonly #isInner: boolean;
  #scope: string | undefined;

  constructor(
    request: ScopeRequest,
    {
      machine,
      env,
      isInner = false,
    }: { machine: Machine; env: NodeJS.ProcessEnv; isInner?: boolean },
  ) {
    this.kind = request.manager ?? 'user';
    this.#request = request;
    this.#machine = machine;
    this.#env = env;
    this.#isInner = isInner;
  }

  argvFor(wrapped: readonly string[]): string[] {
    return scopeArgv(this.#request, wrapped);
  }

  hold(pid: number): void {
    this.#scope = cgroupOf(pid);
    // Without a cgroup of its own there would be nothing to believe, and the wrong thing to kill.
    if (this.#scope?.endsWith(`/${this.#request.unit}`) === true) return;
    throw new CannotRunError(`the command is not in ${this.#request.unit}`, {
      why: `The kernel says that it is in ${this.#scope ?? 'no cgroup of the v2 tree'}.`,
      remedy: 'rlimit run --dry-run shows the line that was tried',
    });
  }

  believe(pid: number | 'self'): Believed {
    const { properties } = this.#request;
    const cgroup = cgroupOf(pid);
    const files = cgroup === undefined ? {} : readLimitFiles(cgroup, filesToVerify(properties));
    const ancestors = cgroup === undefined ? [] : ancestorReader()(cgroup);
    const context = {
      ...this.#machine,
      uid: process.getuid?.() ?? 0,
      ancestors,
      ...(this.kind === 'system' ? { system: true } : {}),
    };
    return { findings: verifyKernel(properties, files, context), watched: [] };
  }

  meter(): Meter {
    const leaf = this.#scope ?? '/';
    return new CgroupMeter({
      top: this.#top(),
      leaf,
      memoryMax: memoryMaxOf(this.#request.properties),
    });
  }

  killAll(): void {
    if (killAtOnce(this.#top())) return;
    // Before Linux 5.14. Each is in our cgroup at this moment.
    for (const pid of processesIn(this.#top())) process.kill(pid, 'SIGKILL');
  }

  isPopulated(): boolean {
    return this.#scope !== undefined && staysPopulated(this.#top());
  }

  /**
   * What systemd thinks of the end of the scope (`oom-kill` also when systemd-oomd did it). Only a
   * scope that ended badly is still there to be asked: a good one has gone.
   */
  result(): string | undefined {
    const { unit } = this.#request;
    const asked = ['show', '--property=Result', '--property=ActiveState', '--', unit];
    for (let tries = 0; tries < 20; tries += 1) {
      const { stdout } = spawnSync('systemctl', [`--${this.kind}`, ...asked], {
        env: this.#env,
        encoding: 'utf8',
        timeout: 5000,
      });
      const state = /^ActiveState=(.*)$/m.exec(stdout ?? '')?.[1];
      // It learns of the end from the kernel, as we do, and may do so later.
      if (state !== 'active' && state !== 'deactivating')
        return /^Result=(.*)$/m.exec(stdout ?? '')?.[1];
    }
    return undefined;
  }

  clear(): void {
    const { unit, slice } = this.#request;
    const directory = this.#env.XDG_RUNTIME_DIR;
    // Limits that a run inside this one put on the slice (set-property) are kept in files.
    if (this.kind === 'user' && directory !== undefined) {
      rmSync(`${directory}/systemd/user.control/${slice}.d`, { recursive: true, force: true });
    }
    const systemctl = `systemctl --${this.kind} --quiet`;
    // A scope that ended badly stays, as failed, until somebody resets it. Nobody waits for this.
    const script = `${systemctl} stop --no-block "$1"; ${systemctl} reset-failed "$2"`;
    const args = ['-c', script, 'sh', slice, unit];
    const options = { env: this.#env, stdio: 'ignore' } as const;
    // Inside another run it would be a process that this one seems to leave behind.
    if (this.#isInner) spawnSync('/bin/sh', args, options);
    else spawn('/bin/sh', args, { ...options, detached: true }).unref();
  }

  #top(): string {
    const scope = this.#scope ?? '/';
    return scope.slice(0, scope.lastIndexOf('/'));
  }
}
