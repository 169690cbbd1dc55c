/** Where the samples of `monitor` come from, with what belongs to them. */
import { isOver, RecentAlerts } from '../../alerts/index.js';
import type { Alert, GpuSample, MachineSample } from '../../model/index.js';
import type { ShownAlert } from '../../render/monitor/index.js';
import type { Sampler } from '../../sampler/index.js';

/** Asks for the GPUs; takes its time, since a program is asked. */
export type ReadGpus = () => Promise<GpuSample[]>;

/** A machine without GPUs, and until there is a reader of them. */
const noGpus: ReadGpus = async () => [];

/**
 * Samples with GPUs in them. These are asked beside the samples, never twice at a time: one that hangs
 * leaves what it told last.
 */
export class SampleSource {
  readonly #sampler: Sampler;
  readonly #readGpus: ReadGpus;
  #gpus: GpuSample[] = [];
  #asking: Promise<void> | undefined;

  constructor(sampler: Sampler, readGpus: ReadGpus = noGpus) {
    this.#sampler = sampler;
    this.#readGpus = readGpus;
  }

  /**
   * Waits for the first answer on GPUs, and takes a first sample: rates are over the time since.
   * @throws {UnavailableError} where nothing can be said of this machine
   */
  async start(): Promise<void> {
    this.#sampler.sample();
    await this.#ask();
  }

  /** @throws {UnavailableError} */
  next(): MachineSample {
    void this.#ask();
    return this.#sampler.sample(this.#gpus);
  }

  get unitsLeftOut(): number {
    return this.#sampler.unitsLeftOut;
  }

  close(): void {
    this.#sampler.close();
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#readGpus()
      .then((gpus) => {
        this.#gpus = gpus;
      })
      // No answer says nothing new.
      .catch(() => {})
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }
}

/** More are not looked at: few are shown. */
const MOST_ALERTS = 20;

/** Looks at the log of alerts (docs/alerts.md), as far as it is shown: the newest last. */
export function alertSource(file?: string): () => ShownAlert[] {
  const recent = new RecentAlerts(file);
  return () => recent.read().slice(-MOST_ALERTS).map(shownAlert);
}

function shownAlert(alert: Alert): ShownAlert {
  const { since, ended = since, severity, rule, says } = alert;
  const over = isOver(alert) ? { time: ended, severity: 'note' as const } : undefined;
  return {
    time: since,
    severity: severity === 'CRITICAL' ? 'problem' : 'warning',
    ...over,
    text: `${rule}${over === undefined ? '' : ' is over'}: ${says}`,
  };
}
