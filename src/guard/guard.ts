import type { MachineSample } from '../model/index.js';
import type { Actor } from './act/actor.js';
import { isSlow } from './act/actor.js';
import type { Outcome } from './act/outcome.js';
import { decide, forget, refuse } from './decide/decide.js';
import { heirsOf } from './decide/heirs.js';
import type { Action, GuardState } from './decide/types.js';
import { subjectOf, undo, undoHeirs } from './decide/undo.js';
import type { DeedBook } from './deeds.js';
import type { GuardEvent } from './events.js';
import type { Journal } from './journal.js';
import type { GuardSettings } from './settings/settings.js';

export interface GuardOptions {
  actor: Actor;
  journal: Journal;
  deeds: DeedBook;
  settings: GuardSettings;
  state: GuardState;
  /** The wall clock, for people. */
  time: () => number;
  tell(event: GuardEvent): void;
}

type Untimed = GuardEvent extends infer Event
  ? Event extends GuardEvent
    ? Omit<Event, 'time'>
    : never
  : never;

/** Takes samples, decides, and has it done. It has no timer: whoever has it says when. */
export class Guard {
  readonly #options: GuardOptions;
  #settings: GuardSettings;
  #state: GuardState;
  /** What takes its time is done one after the other, and nobody waits for it. */
  #slow: Promise<void> = Promise.resolve();
  #isVerified = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#state = options.state;
  }

  get settings(): GuardSettings {
    return this.#settings;
  }

  get state(): GuardState {
    return this.#state;
  }

  /** Sets up what the settings ask for. */
  async begin(): Promise<void> {
    // What an earlier guard had the jobservers told ends by itself, unless it is told again.
    const { tokens: most } = this.#state;
    if (most !== undefined) this.#options.actor.swift({ do: 'tokens', most, why: '' });
    await this.#setSlice();
    this.#write();
  }

  /** Goes by other settings from the next sample on. */
  async change(settings: GuardSettings): Promise<void> {
    const before = this.#settings.cgroup_settings;
    this.#settings = settings;
    if (JSON.stringify(before) === JSON.stringify(settings.cgroup_settings)) return;
    await this.#slow;
    await this.#setSlice();
    this.#write();
  }

  /** One sample, and all that follows from it. */
  step(sample: MachineSample): void {
    const { state, actions, why } = decide(this.#state, sample, this.#settings);
    this.#state = state;
    // First what was done must be known to whoever comes after us, then it is done.
    if (actions.length > 0) {
      this.#write();
      this.#options.deeds.intend(actions, sample);
    }
    for (const action of actions) {
      if (!isSlow(action)) this.#note(action, this.#options.actor.swift(action));
    }
    const slow = actions.filter(isSlow);
    if (slow.length > 0) this.#slow = this.#slow.then(() => this.#doSlow(slow));
    for (const each of why) this.#tell({ event: 'remark', why: each });
    this.#options.deeds.flush();
    this.#options.actor.renew();
  }

  /**
   * Puts everything back.
   * @param look takes a last sample, once nobody can be born with a score of ours any more
   */
  async end(look?: () => MachineSample): Promise<void> {
    await this.#slow;
    const { state } = this;
    for (const action of undo(this.#state)) {
      if (!isSlow(action)) this.#note(action, this.#options.actor.swift(action));
    }
    if (look !== undefined) this.#restoreHeirs(state, look);
    await this.#options.actor.removeSlice();
    this.#options.deeds.flush();
    this.#tell({ event: 'ended' });
    this.#options.journal.clear();
  }

  /** Those that were born since the last sample. */
  #restoreHeirs({ adjusted, inherited }: GuardState, look: () => MachineSample): void {
    if (Object.keys(adjusted).length === 0) return;
    try {
      const sample = look();
      const byPid = new Map(sample.processes.map((each) => [each.pid, each]));
      const heirs = heirsOf({ adjusted, inherited }, sample, byPid);
      const late = Object.entries(heirs).filter(([key]) => inherited[key] === undefined);
      for (const action of undoHeirs(Object.fromEntries(late))) {
        if (!isSlow(action)) this.#note(action, this.#options.actor.swift(action));
      }
    } catch (error) {
      const why = `whom a score has reached by birth is not known: ${(error as Error).message}`;
      this.#tell({ event: 'remark', why });
    }
  }

  async #setSlice(): Promise<void> {
    this.#isVerified = false;
    const { cgroup_settings } = this.#settings;
    const outcome = await this.#options.actor.setSlice(cgroup_settings);
    if (typeof outcome !== 'object') return;
    const why = `${cgroup_settings.name} has no protection: ${outcome.failed}`;
    this.#tell({ event: 'remark', why });
  }

  async #doSlow(actions: Parameters<Actor['slow']>[0]): Promise<void> {
    const outcomes = await this.#options.actor.slow(actions);
    for (const [at, action] of actions.entries()) {
      const outcome = outcomes[at] ?? 'gone';
      this.#note(action, outcome);
      if (action.do === 'protect' && outcome === 'done') this.#verify(action);
    }
    this.#options.deeds.flush();
    this.#write();
  }

  /** Believes no protection until the kernel's own files say it. */
  #verify(action: Extract<Action, { do: 'protect' }>): void {
    if (this.#isVerified) return;
    this.#isVerified = true;
    for (const finding of this.#options.actor.verifySlice(action)) {
      this.#tell({ event: 'finding', finding });
    }
  }

  #note(action: Action, outcome: Outcome): void {
    const subject = subjectOf(action);
    this.#options.deeds.settle(action, outcome);
    if (outcome === 'gone') {
      this.#state = forget(this.#state, action.do, subject);
      // It is what was wanted, or will be decided anew.
      if (action.do !== 'end' && action.do !== 'endUnit') return;
      this.#tell({ event: 'action', action, result: 'gone' });
    } else if (outcome === 'done') {
      this.#tell({ event: 'action', action, result: 'done' });
    } else {
      const what = action.do === 'endUnit' ? 'end' : action.do;
      this.#state = refuse(this.#state, what, subject);
      this.#tell({ event: 'action', action, result: 'failed', failed: outcome.failed });
    }
  }

  /** A journal that cannot be written keeps nobody from acting: memory is short. */
  #write(): void {
    const { name: slice } = this.#settings.cgroup_settings;
    try {
      this.#options.journal.write({ state: this.#state, slice });
    } catch (error) {
      this.#tell({ event: 'remark', why: `the journal: ${(error as Error).message}` });
    }
  }

  #tell(event: Untimed): void {
    const timed = { time: this.#options.time(), ...event } as GuardEvent;
    this.#options.journal.tell(timed);
    this.#options.tell(timed);
  }
}
