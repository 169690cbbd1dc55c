import { monotonicMs } from '../machine/clock.js';
import type { JobserverFigures } from '../model/index.js';
import type { Freezer } from './freezer.js';
import type { Decision, Look } from './look.js';
import { pauseMs } from './pace.js';
import type { Policy } from './policy.js';
import type { Sight } from './sight.js';
import type { Transport } from './transport/index.js';

export interface ServerOptions {
  transport: Transport;
  policy: Pick<Policy, 'decide' | 'finished'>;
  freezer: Freezer;
  /** Looks at the run. */
  see(): Sight;
  /** Most tokens that there may be out. */
  cap: number;
  /** The same, where other runs take a part of the tokens by now. */
  share?(look: Look, seen: Sight): number | undefined;
  /** Whether jobs may be stopped at all at this moment. */
  mayFreeze?(): boolean;
  /** Called after every look with what was decided. */
  onLook?(decision: Decision, seen: Sight): void;
  /** What is to be told to the user, as a sentence. */
  onTrouble?(says: string): void;
}

/** Looks, decides, and acts, from the start of a build to its end. */
export class Server {
  readonly #options: ServerOptions;
  readonly #figures = { most: 0, kills: 0, lost: 0 };
  readonly #told = new Set<string>();
  #decision: Decision | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beganMs = monotonicMs();
  #costMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #looks = 0;
  /** No job is frozen before then: they have to hear a signal. */
  #freeUntilMs = Number.NEGATIVE_INFINITY;
  #out = 0;
  #isOver = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    options.transport.onReturn(() => this.#returned());
  }

  /** Gives out the first tokens, before there is anybody to take them. */
  start(): void {
    this.#beganMs = monotonicMs();
    this.#look();
    process.on('SIGCONT', this.#goOn);
  }

  /** Tokens that were out when it last looked. */
  get out(): number {
    return this.#out;
  }

  /** Lets every job hear a signal: none is frozen for a while. */
  release(): void {
    this.#freeUntilMs = monotonicMs() + RELEASE_MS;
    this.#options.freezer.thawAll();
  }

  /** Ends its work; every job goes on. */
  stop(): JobserverFigures {
    this.#isOver = true;
    clearTimeout(this.#timer);
    process.off('SIGCONT', this.#goOn);
    const { transport, freezer, cap } = this.#options;
    const { most, kills, lost } = this.#figures;
    const figures = {
      style: transport.style,
      most,
      cap,
      freezes: freezer.count,
      frozenMs: Math.round(freezer.frozenMs),
      kills,
      lost,
      surplus: transport.surplus,
    };
    freezer.close();
    transport.close();
    return figures;
  }

  /** After Ctrl-Z and fg everything runs, also what was frozen. */
  readonly #goOn = (): void => {
    if (this.#isOver) return;
    this.#options.freezer.again();
    this.#look();
  };

  /** A job has ended: what the last decision allows is given at once, and near a limit looked anew. */
  #returned(): void {
    if (this.#isOver || this.#decision === undefined) return;
    if (this.#decision.againMs > NEAR_MS) this.#options.transport.give(this.#decision.tokens);
    else this.#plan(pauseMs(0, this.#spent()) - (monotonicMs() - this.#lastMs));
  }

  #look(): void {
    clearTimeout(this.#timer);
    const before = process.cpuUsage();
    try {
      this.#act(...this.#see());
    } catch {
      // A file that cannot be read at this moment (no more may be opened): a look less.
    }
    const { user, system } = process.cpuUsage(before);
    this.#costMs += (user + system) / 1000;
    this.#lastMs = monotonicMs();
    this.#plan(pauseMs(this.#decision?.againMs ?? NEAR_MS, this.#spent()));
  }

  #plan(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.max(0, waitMs));
    this.#timer.unref();
  }

  #see(): [Look, Sight] {
    const { transport, freezer, policy, see, share } = this.#options;
    this.#looks += 1;
    if (this.#looks % MEND_EVERY === 0) this.#tell(transport.mend());
    const seen = see();
    const { finished, jobs, limit, used, available, pressure } = seen;
    freezer.hold(jobs);
    for (const peak of finished) policy.finished(peak);
    const { held, lying } = transport.look();
    this.#figures.most = Math.max(this.#figures.most, held);
    this.#out = held;
    const look: Look = {
      ...{ limit, used },
      ...(available === undefined ? {} : { available }),
      ...(pressure === undefined ? {} : { pressure }),
      nowMs: monotonicMs(),
      jobs: jobs.map(({ key, ageMs, memory }) => ({
        ...{ key, ageMs, memory },
        frozen: freezer.isFrozen(key),
      })),
      tokensOut: held + lying,
      demand: lying,
    };
    const cap = share?.(look, seen);
    return [cap === undefined ? look : { ...look, cap }, seen];
  }

  #act(look: Look, seen: Sight): void {
    const { transport, freezer, policy, onLook } = this.#options;
    const decision = policy.decide(look);
    this.#decision = decision;
    if (decision.lost > 0) {
      transport.forget(decision.lost);
      this.#figures.lost += Math.min(decision.lost, this.#out);
    }
    for (const key of decision.thaw) freezer.thaw(key);
    if (decision.freeze.length > 0 && this.#mayFreeze()) {
      for (const key of decision.freeze) freezer.freeze(key);
    }
    if (decision.kill !== undefined) {
      freezer.killJob(decision.kill);
      this.#figures.kills += 1;
    }
    transport.give(decision.tokens);
    onLook?.(decision, seen);
  }

  #mayFreeze(): boolean {
    return monotonicMs() >= this.#freeUntilMs && this.#options.mayFreeze?.() !== false;
  }

  #tell(says: string | undefined): void {
    if (says === undefined || this.#told.has(says)) return;
    this.#told.add(says);
    this.#options.onTrouble?.(says);
  }

  #spent() {
    return { elapsedMs: monotonicMs() - this.#beganMs, costMs: this.#costMs };
  }
}

/** How long jobs have to act on a signal. */
const RELEASE_MS = 5000;
/** A policy that wants to look so soon is near a limit. */
const NEAR_MS = 200;
/** The files of the transport are looked after once in so many looks. */
const MEND_EVERY = 8;
