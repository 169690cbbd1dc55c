/**
 * The most tokens that `rlimit guard` lets a run have out while memory is short: a small file that it
 * writes and every jobserver reads. It ends by itself, so that a guard that was killed holds nobody back.
 */
import { readFileSync, statSync } from 'node:fs';
import { monotonicMs } from '../machine/clock.js';
import { isNumber, isObject } from '../state/check.js';
import { SYSTEM_GUARD, userGuard } from '../state/guard-deeds.js';

/** What the file says. */
export interface TokenCap {
  most: number;
  /** Until when it holds, on CLOCK_MONOTONIC, which all processes share. */
  untilMs: number;
}

export const CAP_FILE = 'tokens.json';

/** It is read at most so often. */
const EVERY_MS = 1000;

/** Reads the caps of root's guard and of the user's own. */
export class CapReader {
  readonly #directories: readonly string[];
  readonly #now: () => number;
  readonly #uid: number;
  #caps: TokenCap[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  constructor({
    records,
    system = SYSTEM_GUARD,
    now = monotonicMs,
    uid = process.geteuid?.() ?? 0,
  }: {
    records: string;
    system?: string;
    now?: () => number;
    uid?: number;
  }) {
    this.#directories = [system, userGuard(records)];
    this.#now = now;
    this.#uid = uid;
  }

  /** The most tokens that may be out; undefined where no guard says anything. */
  most(): number | undefined {
    const now = this.#now();
    if (now - this.#readMs >= EVERY_MS) {
      this.#readMs = now;
      this.#caps = this.#directories.flatMap((each) => readCap(`${each}/${CAP_FILE}`, this.#uid));
    }
    const caps = this.#caps.filter(({ untilMs }) => untilMs > now).map(({ most }) => most);
    return caps.length === 0 ? undefined : Math.min(...caps);
  }
}

/** A file of somebody else's than root and the user tells nothing. */
function readCap(file: string, uid: number): TokenCap[] {
  try {
    const owner = statSync(file).uid;
    if (owner !== 0 && owner !== uid) return [];
    const cap: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isObject(cap) || !isNumber(cap.most) || !isNumber(cap.untilMs)) return [];
    return [{ most: Math.max(0, Math.floor(cap.most)), untilMs: cap.untilMs }];
  } catch {
    return [];
  }
}
