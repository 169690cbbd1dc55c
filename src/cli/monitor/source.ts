/** Where the samples of `monitor` come from, with what belongs to them. */
import { guardSamples, isOver, RecentAlerts } from '../../alerts/index.js';
import { type GpuPoller, type GpuReading, pollGpus, readGpus } from '../../gpu/index.js';
import type { Alert, GpuSample, MachineSample } from '../../model/index.js';
import type { ShownAlert } from '../../render/monitor/index.js';
import type { Sampler } from '../../sampler/index.js';

/** How the GPUs are asked for; other ways in tests. */
export interface GpuWays {
  read(): Promise<GpuReading>;
  poll(): GpuPoller;
}

/**
 * Samples with GPUs in them. These are asked for at their own pace (nvidia-smi may take seconds), and
 * no sample but the first waits for them.
 */
export class SampleSource {
  readonly #sampler: Sampler;
  readonly #ways: GpuWays;
  #first: GpuReading | undefined;
  #poller: GpuPoller | undefined;
  #last: readonly GpuSample[] = [];

  constructor(sampler: Sampler, ways: GpuWays = { read: readGpus, poll: pollGpus }) {
    this.#sampler = sampler;
    this.#ways = ways;
  }

  /**
   * Waits for the first answer on GPUs, and takes a first sample: rates are over the time since.
   * @throws {UnavailableError} where nothing can be said of this machine
   */
  async start(): Promise<void> {
    this.#sampler.sample();
    this.#first = await this.#ways.read();
  }

  /** @throws {UnavailableError} */
  next(): MachineSample {
    const guards = guardSamples();
    const sample = this.#sampler.sample(this.#gpus());
    return guards.length === 0 ? sample : { ...sample, guards };
  }

  get unitsLeftOut(): number {
    return this.#sampler.unitsLeftOut;
  }

  close(): void {
    this.#poller?.stop();
    this.#sampler.close();
  }

  /** One sample needs one answer; who takes more gets newer ones. */
  #gpus(): readonly GpuSample[] {
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#poller ??= this.#ways.poll();
    const reading = first ?? this.#poller?.latest();
    if (reading !== undefined) this.#last = reading.kind === 'read' ? reading.gpus : [];
    return this.#last;
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
