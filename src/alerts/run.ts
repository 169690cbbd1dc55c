/** The watch: samples in, alerts out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../machine/clock.js';
import type { AlertChanges, MachineSample, MemoryKill } from '../model/index.js';
import type { AlertRules } from './rules.js';
import type { Sinks } from './sinks/sink.js';

/** As often as the machine is looked at where nothing else is said. */
export const DEFAULT_INTERVAL_MS = 30_000;

export interface WatchAlertsOptions {
  sample: () => MachineSample;
  /** What the journal says of kills since the last sample. */
  kills?: (sample: MachineSample) => Promise<MemoryKill[]>;
  rules: AlertRules;
  sinks: Pick<Sinks, 'tell' | 'close'>;
  intervalMs?: number;
  signal: AbortSignal;
  /** Is shown what changed at a look. */
  onChange?: (changes: AlertChanges) => void;
  /** Is told, once until it works again, that no sample could be taken. */
  onTrouble: (text: string) => void;
}

/**
 * Looks at the machine at once and then one time an interval, and tells the sinks what changed, until it is
 * told to end. A sample that cannot be taken, and a sink that fails, end nothing.
 */
export async function watchAlerts(options: WatchAlertsOptions): Promise<void> {
  const { rules, sinks, intervalMs = DEFAULT_INTERVAL_MS, signal, onChange } = options;
  const look = looker(options);
  for (let dueMs = monotonicMs(); !signal.aborted; ) {
    const seen = await look();
    if (seen !== undefined) {
      const changes = rules.see(seen.sample, seen.kills);
      sinks.tell(changes);
      onChange?.(changes);
    }
    // What is late is not made up for.
    while (dueMs <= monotonicMs()) dueMs += intervalMs;
    await sleep(dueMs - monotonicMs(), undefined, { signal }).catch(() => {});
  }
  await sinks.close();
}

function looker({ sample: take, kills = async () => [], onTrouble }: WatchAlertsOptions) {
  let trouble: string | undefined;
  return async (): Promise<{ sample: MachineSample; kills: MemoryKill[] } | undefined> => {
    try {
      const sample = take();
      const seen = { sample, kills: await kills(sample) };
      trouble = undefined;
      return seen;
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) onTrouble(`the machine cannot be looked at: ${message}`);
      trouble = message;
      return undefined;
    }
  };
}
