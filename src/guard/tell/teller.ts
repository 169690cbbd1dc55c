/** Brings the guard's alerts to the places where alerts go. Nothing in it makes a decision wait. */
import { alertSettingsFiles } from '../../alerts/load.js';
import { type AlertSettings, DEFAULT_RULES, defaultSinks } from '../../alerts/settings.js';
import type { Sinks } from '../../alerts/sinks/sink.js';
import type { AlertChanges } from '../../model/index.js';
import { isThere } from '../../profiles/places.js';
import type { GuardEvent } from '../events.js';
import { GuardAlerts, type Seen } from './guard-alerts.js';

/** Reads a file of settings of alerts. */
export type ReadAlertSettings = (file: string) => Promise<AlertSettings>;

export interface TellerOptions {
  read: ReadAlertSettings;
  env: NodeJS.ProcessEnv;
  uid: number;
  /** Is told what cannot be told, or that settings are wrong. */
  onTrouble(text: string): void;
  /** Is told whether alerts go anywhere at all. */
  onSettings(tells: boolean): void;
  /** Opens the sinks; others in tests. */
  open?: (
    sinks: AlertSettings['sinks'],
    onTrouble: (text: string) => void,
  ) => Promise<Pick<Sinks, 'tell' | 'close'>>;
}

/** More than so many changes do not wait until the sinks are there. */
const MOST_WAITING = 64;

export class Teller {
  readonly #options: Required<TellerOptions>;
  readonly #alerts = new GuardAlerts(DEFAULT_RULES.quietMs);
  /** Absent until they were read; the sinks until there is something to tell. */
  #settings: AlertSettings | undefined;
  #sinks: Promise<Pick<Sinks, 'tell' | 'close'>> | undefined;
  #waiting: AlertChanges[] = [];
  #isSending = false;
  #seen: Seen | undefined;

  constructor(options: TellerOptions) {
    this.#options = { open: openLater, ...options };
  }

  /** Reads the settings, the first time or anew; a file that is wrong leaves the old ones in force. */
  async load(): Promise<void> {
    const { env, uid, read, onTrouble, onSettings } = this.#options;
    const file = alertSettingsFiles(env, uid).find(isThere);
    try {
      const settings =
        file === undefined ? { rules: DEFAULT_RULES, sinks: defaultSinks(uid) } : await read(file);
      await this.#change(settings);
    } catch (error) {
      onTrouble(`the settings of alerts: ${(error as Error).message}`);
      this.#settings ??= { rules: DEFAULT_RULES, sinks: defaultSinks(uid) };
    }
    const { rules, sinks } = this.#settings ?? {};
    onSettings(rules?.events.has('guard') === true && Object.keys(sinks ?? {}).length > 0);
    this.#send();
  }

  /** Takes an event of the guard. */
  see(event: GuardEvent): void {
    if (this.#seen !== undefined) this.#offer(this.#alerts.see(event, this.#seen));
  }

  /** The sample that the next events follow from. */
  look(seen: Seen): void {
    this.#seen = seen;
  }

  /** After each sample: what is over by now, and what has waited long enough. */
  settle(isShort: boolean): void {
    if (this.#seen === undefined) return;
    this.#offer(this.#alerts.settle(isShort, this.#seen));
    // A sample that is kept until the next one outlives its youth: the heap grew by 8 MB with that.
    const { atMs, time, memory, pressure } = this.#seen;
    this.#seen = { atMs, time, memory, pressure, processes: [] };
  }

  /** Tells the rest, and waits for the sinks for some seconds at most. */
  async close(): Promise<void> {
    if (this.#seen !== undefined) this.#offer(this.#alerts.close(this.#seen));
    this.#flush();
    await (await this.#sinks)?.close();
  }

  async #change(settings: AlertSettings): Promise<void> {
    const before = this.#sinks;
    this.#settings = settings;
    this.#alerts.quietMs = settings.rules.quietMs;
    this.#sinks = undefined;
    // What is under way is let end by itself.
    await (await before)?.close();
  }

  #offer(changes: AlertChanges): void {
    if (changes.raised.length + changes.ended.length === 0) return;
    this.#waiting = [...this.#waiting, changes].slice(-MOST_WAITING);
    this.#send();
  }

  /** A sink starts programs, which takes time: the step that is under way comes first. */
  #send(): void {
    if (this.#isSending || this.#waiting.length === 0 || this.#settings === undefined) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#isSending = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { rules, sinks } = this.#settings ?? {};
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0 || sinks === undefined || rules?.events.has('guard') !== true) return;
    const { open, onTrouble } = this.#options;
    this.#sinks ??= open(sinks, onTrouble);
    this.#sinks = this.#sinks.then((opened) => {
      for (const changes of waiting) opened.tell(changes);
      return opened;
    });
  }
}

/** What they need is loaded with the first alert: most days there is none. */
async function openLater(sinks: AlertSettings['sinks'], onTrouble: (text: string) => void) {
  const { openSinks } = await import('../../alerts/sinks/index.js');
  return openSinks(sinks, onTrouble);
}
