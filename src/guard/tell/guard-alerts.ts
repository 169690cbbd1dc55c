/** Which of its deeds the guard tells as alerts: each shortage, each spell and each victim once. Pure. */
import { makeAlert, momentary } from '../../alerts/alert.js';
import { memoryFact, memoryOf, pressureFacts, swapFact, topBy } from '../../alerts/figures.js';
import type { Alert, AlertChanges, AlertSubject, MachineSample } from '../../model/index.js';
import { counted } from '../../text/counted.js';
import { subjectOf } from '../decide/undo.js';
import type { GuardEvent } from '../events.js';
import { type Parts, partsOf, partsOfNote } from './words.js';

/** The sample that an event followed from, or the last before it. */
export type Seen = Pick<MachineSample, 'atMs' | 'time' | 'memory' | 'pressure' | 'processes'>;

interface Open {
  alert: Alert;
  sinceMs: number;
}

const EPISODE = 'episode';
const TOKENS = 'tokens';
const MACHINE: AlertSubject = { kind: 'machine', name: '' };

/** Names of victims in one alert. */
const MOST_NAMES = 5;

/** Turns what the guard tells into alerts, with the rate limit that all alerts have. */
export class GuardAlerts {
  /** The same alert is not raised again within this time. */
  quietMs: number;
  readonly #open = new Map<string, Open>();
  /** When each was told last. */
  readonly #told = new Map<string, number>();
  /** Victims while those before them are still news. */
  #waiting: { count: number; says: string[] } | undefined;

  constructor(quietMs: number) {
    this.quietMs = quietMs;
  }

  /** What an event changes. */
  see(event: GuardEvent, seen: Seen): AlertChanges {
    if (event.event === 'note') return this.#moment(partsOfNote(event.note), seen);
    if (event.event !== 'action' || event.result === 'gone' || event.result === 'would')
      return NONE;
    const { action, result } = event;
    if (result === 'failed') return this.#moment(partsOf(action, event.failed), seen);
    switch (action.do) {
      case 'warn':
        return this.#raise(EPISODE, withMachine(partsOf(action), seen), seen);
      case 'tokens':
        if (action.most === undefined) return this.#end(TOKENS, seen);
        return this.#raise(TOKENS, partsOf(action), seen);
      case 'freeze':
        return this.#raise(freezeKey(action.unit), partsOf(action), seen);
      case 'thaw':
        return this.#end(freezeKey(action.unit), seen);
      case 'end':
      case 'endUnit':
        return this.#victim(subjectOf(action), withMachine(partsOf(action), seen), seen);
      case 'breakLivelock':
        return this.#moment(partsOf(action), seen);
      default:
        return NONE;
    }
  }

  /**
   * What time changes: to be called after each sample.
   * @param isShort whether the guard is on a rung of its ladder
   */
  settle(isShort: boolean, seen: Seen): AlertChanges {
    const changes = isShort ? NONE : this.#end(EPISODE, seen);
    const isQuiet = this.#isQuiet(VICTIMS, seen);
    for (const key of this.#told.keys()) {
      if (!this.#isQuiet(key, seen) && !this.#open.has(key)) this.#told.delete(key);
    }
    return isQuiet ? changes : joined(changes, this.#tellWaiting(seen));
  }

  /** All that is open is over, since the guard ends, and what waits is told. */
  close(seen: Seen): AlertChanges {
    const ends = [...this.#open.keys()].map((key) => this.#end(key, seen));
    return [...ends, this.#tellWaiting(seen)].reduce(joined, NONE);
  }

  /** How much it remembers: bounded by what was told lately. */
  get remembered(): number {
    return this.#open.size + this.#told.size;
  }

  #raise(key: string, parts: Parts | undefined, seen: Seen): AlertChanges {
    if (parts === undefined || this.#open.has(key) || this.#isQuiet(key, seen)) return NONE;
    const alert = makeAlert({ rule: 'guard', ...parts, since: seen.time }, key);
    this.#open.set(key, { alert, sinceMs: seen.atMs });
    this.#told.set(key, seen.atMs);
    return { raised: [alert], ended: [] };
  }

  #end(key: string, seen: Seen): AlertChanges {
    const open = this.#open.get(key);
    if (open === undefined) return NONE;
    this.#open.delete(key);
    const lastedMs = Math.max(0, Math.round(seen.atMs - open.sinceMs));
    return { raised: [], ended: [{ ...open.alert, ended: seen.time, lastedMs }] };
  }

  #moment(parts: Parts | undefined, seen: Seen): AlertChanges {
    if (parts === undefined) return NONE;
    const key = [parts.severity, parts.subject.kind, parts.subject.name, parts.key].join('\0');
    if (this.#isQuiet(key, seen)) return NONE;
    this.#told.set(key, seen.atMs);
    return { raised: [happened(parts, seen, key)], ended: [] };
  }

  /** The first victim at once, those that follow shortly after together; SIGKILL after SIGTERM is one. */
  #victim(key: string, parts: Parts | undefined, seen: Seen): AlertChanges {
    const own = `victim ${key}`;
    if (parts === undefined || this.#isQuiet(own, seen)) return NONE;
    this.#told.set(own, seen.atMs);
    if (!this.#isQuiet(VICTIMS, seen)) {
      this.#told.set(VICTIMS, seen.atMs);
      return { raised: [happened(parts, seen, own)], ended: [] };
    }
    const { count = 0, says = [] } = this.#waiting ?? {};
    this.#waiting = { count: count + 1, says: [...says, parts.says].slice(0, MOST_NAMES) };
    return NONE;
  }

  #tellWaiting(seen: Seen): AlertChanges {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return NONE;
    this.#told.set(VICTIMS, seen.atMs);
    const { count, says } = waiting;
    const more = count > says.length ? [`and ${count - says.length} more`] : [];
    const parts: Parts = {
      ...{ severity: 'CRITICAL', subject: MACHINE, value: count, threshold: 1 },
      says: `the guard has ended ${counted(count, 'more victim')} meanwhile`,
      facts: [...says, ...more],
    };
    return { raised: [happened(parts, seen, VICTIMS)], ended: [] };
  }

  #isQuiet(key: string, { atMs }: Seen): boolean {
    const toldMs = this.#told.get(key);
    return toldMs !== undefined && atMs >= toldMs && atMs - toldMs < this.quietMs;
  }
}

const VICTIMS = 'victims';
const NONE: AlertChanges = { raised: [], ended: [] };

function freezeKey(unit: string): string {
  return `freeze ${unit}`;
}

function happened({ key: _, ...parts }: Parts, { time }: Seen, key: string): Alert {
  return momentary({ rule: 'guard', ...parts, since: time }, key);
}

/** With what else helps to judge a shortage. */
function withMachine(parts: Parts | undefined, seen: Seen): Parts | undefined {
  if (parts === undefined) return undefined;
  const sample = seen as MachineSample;
  const facts = [memoryFact(sample), swapFact(sample), ...pressureFacts(sample)];
  const top = parts.top === undefined ? topBy(seen.processes, memoryOf) : {};
  return { ...parts, ...top, facts: [...parts.facts, ...facts] };
}

function joined(first: AlertChanges, second: AlertChanges): AlertChanges {
  return {
    raised: [...first.raised, ...second.raised],
    ended: [...first.ended, ...second.ended],
  };
}
