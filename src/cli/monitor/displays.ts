/** Where the samples of a watch go: a terminal with keys, a pipe, or a program. */
import type { MachineSample } from '../../model/index.js';
import {
  type Curves,
  type MonitorSort,
  type MonitorView,
  renderMonitor,
  renderMonitorFrame,
} from '../../render/monitor/index.js';
import { Screen, type Terminal } from '../screen.js';
import { MonitorControl, type UnitActions } from './control.js';
import { parseKeys } from './keys.js';

export interface MonitorDisplay {
  show(shown: Shown): void;
  /** Puts the terminal back as it was. May be called twice. */
  close(): void;
  /** Before the process is stopped, and after it was continued. */
  pause?(): void;
  resume?(): void;
}

/** One sample, with what belongs to the picture of it. */
export type Shown = Pick<MonitorView, 'sample' | 'alerts' | 'unitsLeftOut'>;

/** What of process.stdout and process.stdin is needed; others in tests. */
export interface Output extends Terminal {
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}
export interface Input {
  isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', listener: (text: string) => void): unknown;
  off(event: 'data', listener: (text: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface ScreenOptions {
  output: Output;
  input: Input;
  actions: UnitActions;
  sort: MonitorSort;
  processes: number;
  /** Called for q and Ctrl-C. */
  quit: () => void;
  /** Called for Ctrl-Z, which is only a key in raw mode. */
  stop: () => void;
}

/** As many values are kept for the curves: no terminal is wider. */
const MOST_VALUES = 200;

/** Redraws in place, and obeys keys where there is a keyboard. */
export class ScreenDisplay implements MonitorDisplay {
  readonly #options: ScreenOptions;
  readonly #screen: Screen;
  readonly #control: MonitorControl;
  readonly #curves: Curves = { memory: [], swap: [], cpu: [], stall: [] };
  readonly #hasKeys: boolean;
  #last: Shown | undefined;
  #isOpen = false;
  readonly #redraw = () => this.#draw();
  readonly #read = (text: string) => this.#press(text);

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output);
    this.#control = new MonitorControl(options.actions, this.#redraw, options.sort);
    this.#hasKeys = options.input.isTTY === true && options.input.setRawMode !== undefined;
    options.output.on('resize', this.#redraw);
    this.#openKeys();
  }

  show(shown: Shown): void {
    this.#last = shown;
    this.#control.take(shown.sample);
    noteValues(this.#curves, shown.sample);
    this.#draw();
  }

  close(): void {
    this.#options.output.off('resize', this.#redraw);
    this.#closeKeys();
    this.#screen.leave();
  }

  pause(): void {
    this.#closeKeys();
    this.#screen.leave();
  }

  resume(): void {
    this.#openKeys();
    this.#draw();
  }

  #openKeys(): void {
    if (!this.#hasKeys || this.#isOpen) return;
    const { input } = this.#options;
    this.#isOpen = true;
    input.setRawMode?.(true);
    input.setEncoding('utf8');
    input.on('data', this.#read);
    input.resume();
  }

  #closeKeys(): void {
    if (!this.#isOpen) return;
    const { input } = this.#options;
    this.#isOpen = false;
    input.off('data', this.#read);
    input.pause();
    input.setRawMode?.(false);
  }

  #press(text: string): void {
    for (const key of parseKeys(text)) {
      const wish = this.#control.press(key);
      if (wish !== undefined) {
        // What was typed behind it is for whoever reads the terminal next.
        this.#options[wish]();
        return;
      }
    }
    this.#draw();
  }

  #draw(): void {
    if (this.#last === undefined) return;
    const { keys, ...view } = this.#control.view;
    const shown: MonitorView = {
      ...this.#last,
      ...view,
      curves: this.#curves,
      processes: this.#options.processes,
    };
    const help = keys === undefined ? {} : { keys };
    // Without a keyboard there is nothing to select, and nothing to be told of keys.
    const { selected: _, ...still } = shown;
    const frame = this.#hasKeys ? { ...shown, ...help } : still;
    this.#screen.draw(renderMonitorFrame(frame, this.#screen.size));
  }
}

function noteValues(curves: Curves, { memory, cpu, pressure }: MachineSample): void {
  const swapped = memory.swapTotal === 0 ? 0 : 1 - memory.swapFree / memory.swapTotal;
  note(curves.memory, 1 - memory.available / memory.total);
  note(curves.swap, swapped);
  note(curves.cpu, cpu?.busy ?? 0);
  note(curves.stall, (pressure.memory?.some ?? 0) / 100);
}

function note(values: number[], value: number): void {
  values.push(value);
  if (values.length > MOST_VALUES) values.shift();
}

/** What of a stream is written to. */
type Sink = Pick<NodeJS.WritableStream, 'write'>;

/** Whole frames, one below the other. */
export class PlainDisplay implements MonitorDisplay {
  readonly #stdout: Sink;
  readonly #sort: MonitorSort;
  readonly #processes: number;
  #isFirst = true;

  constructor(stdout: Sink, { sort, processes }: { sort: MonitorSort; processes: number }) {
    this.#stdout = stdout;
    this.#sort = sort;
    this.#processes = processes;
  }

  show(shown: Shown): void {
    const text = renderMonitor({ ...shown, sort: this.#sort, processes: this.#processes });
    this.#stdout.write(`${this.#isFirst ? '' : '\n\n'}${text}\n`);
    this.#isFirst = false;
  }

  close(): void {}
}

/** One object a line: the sample as it is. */
export class JsonDisplay implements MonitorDisplay {
  readonly #stdout: Sink;

  constructor(stdout: Sink) {
    this.#stdout = stdout;
  }

  show({ sample }: Shown): void {
    this.#stdout.write(`${JSON.stringify(sample)}\n`);
  }

  close(): void {}
}
