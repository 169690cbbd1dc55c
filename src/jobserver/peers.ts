import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { isAlive } from '../cgroup/index.js';
import { monotonicMs } from '../machine/clock.js';
import { isNumber, isObject, isText } from '../state/check.js';
import { writeWhole } from '../state/write.js';

/** What a run with a jobserver tells others of the same user. */
export interface PeerState {
  unit: string;
  /** The rlimit that serves it. */
  runner: { pid: number; startTicks: number };
  /** Most tokens that it may give out by itself. */
  cap: number;
  /** How many it would give out now, were it alone. */
  wants: number;
  /** Tokens that its clients have. */
  out: number;
  /** Bytes that its next job is expected to need, and that it uses now. */
  expected: number;
  used: number;
}

export interface PeersOptions {
  /** Where runs keep what belongs to them; each has its `UNIT.jobs/state.json`. */
  directory: string;
  unit: string;
  proc?: string;
  now?: () => number;
}

/** What all runs with a jobserver tell each other, through files that the user alone can write. */
export class Peers {
  readonly #options: Required<PeersOptions>;
  #others: PeerState[] = [];
  #readMs = Number.NEGATIVE_INFINITY;
  #written: string | undefined;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeersOptions) {
    this.#options = { proc: '/proc', now: monotonicMs, ...options };
  }

  /** Tells the others; not more often than they read. What cannot be written is told next time. */
  tell(state: Omit<PeerState, 'unit'>): void {
    const { directory, unit, now } = this.#options;
    if (now() - this.#writtenMs < EVERY_MS) return;
    this.#writtenMs = now();
    const whole = { unit, ...state };
    const text = JSON.stringify(whole);
    if (text === this.#written) return;
    try {
      writeWhole(`${directory}/${unit}.jobs`, 'state.json', whole);
      this.#written = text;
    } catch {
      // A full file system: the others reckon with what they knew.
    }
  }

  /** The others that are alive, as they were a moment ago. */
  others(): readonly PeerState[] {
    const { now, directory, unit, proc } = this.#options;
    if (now() - this.#readMs < EVERY_MS) return this.#others;
    this.#readMs = now();
    this.#others = readPeers(directory, proc).flatMap(({ state, alive }) =>
      state !== undefined && alive && state.unit !== unit ? [state] : [],
    );
    return this.#others;
  }
}

const EVERY_MS = 1000;

/**
 * Takes away what a killed rlimit left, once nothing knows of its run any more: as long as that lives,
 * its tools may need what is there.
 */
export function clearDeadPeers(directory: string, proc = '/proc'): void {
  const names = new Set(namesIn(directory));
  for (const { name, alive } of readPeers(directory, proc)) {
    const record = `${name.slice(0, -SUFFIX.length)}.json`;
    if (alive || names.has(record)) continue;
    rmSync(`${directory}/${name}`, { recursive: true, force: true });
  }
}

const SUFFIX = '.jobs';

interface Peer {
  name: string;
  state: PeerState | undefined;
  alive: boolean;
}

/** One that is just being made has no state yet: it is taken to be alive. */
function readPeers(directory: string, proc: string): Peer[] {
  return namesIn(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => {
      const state = parseState(read(`${directory}/${name}/state.json`));
      return { name, state, alive: state === undefined || isAlive(state.runner, proc) };
    });
}

function parseState(text: string): PeerState | undefined {
  const state = parseJson(text);
  if (!isObject(state) || !isText(state.unit) || !isObject(state.runner)) return undefined;
  const { runner, cap, wants, out, expected, used } = state;
  const numbers = [runner.pid, runner.startTicks, cap, wants, out, expected, used];
  return numbers.every(isNumber) ? (state as unknown as PeerState) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
