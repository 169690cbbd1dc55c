/**
 * A build tool, its jobs and a kernel with a memory limit, in steps of simulated time: what a policy
 * does to a build can be seen thousands of times a minute.
 */
import type { Decision, Look, SeenJob } from '../../../src/jobserver/index.js';
import type { SimJob, SimMake } from './builds.js';

/** One step of simulated time, and how long a look takes until what it decided is done; ms. */
const STEP = 10;
const LOOK_TAKES = 20;
/** Longer than any of the builds takes with one job at a time: what is longer hangs. */
const HANGS_AFTER = 1_000_000;

export interface World {
  /** Bytes; a sum above it is an OOM kill. */
  limit: number;
  cores: number;
  /** Bytes that are not the jobs': the tools themselves. */
  base: number;
  style: 'fifo' | 'pipe';
  /** How far apart looks are at least, where this is asked for: a slow machine, that is kept free. */
  looksApart?: (askedMs: number) => number;
}

export interface Decider {
  decide(look: Look): Decision;
  finished(peak: number): void;
}

export interface Course {
  /** Milliseconds until the last job ended. */
  time: number;
  oomKills: number;
  /** Most jobs at one time, and most tokens out. */
  mostJobs: number;
  freezes: number;
  frozenMs: number;
  /** Looks with what was decided, for properties that are to hold at each of them. */
  looks: { look: Look; decision: Decision }[];
  /** The build came to no end. */
  hangs: boolean;
}

interface Running {
  key: string;
  job: SimJob;
  make: Level;
  done: number;
  age: number;
  memory: number;
  peak: number;
  frozen: boolean;
  token: boolean;
}

/** A make at work: how many of its children run, and what is left. */
interface Level {
  parent: Level | undefined;
  steps: (SimJob | SimMake)[][];
  active: number;
  /** Holds a token of its own, which its first child runs on. */
  token: boolean;
}

class Build {
  readonly running: Running[] = [];
  readonly #levels: Level[] = [];
  #started = 0;

  constructor(make: SimMake) {
    this.#open(make, undefined, false);
  }

  get ended(): boolean {
    return this.#levels.length === 0;
  }

  /** Starts what can be started; `take` gets a token where there is one. */
  start(take: () => boolean): void {
    for (let again = true; again; ) {
      again = false;
      for (const level of [...this.#levels]) {
        const next = level.steps[0]?.[0];
        if (next === undefined) continue;
        const token = level.active > 0;
        if (token && !take()) continue;
        level.steps[0]?.shift();
        level.active += 1;
        again = true;
        if ('steps' in next) this.#open(next, level, token);
        else this.#begin(next, level, token);
      }
    }
  }

  /** Takes a job away; gives back how many tokens are free by that. */
  end(ended: Running): number {
    this.running.splice(this.running.indexOf(ended), 1);
    return this.#left(ended.make, ended.token);
  }

  #left(level: Level, token: boolean): number {
    let freed = token ? 1 : 0;
    level.active -= 1;
    // A make gives its tokens back and keeps the slot it was started with: whichever child runs on.
    if (!token && level.active > 0) {
      const heir = this.running.find((job) => job.make === level && job.token);
      const heirs = this.#levels.find((other) => other.parent === level && other.token);
      if (heir) heir.token = false;
      else if (heirs) heirs.token = false;
      freed += heir || heirs ? 1 : 0;
    }
    if (level.active === 0 && level.steps[0]?.length === 0) level.steps.shift();
    if (level.active > 0 || level.steps.length > 0) return freed;
    this.#levels.splice(this.#levels.indexOf(level), 1);
    return freed + (level.parent ? this.#left(level.parent, level.token) : 0);
  }

  #open(make: SimMake, parent: Level | undefined, token: boolean): void {
    this.#levels.push({ parent, steps: make.steps.map((step) => [...step]), active: 0, token });
  }

  #begin(job: SimJob, make: Level, token: boolean): void {
    this.#started += 1;
    const fresh = { done: 0, age: 0, memory: 0, peak: 0, frozen: false };
    this.running.push({ key: `job ${this.#started}`, job, make, token, ...fresh });
  }
}

