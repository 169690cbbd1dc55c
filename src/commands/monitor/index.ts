import { Flags } from '@oclif/core';
import { budgetState } from '../../budget/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { parseInterval } from '../../cli/interval.js';
import type { MonitorDisplay, Shown } from '../../cli/monitor/displays.js';
import { pause, repeatedly } from '../../cli/monitor/loop.js';
import { alertSource, SampleSource } from '../../cli/monitor/source.js';
import { untilTold } from '../../cli/until-told.js';
import { UsageError } from '../../errors/index.js';
import { monotonicMs } from '../../machine/clock.js';
import type { BudgetState, MachineSample } from '../../model/index.js';
import { renderMonitor, SORTS } from '../../render/monitor/index.js';
import { renderPrometheus } from '../../render/prometheus/index.js';
import { Sampler } from '../../sampler/index.js';

/** A single look waits so long between its two samples: without two there are no rates. */
const LOOK_MS = 500;

export default class Monitor extends BaseCommand {
  static override summary = 'Show the machine: memory, CPU, disks, pressure, GPUs, limited units.';
  static override description =
    'Each unit with a limit of its own is shown with its use beside that limit, runs of rlimit ' +
    'first of all; below them the processes that use most. Without options one look for people.\n' +
    'With --watch, again and again: redrawn in place on a terminal, where keys put it in order, end ' +
    'a unit (k) or change its limits (r), both after a question and with all that kill and tune ' +
    'refuse; whole frames in a pipe; one JSON object a line with --json.\n' +
    'For Prometheus: --prometheus prints the metrics, --listen serves them at /metrics (on the ' +
    'loopback, unless another address is given), --textfile writes DIR/rlimit.prom for ' +
    'node_exporter, with --watch again and again. docs/monitor.md lists them.\n' +
    'Ends with 0, 2 for a mistake in what was asked, 3 where this machine tells nothing, or a file ' +
    'or an address cannot be had.';
  static override examples = [
    '<%= config.bin %> monitor',
    '<%= config.bin %> monitor --watch=5 --sort cpu',
    '<%= config.bin %> monitor --json',
    '<%= config.bin %> monitor --listen 127.0.0.1:9101',
    '<%= config.bin %> monitor --textfile /var/lib/prometheus/node-exporter',
  ];
  static override flags = {
    watch: Flags.boolean({
      default: false,
      description: 'go on until Ctrl-C or q; --watch=SECONDS is --watch --interval SECONDS',
    }),
    interval: Flags.string({
      description: 'seconds between two samples, at least 0.2 (default: 2; 15 with --textfile)',
      helpValue: 'SECONDS',
    }),
    sort: Flags.option({
      options: SORTS,
      default: 'memory' as const,
      description: 'order of units and processes',
    })(),
    processes: Flags.integer({
      description: 'how many processes are shown or exported',
      helpValue: 'N',
      default: 10,
      min: 0,
      max: 1000,
    }),
    prometheus: Flags.boolean({
      default: false,
      description: 'print metrics in the text format of Prometheus',
    }),
    listen: Flags.string({
      description: 'serve GET /metrics and /healthz; port 0 takes a free one',
      helpValue: 'HOST:PORT',
    }),
    textfile: Flags.string({
      description: 'write the metrics to DIR/rlimit.prom, for node_exporter',
      helpValue: 'DIR',
    }),
  };

  async run(): Promise<MachineSample | undefined> {
    const { flags } = await this.parse(Monitor, withInterval(this.argv));
    checkTogether(flags, this.jsonEnabled());
    const intervalMs = parseInterval(flags.interval ?? (flags.textfile === undefined ? '2' : '15'));
    const { sort, processes } = flags;
    const source = new SampleSource(new Sampler({ details: Math.max(16, processes) }));
    try {
      await source.start();
      const alerts = alertSource();
      const shown = (): Shown => ({
        sample: source.next(),
        alerts: alerts(),
        unitsLeftOut: source.unitsLeftOut,
      });
      const page = () => this.#page(shown(), processes);
      if (flags.listen !== undefined) return await this.#listen(flags.listen, page);
      if (flags.textfile !== undefined) {
        return await this.#textfile(flags.textfile, page, { ...flags, intervalMs });
      }
      if (flags.watch) return await this.#watch(shown, { intervalMs, sort, processes });
      await pause(LOOK_MS);
      const look = shown();
      if (flags.prometheus) process.stdout.write(this.#page(look, processes));
      else this.say(renderMonitor({ ...look, sort, processes }));
      return look.sample;
    } finally {
      source.close();
    }
  }

  #page({ sample, unitsLeftOut }: Shown, processes: number): string {
    const budget = budgetHere();
    return renderPrometheus({
      sample,
      unitsLeftOut,
      ...(budget === undefined ? {} : { budget }),
      version: this.config.version,
      processes,
    });
  }

