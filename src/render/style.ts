import chalk, { Chalk } from 'chalk';
import wrapAnsi from 'wrap-ansi';

/** Chalk leaves colour out in a pipe and on a dumb terminal, but does not know https://no-color.org. */
const paint = new Chalk({ level: process.env.NO_COLOR ? 0 : chalk.level });

/** The few ways text is marked, by meaning. */
export const style = {
  heading: paint.bold,
  name: paint.cyan,
  faint: paint.dim,
  good: paint.green,
  warning: paint.yellow,
  problem: paint.red,
};

/** Output is laid out for this width where the terminal does not say another. */
const DEFAULT_WIDTH = 80;

/** Columns to lay text out for: the terminal's, but never wider than is pleasant to read. */
export function textWidth(stream: { columns?: number } = process.stdout): number {
  // A terminal that does not know its size says 0.
  return Math.min(stream.columns || DEFAULT_WIDTH, 100);
}

/** Wraps a paragraph at word borders, each line behind the same indentation. */
export function paragraph(text: string, { indent = 0, width = textWidth() } = {}): string {
  const margin = ' '.repeat(indent);
  return wrapAnsi(text, Math.max(20, width - indent), { trim: true })
    .split('\n')
    .map((line) => margin + line)
    .join('\n');
}

/** Cuts a text off where it is longer than there is room, in columns; an ellipsis tells so. */
export function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(1, room - 1))}…` : text;
}