/** Runs a build with as many jobs at a time as a fixed -j says. */
export function simulateStatic(make: SimMake, world: World, jobs: number): Course {
  return simulate(make, world, {
    finished: () => {},
    decide: () => ({
      ...{ tokens: jobs - 1, freeze: [], thaw: [], lost: 0, surplus: 0, beyond: 0 },
      ...{ againMs: Number.POSITIVE_INFINITY },
    }),
  });
}

/** Runs a build under a policy. */
export function simulate(
  make: SimMake,
  world: World,
  policy: Decider,
  change: (now: number, world: World) => World = (_, same) => same,
): Course {
  const build = new Build(make);
  const course: Course = {
    ...{ time: 0, oomKills: 0, mostJobs: 0, freezes: 0, frozenMs: 0, looks: [], hangs: false },
  };
  let current = world;
  /** Tokens in the pipe, and the ones given and not come back. */
  let waiting = 0;
  let out = 0;
  let lookAt = 0;
  let lastLook = 0;
  let apart = 0;
  let last: Decision | undefined;
  let pending: { at: number; decision: Decision } | undefined;
  /** Ninja asks for tokens when a job of its own ends, and not when there are more. */
  let asks = true;
  for (let now = 0; !build.ended; now += STEP) {
    if (now > HANGS_AFTER) return { ...course, time: now, hangs: true };
    current = change(now, current);
    if (pending && now >= pending.at) {
      apply(pending.decision);
      pending = undefined;
    }
    if (!pending && now >= lookAt) {
      const look = seen(now);
      const decision = policy.decide(look);
      last = decision;
      course.looks.push({ look, decision });
      // The first tokens are there before the tool is started.
      if (now === 0) apply(decision);
      else pending = { at: now + LOOK_TAKES, decision };
      lastLook = now;
      apart = current.looksApart?.(decision.againMs) ?? 0;
      lookAt = now + Math.max(decision.againMs, apart);
    }
    if (current.style === 'pipe' || asks) {
      asks = false;
      build.start(take);
    }
    advance();
    course.mostJobs = Math.max(course.mostJobs, build.running.length);
    course.time = now + STEP;
    if (course.oomKills > 0) return course;
  }
  return course;

  function take(): boolean {
    if (waiting === 0) return false;
    waiting -= 1;
    return true;
  }

  function used(): number {
    return build.running.reduce((sum, { memory }) => sum + memory, current.base);
  }

  function seen(now: number): Look {
    const jobs: SeenJob[] = build.running.map(({ key, age, memory, frozen }) => ({
      ...{ key, ageMs: age, memory, frozen },
    }));
    const { limit } = current;
    return { nowMs: now, limit, used: used(), jobs, tokensOut: out, demand: waiting };
  }

  /** What is read already cannot be taken back. */
  function give(tokens: number): void {
    const change = Math.max(tokens - out, -waiting);
    waiting += change;
    out += change;
  }

  function apply(decision: Decision): void {
    out -= decision.lost;
    give(decision.tokens);
    for (const job of build.running) {
      if (decision.freeze.includes(job.key) && !job.frozen) {
        job.frozen = true;
        course.freezes += 1;
      }
      if (decision.thaw.includes(job.key)) job.frozen = false;
    }
    const killed = build.running.find(({ key }) => key === decision.kill);
    if (killed) ended(killed);
  }

  function ended(job: Running): void {
    const freed = build.end(job);
    asks = true;
    policy.finished(job.peak);
    if (current.style === 'fifo') {
      waiting += freed;
      return;
    }
    out -= freed;
    // Far from danger what was decided last is given again at once.
    if (freed > 0 && apart > 0 && last && last.againMs > 200) give(last.tokens);
    else if (freed > 0) lookAt = lastLook + apart;
  }

  function advance(): void {
    const awake = build.running.filter(({ frozen }) => !frozen);
    const speed = Math.min(1, current.cores / Math.max(1, awake.length));
    for (const job of [...build.running]) {
      job.age += STEP;
      if (job.frozen) {
        course.frozenMs += STEP;
        continue;
      }
      job.done += STEP * speed;
      job.memory = job.job.peak * job.job.curve(Math.min(1, job.done / job.job.work));
      job.peak = Math.max(job.peak, job.memory);
      if (job.done >= job.job.work) ended(job);
    }
    if (used() > current.limit) course.oomKills += 1;
  }
}
