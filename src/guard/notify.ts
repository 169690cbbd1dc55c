/** What a service tells systemd (sd_notify(3)). Node has no datagram sockets: systemd-notify(1) does it. */
import type { RunProgram } from './act/program.js';

export class Notifier {
  readonly #run: RunProgram;
  readonly #isService: boolean;
  readonly #everyMs: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(env: NodeJS.ProcessEnv, run: RunProgram) {
    this.#run = run;
    this.#isService = Boolean(env.NOTIFY_SOCKET);
    const usec = Number(env.WATCHDOG_USEC);
    const isOurs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
    // Half of the time is what sd_watchdog_enabled(3) advises.
    this.#everyMs = isOurs && usec > 0 ? usec / 2000 : undefined;
  }

  ready(status: string): void {
    this.#tell(['--ready', `--status=${status}`]);
  }

  /** Says that all is well, not more often than it has to be said. */
  alive(nowMs: number): void {
    if (this.#everyMs === undefined || nowMs - this.#lastMs < this.#everyMs) return;
    this.#lastMs = nowMs;
    this.#tell(['WATCHDOG=1']);
  }

  stopping(): void {
    this.#tell(['STOPPING=1']);
  }

  #tell(words: readonly string[]): void {
    if (this.#isService) void this.#run(['systemd-notify', ...words]);
  }
}
