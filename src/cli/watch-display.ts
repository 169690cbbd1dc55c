/** Where the looks of a watch go: a terminal, a pipe, or a program that reads JSON. */
import { NO_UNITS, renderFrame, renderLines, renderNotes } from '../render/watch.js';
import type { Look } from '../watch/index.js';
import { Screen } from './screen.js';

export interface WatchDisplay {
  show(look: Look): void;
  /** Puts the terminal back as it was. */
  close(): void;
  /** Before the process is stopped, and after it was continued. */
  pause?(): void;
  resume?(): void;
}

/** The display for what stdout is. */
export function displayFor(stdout: NodeJS.WriteStream, { json = false } = {}): WatchDisplay {
  if (json) return new JsonDisplay(stdout);
  const isTerminal = stdout.isTTY && process.env.TERM !== 'dumb';
  return isTerminal ? new ScreenDisplay(stdout) : new LineDisplay(stdout);
}

/** Redraws in place. */
class ScreenDisplay implements WatchDisplay {
  readonly #screen: Screen;
  readonly #stdout: NodeJS.WriteStream;
  readonly #notes: string[] = [];
  #last: Look | undefined;
  readonly #redraw = () => this.#draw();

  constructor(stdout: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#screen = new Screen(stdout);
    stdout.on('resize', this.#redraw);
  }

  show(look: Look): void {
    this.#notes.push(...renderNotes(look));
    this.#last = look;
    this.#draw();
  }

  close(): void {
    this.#stdout.off('resize', this.#redraw);
    this.#screen.leave();
  }

  pause(): void {
    this.#screen.leave();
  }

  resume(): void {
    this.#draw();
  }

  #draw(): void {
    if (this.#last === undefined) return;
    this.#screen.draw(renderFrame(this.#last, this.#screen.size, this.#notes));
  }
}

/** A line a unit, aligned with those before it. */
class LineDisplay implements WatchDisplay {
  readonly #stdout: NodeJS.WritableStream;
  #nameWidth = 0;
  #stalled = new Set<string>();
  #wasEmpty = false;

  constructor(stdout: NodeJS.WritableStream) {
    this.#stdout = stdout;
  }

  show(look: Look): void {
    const { units } = look;
    this.#nameWidth = Math.max(this.#nameWidth, ...units.map(({ unit }) => unit.length));
    const lines = renderLines(look, { nameWidth: this.#nameWidth, stalled: this.#stalled });
    const stalled = units.filter(({ findings }) => findings.length > 0);
    this.#stalled = new Set(stalled.map(({ unit }) => unit));
    if (units.length === 0 && !this.#wasEmpty && look.ended.length === 0) lines.push(NO_UNITS);
    this.#wasEmpty = units.length === 0;
    if (lines.length > 0) this.#stdout.write(`${lines.join('\n')}\n`);
  }

  close(): void {}
}

/** One object a line, as they are documented in docs/watch.md. */
class JsonDisplay implements WatchDisplay {
  readonly #stdout: NodeJS.WritableStream;

  constructor(stdout: NodeJS.WritableStream) {
    this.#stdout = stdout;
  }

  show(look: Look): void {
    this.#stdout.write(`${JSON.stringify(look)}\n`);
  }

  close(): void {}
}
