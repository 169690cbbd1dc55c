import { type ChildProcess, spawn } from 'node:child_process';
import type { Outcome } from './outcome.js';
import { type Places, setFrozen } from './signals.js';

/** So much longer than the longest time that a run may stand still a helper waits. */
const GRACE_S = 15;

/**
 * Runs that stand still. Each has a small helper that lets it go on after a while whatever becomes of
 * the guard: one that is killed thaws nobody.
 */
export class Frost {
  readonly #root: string;
  readonly #helpers = new Map<string, ChildProcess>();

  constructor({ root }: Pick<Places, 'root'>) {
    this.#root = root;
  }

  /** @param seconds for how long at most */
  freeze(cgroup: string, seconds: number): Outcome {
    const outcome = setFrozen(cgroup, true, { root: this.#root });
    if (outcome !== 'done') return outcome;
    const helper = spawn(
      '/bin/sh',
      ['-c', 'sleep "$1"; echo 0 >"$2"', 'sh', String(seconds + GRACE_S), this.#file(cgroup)],
      { detached: true, stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } },
    );
    helper.on('error', () => {}); // Without a shell there is no helper; the guard thaws it.
    helper.unref();
    this.#helpers.set(cgroup, helper);
    return 'done';
  }

  thaw(cgroup: string): Outcome {
    this.#dismiss(cgroup);
    return setFrozen(cgroup, false, { root: this.#root });
  }

  #dismiss(cgroup: string): void {
    const { pid } = this.#helpers.get(cgroup) ?? {};
    this.#helpers.delete(cgroup);
    if (pid === undefined) return;
    try {
      // It leads a session of its own, with its sleep in it.
      process.kill(-pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
  }

  #file(cgroup: string): string {
    return `${this.#root}${cgroup}/cgroup.freeze`;
  }
}
