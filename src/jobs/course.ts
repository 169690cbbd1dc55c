import type { RunSeries } from '../model/index.js';

/** Most steps there are; when they are used up, each becomes twice as long. */
const MOST_STEPS = 60;
const FIRST_STEP_MS = 1000;

/** What was seen at one moment: bytes, jobs, and tokens where there is a jobserver. */
export interface Moment {
  memory: number;
  jobs: number;
  tokens: number | undefined;
}

/** Most of each in every step of a run, in bounded memory however long it lasts. */
export class Course {
  #stepMs = FIRST_STEP_MS;
  #steps: Moment[] = [];
  #begun: number | undefined;
  #last: Moment | undefined;

  /** @param at milliseconds; the first call is the beginning */
  add(at: number, moment: Moment): void {
    this.#begun ??= at;
    const since = Math.max(0, at - this.#begun);
    while (since >= this.#stepMs * MOST_STEPS) this.#lengthen();
    const index = Math.floor(since / this.#stepMs);
    // Where nobody looked it was as it had been.
    while (this.#steps.length < index) this.#steps.push(this.#last ?? moment);
    const step = this.#steps[index];
    this.#steps[index] = step === undefined ? moment : most(step, moment);
    this.#last = moment;
  }

  series(): RunSeries {
    const steps = this.#steps;
    const hasTokens = steps.some(({ tokens }) => tokens !== undefined);
    return {
      stepMs: this.#stepMs,
      memory: steps.map(({ memory }) => memory),
      jobs: steps.map(({ jobs }) => jobs),
      ...(hasTokens ? { tokens: steps.map(({ tokens = 0 }) => tokens) } : {}),
    };
  }

  #lengthen(): void {
    const steps = this.#steps;
    this.#stepMs *= 2;
    this.#steps = steps.flatMap((step, index) =>
      index % 2 === 0 ? [most(step, steps[index + 1] ?? step)] : [],
    );
  }
}

function most(a: Moment, b: Moment): Moment {
  return {
    memory: Math.max(a.memory, b.memory),
    jobs: Math.max(a.jobs, b.jobs),
    tokens:
      a.tokens === undefined || b.tokens === undefined
        ? (a.tokens ?? b.tokens)
        : Math.max(a.tokens, b.tokens),
  };
}
