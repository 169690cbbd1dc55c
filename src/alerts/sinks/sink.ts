/** Where alerts go: each sink fails by itself, and none makes the samples wait. */
import type { Alert, AlertChanges, AlertSeverity } from '../../model/index.js';

/** What became of an alert. */
export type AlertState = 'raised' | 'ended';

/** A place that alerts are told in. */
export interface Sink {
  name: 'desktop' | 'journal' | 'log' | 'command';
  /** The least severity it takes. */
  from: AlertSeverity;
  /** @throws {Error} saying why it could not be told */
  send(alert: Alert, state: AlertState): Promise<void>;
}

/** More than these wait nowhere: the oldest are left out, and that is said. */
const MOST_WAITING = 64;

/** How long an end waits for what is under way. */
const FAREWELL_MS = 5000;

interface Queue {
  sink: Sink;
  waiting: [Alert, AlertState][];
  isBusy: boolean;
  /** The last failure, which is said once. */
  trouble?: string;
}

/** All sinks together. */
export class Sinks {
  readonly #queues: Queue[];
  readonly #onTrouble: (text: string) => void;

  /** @param onTrouble is told what a sink could not do: once, until it can again */
  constructor(sinks: readonly Sink[], onTrouble: (text: string) => void) {
    this.#queues = sinks.map((sink) => ({ sink, waiting: [], isBusy: false }));
    this.#onTrouble = onTrouble;
  }

  /** Tells changes everywhere. Does not wait. */
  tell({ raised, ended }: AlertChanges): void {
    for (const alert of raised) this.#offer(alert, 'raised');
    for (const alert of ended) this.#offer(alert, 'ended');
  }

  /** Waits until all is told, for some seconds at most. */
  async close(): Promise<void> {
    const deadline = Date.now() + FAREWELL_MS;
    while (this.#queues.some(({ isBusy }) => isBusy) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #offer(alert: Alert, state: AlertState): void {
    for (const queue of this.#queues) {
      if (queue.sink.from === 'CRITICAL' && alert.severity !== 'CRITICAL') continue;
      if (queue.waiting.length >= MOST_WAITING) {
        queue.waiting.shift();
        this.#say(queue, 'it is too slow: alerts were left out');
      }
      queue.waiting.push([alert, state]);
      if (!queue.isBusy) void this.#work(queue);
    }
  }

  /** One after the other: what is slow is never started twice at once. */
  async #work(queue: Queue): Promise<void> {
    queue.isBusy = true;
    for (let next = queue.waiting.shift(); next !== undefined; next = queue.waiting.shift()) {
      try {
        await queue.sink.send(...next);
        delete queue.trouble;
      } catch (error) {
        this.#say(queue, (error as Error).message);
      }
    }
    queue.isBusy = false;
  }

  #say(queue: Queue, trouble: string): void {
    if (queue.trouble === trouble) return;
    queue.trouble = trouble;
    this.#onTrouble(`alerts do not reach the ${queue.sink.name}: ${trouble}`);
  }
}
