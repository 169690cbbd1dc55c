import { CGROUP_ROOT } from '../../cgroup/index.js';
import { monotonicMs } from '../../machine/clock.js';
import type { Finding } from '../../model/index.js';
import type { ManagerKind } from '../../systemd/client.js';
import { breakStall } from '../../watch/break.js';
import type { Action } from '../decide/types.js';
import type { CgroupSettings } from '../settings/settings.js';
import { Frost } from './frost.js';
import type { Outcome } from './outcome.js';
import { type RunProgram, runProgram, saidBy } from './program.js';
import { changeScore } from './scores.js';
import { endProcess, endUnit, type Places } from './signals.js';
import { ProtectedSlice } from './slice.js';
import { Tokens } from './tokens.js';

export interface ActorOptions extends Partial<Places> {
  /** Where the guard keeps its files. */
  directory: string;
  uid: number;
  run?: RunProgram;
  now?: () => number;
}

type Slow = Extract<Action, { do: 'protect' | 'breakLivelock' }>;
type Swift = Exclude<Action, Slow>;

/** Whether an action takes asking somebody, who may take long while memory is short. */
export function isSlow(action: Action): action is Slow {
  return action.do === 'protect' || action.do === 'breakLivelock';
}

/** Carries actions out. An action that cannot be carried out is a result, never an exception. */
export class Actor {
  readonly #places: Places;
  readonly #run: RunProgram;
  readonly #tokens: Tokens;
  readonly #frost: Frost;
  readonly #slice: ProtectedSlice;
  readonly #uid: number;

  constructor({ directory, uid, run = runProgram, now = monotonicMs, ...places }: ActorOptions) {
    this.#places = { root: CGROUP_ROOT, proc: '/proc', kill: process.kill, ...places };
    const { root, proc } = this.#places;
    this.#uid = uid;
    this.#run = run;
    this.#frost = new Frost({ root });
    this.#tokens = new Tokens(directory, now);
    this.#slice = new ProtectedSlice({ manager: managerOf(uid), uid, run, root, proc });
  }

  /** What can be done at once, is. */
  swift(action: Swift): Outcome {
    const { proc } = this.#places;
    switch (action.do) {
      case 'warn':
        return 'done';
      case 'tokens':
        return this.#tokens.set(action.most);
      case 'freeze':
        return this.#frost.freeze(action.cgroup, action.seconds);
      case 'thaw':
        return this.#frost.thaw(action.cgroup);
      case 'end':
        return endProcess(action.process, action.signal, this.#places);
      case 'endUnit':
        return endUnit(action.cgroup, action.signal, this.#places);
      case 'unprotect':
        return this.#slice.giveBack(action.process, action.to);
      default:
        return changeScore(action.process, { from: action.from, to: action.to, proc });
    }
  }

  /** Protected processes in one call; @returns what came of each action, in their order. */
  async slow(actions: readonly Slow[]): Promise<Outcome[]> {
    const protects = actions.filter((action) => action.do === 'protect');
    const taken = await this.#slice.take(protects);
    const outcomes = new Map<Action, Outcome>(
      protects.map((action, at) => [action, taken[at] ?? 'gone']),
    );
    for (const action of actions) {
      if (action.do !== 'breakLivelock') continue;
      outcomes.set(action, await this.#break(action));
    }
    return actions.map((action) => outcomes.get(action) ?? 'gone');
  }

  /** Sets the protection of the slice; @returns what the manager has against it. */
  setSlice(settings: CgroupSettings): Promise<Outcome> {
    return this.#slice.set(settings);
  }

  /** What of the protection is not in force, by a process that is in the slice. */
  verifySlice(action: Extract<Action, { do: 'protect' }>): Finding[] {
    return this.#slice.verify(action.process);
  }

  /** Takes the protection of the slice away, or of another one that an earlier guard has set. */
  removeSlice(name?: string): Promise<Outcome> {
    return this.#slice.remove(name);
  }

  /** Keeps in force what would end by itself. */
  renew(): void {
    this.#tokens.renew();
  }

  async #break(action: Extract<Action, { do: 'breakLivelock' }>): Promise<Outcome> {
    const manager = action.cgroup.includes(`/user@${this.#uid}.service/`) ? 'user' : 'system';
    const { root, proc, kill } = this.#places;
    try {
      const { done, why } = await breakStall(action.unit, action.cgroup, action.how, {
        manager,
        spare: action.spare,
        root,
        proc,
        kill,
        ask: async (args) => {
          const ran = await this.#run(['systemctl', ...managerWords(action.cgroup), ...args]);
          // Breaking goes by what the kernel holds then; this is what it could not be asked.
          if (ran.status !== 0) throw new Error(saidBy(ran));
          return ran.stdout;
        },
      });
      return done ? 'done' : { failed: why ?? 'the kernel was not seen to follow' };
    } catch (error) {
      return { failed: (error as Error).message };
    }
  }
}

function managerOf(uid: number): ManagerKind {
  return uid === 0 ? 'system' : 'user';
}

/** The manager whose unit a cgroup is: root reaches a user's by `--machine` (systemctl(1)). */
function managerWords(cgroup: string): string[] {
  const uid = /\/user@(\d+)\.service\//.exec(cgroup)?.[1];
  if (uid === undefined) return ['--system'];
  return Number(uid) === process.geteuid?.() ? ['--user'] : ['--user', `--machine=${uid}@.host`];
}
