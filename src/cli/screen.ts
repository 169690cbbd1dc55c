/** A terminal whose lower end is drawn anew again and again, without taking the screen over. */
import { stripVTControlCharacters } from 'node:util';

/** What of process.stdout is needed; another one in tests. */
export interface Terminal {
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/**
 * Frames over frames in the same place, each in one write so that nothing flickers. The cursor is
 * hidden meanwhile, and stands below the frame.
 */
export class Screen {
  readonly #terminal: Terminal;
  /** Columns that each line of the frame takes. */
  #widths: number[] = [];
  #isHidden = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#terminal.columns || 80, rows: this.#terminal.rows || 24 };
  }

  /** Draws a frame over the last one. Its lines must fit `size`, with one row left for the cursor. */
  draw(lines: readonly string[]): void {
    const up = this.#height();
    const frame = [
      this.#isHidden ? '' : HIDE_CURSOR,
      '\r',
      up > 0 ? `\u001b[${up}A` : '',
      ...lines.map((line) => `${line}${CLEAR_LINE}\n`),
      CLEAR_BELOW,
    ];
    this.#isHidden = true;
    this.#widths = lines.map((line) => stripVTControlCharacters(line).length);
    this.#terminal.write(frame.join(''));
  }

  /** Leaves the frame where it is, and the cursor visible below it. May be called twice. */
  leave(): void {
    this.#widths = [];
    if (!this.#isHidden) return;
    this.#isHidden = false;
    this.#terminal.write(SHOW_CURSOR);
  }

  /** Rows that the last frame takes now: a terminal that became narrower has wrapped its lines. */
  #height(): number {
    const { columns } = this.size;
    const rows = this.#widths.map((width) => Math.max(1, Math.ceil(width / columns)));
    return rows.reduce((sum, each) => sum + each, 0);
  }
}
