/** What keys do: order, selection, and the questions before a unit is ended or changed. */
import type { MachineSample, UnitSample } from '../../model/index.js';
import {
  type MonitorSort,
  type MonitorView,
  SORTS,
  sortUnits,
} from '../../render/monitor/index.js';
import { printable } from '../../text/index.js';
import type { Key } from './keys.js';

/** What can be done to a unit; both say in a sentence what came of it, and throw what they refuse. */
export interface UnitActions {
  kill(unit: UnitSample): Promise<string>;
  /** @param words `MemoryMax=4G` and its like */
  retune(unit: UnitSample, words: readonly string[]): Promise<string>;
}

/** What a key leads to outside of the picture. */
export type Wish = 'quit' | 'stop' | undefined;

type Question =
  | { kind: 'kill'; unit: UnitSample }
  | { kind: 'retune'; unit: UnitSample; typed: string };

const HELP = 'up/down select  k kill  r change limits  s sort (m memory, c cpu, n name)  q quit';

/** More is no list of limits. */
const MOST_TYPED = 200;

export class MonitorControl {
  readonly #actions: UnitActions;
  readonly #changed: () => void;
  #sort: MonitorSort;
  #selected: string | undefined;
  #question: Question | undefined;
  #message: string | undefined;
  #units: UnitSample[] = [];
  #isBusy = false;

  /** @param changed called when something is to be drawn that no key has led to */
  constructor(actions: UnitActions, changed: () => void, sort: MonitorSort = 'memory') {
    this.#actions = actions;
    this.#changed = changed;
    this.#sort = sort;
  }

  /** What of the picture keys decide. */
  get view(): Pick<MonitorView, 'sort' | 'selected' | 'message' | 'keys'> {
    const message = this.#ask() ?? this.#message;
    return {
      sort: this.#sort,
      keys: HELP,
      ...(this.#selected === undefined ? {} : { selected: this.#selected }),
      ...(message === undefined ? {} : { message }),
    };
  }

  /** The selection stays with its unit; where that is gone, with the one that took its place. */
  take({ units }: MachineSample): void {
    const before = this.#index;
    this.#units = sortUnits(units, this.#sort);
    if (this.#index < 0) this.#select(Math.max(0, before));
  }

  press(key: Key): Wish {
    if (key.name === 'stop') return 'stop';
    if (key.name === 'interrupt') return 'quit';
    if (this.#question !== undefined) this.#answer(this.#question, key);
    else return this.#command(key);
    return undefined;
  }

  get #index(): number {
    return this.#units.findIndex(({ cgroup }) => cgroup === this.#selected);
  }

  #select(index: number): void {
    this.#selected = this.#units[Math.min(index, this.#units.length - 1)]?.cgroup;
  }

  #command(key: Key): Wish {
    if (key.name === 'up') this.#select(Math.max(0, this.#index - 1));
    if (key.name === 'down') this.#select(this.#index + 1);
    if (key.name !== 'text') return undefined;
    switch (key.text) {
      case 'q':
        return 'quit';
      case 'k':
        this.#begin((unit) => ({ kind: 'kill', unit }));
        break;
      case 'r':
        this.#begin((unit) => ({ kind: 'retune', unit, typed: '' }));
        break;
      case 's':
        this.#order(SORTS[(SORTS.indexOf(this.#sort) + 1) % SORTS.length] ?? 'memory');
        break;
      default:
        this.#order(SORTS.find((sort) => sort.startsWith(key.text)) ?? this.#sort);
    }
    return undefined;
  }

  #order(sort: MonitorSort): void {
    this.#sort = sort;
    this.#units = sortUnits(this.#units, sort);
  }

  #begin(question: (unit: UnitSample) => Question): void {
    const unit = this.#units[this.#index];
    if (this.#isBusy) this.#message = 'Still at work.';
    else if (unit === undefined) this.#message = 'There is no unit to act upon.';
    else this.#question = question(unit);
  }

  #ask(): string | undefined {
    const question = this.#question;
    if (question === undefined) return undefined;
    const name = printable(question.unit.unit);
    if (question.kind === 'kill') return `End ${name} with all its processes? [y/N]`;
    return `New limits of ${name} (such as MemoryMax=4G CPUQuota=200%): ${question.typed}_`;
  }

  #answer(question: Question, key: Key): void {
    if (key.name === 'escape') {
      this.#question = undefined;
      this.#message = 'Nothing was changed.';
      return;
    }
    if (question.kind === 'kill') this.#answerKill(question.unit, key);
    else this.#type(question, key);
  }

  #answerKill(unit: UnitSample, key: Key): void {
    // Arrows are no answer, anything else that is not a y is no.
    if (key.name === 'up' || key.name === 'down') return;
    this.#question = undefined;
    if (key.name === 'text' && /^y$/i.test(key.text)) {
      this.#do(`Ending ${unit.unit} …`, this.#actions.kill(unit));
    } else {
      this.#message = 'Nothing was ended.';
    }
  }

  #type(question: Question & { kind: 'retune' }, key: Key): void {
    if (key.name === 'text') question.typed = (question.typed + key.text).slice(0, MOST_TYPED);
    if (key.name === 'backspace') question.typed = [...question.typed].slice(0, -1).join('');
    if (key.name !== 'enter') return;
    this.#question = undefined;
    const words = question.typed.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) this.#message = 'Nothing was changed.';
    else {
      const { unit } = question;
      this.#do(`Changing ${unit.unit} …`, this.#actions.retune(unit, words));
    }
  }

  #do(message: string, work: Promise<string>): void {
    this.#isBusy = true;
    this.#message = message;
    const done = (text: string) => {
      this.#isBusy = false;
      this.#message = text;
      this.#changed();
    };
    work.then(done, (error: unknown) => done(messageOf(error)));
  }
}

/** What was refused, and why, in one line. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { why } = error as { why?: string };
  return why === undefined ? error.message : `${error.message}. ${why}`;
}