  /** Returns nothing: with --json its lines are printed one by one, as they come. */
  async #watch(shown: () => Shown, options: WatchOptions): Promise<undefined> {
    const { JsonDisplay, PlainDisplay, ScreenDisplay } = await import(
      '../../cli/monitor/displays.js'
    );
    const { unitActions } = await import('../../cli/monitor/actions.js');
    const { stdin: input, stdout: output } = process;
    const isScreen = output.isTTY && process.env.TERM !== 'dumb';
    let display: MonitorDisplay;
    if (this.jsonEnabled()) display = new JsonDisplay(output);
    else if (!isScreen) display = new PlainDisplay(output, options);
    else {
      const quit = () => process.kill(process.pid, 'SIGINT');
      const stop = () => process.kill(process.pid, 'SIGTSTP');
      const { sort, processes } = options;
      const actions = unitActions;
      display = new ScreenDisplay({ input, output, actions, sort, processes, quit, stop });
    }
    await untilTold(display, async (signal) => {
      await pause(Math.min(LOOK_MS, options.intervalMs), signal);
      const { intervalMs } = options;
      await repeatedly(() => display.show(shown()), { intervalMs, signal, clock: monotonicMs });
    });
  }

  async #listen(address: string, page: () => string): Promise<undefined> {
    const { parseListen, serveMetrics } = await import('../../cli/monitor/serve.js');
    const { server, url } = await serveMetrics(parseListen(address), { page, clock: monotonicMs });
    this.say(`Listening on ${url}/metrics`);
    await untilTold(NO_DISPLAY, (signal) => aborted(signal));
    server.close();
    server.closeAllConnections();
  }

  async #textfile(
    directory: string,
    page: () => string,
    { watch, intervalMs }: { watch: boolean; intervalMs: number },
  ): Promise<undefined> {
    const { writeTextfile } = await import('../../cli/monitor/textfile.js');
    await pause(LOOK_MS);
    this.say(`Written: ${writeTextfile(directory, page())}`);
    if (!watch) return;
    let failure = '';
    const write = () => {
      try {
        writeTextfile(directory, page());
        failure = '';
      } catch (error) {
        // A full disk may have room again; what is the matter is said once.
        const { message } = error as Error;
        if (message !== failure) this.remark(`rlimit: ${message}`);
        failure = message;
      }
    };
    await untilTold(NO_DISPLAY, async (signal) => {
      await pause(intervalMs, signal);
      await repeatedly(write, { intervalMs, signal, clock: monotonicMs });
    });
  }
}

interface WatchOptions {
  intervalMs: number;
  sort: (typeof SORTS)[number];
  processes: number;
}

const NO_DISPLAY = { close() {} };

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** oclif knows no option with a value that may be missing. */
function withInterval(argv: readonly string[]): string[] {
  return argv.flatMap((word) => {
    const value = /^--watch=(.*)$/s.exec(word)?.[1];
    return value === undefined ? [word] : ['--watch', `--interval=${value}`];
  });
}

interface Together {
  watch: boolean;
  interval?: string | undefined;
  prometheus: boolean;
  listen?: string | undefined;
  textfile?: string | undefined;
}

/** @throws {UsageError} */
function checkTogether(flags: Together, isJson: boolean): void {
  const ways = [
    ['--json', isJson],
    ['--prometheus', flags.prometheus],
    ['--listen', flags.listen !== undefined],
    ['--textfile', flags.textfile !== undefined],
  ].flatMap(([name, isGiven]) => (isGiven ? [name] : []));
  if (ways.length > 1) throw new UsageError(`${ways.join(' and ')} do not go together`);
  if (flags.watch && (flags.prometheus || flags.listen !== undefined)) {
    throw new UsageError(`--watch does not go with ${ways[0]}`, {
      why: 'A page of metrics is of one moment; --listen makes a new one for whoever asks.',
    });
  }
  if (flags.interval !== undefined && !flags.watch) {
    throw new UsageError('--interval goes with --watch');
  }
}

/** What cannot be told of the budget keeps nothing else from being told. */
function budgetHere(): BudgetState | undefined {
  try {
    return budgetState();
  } catch {
    return undefined;
  }
}
