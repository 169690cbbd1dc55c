import chalk from 'chalk';
import wrapAnsi from 'wrap-ansi';

/**
 * The few ways text is marked, by meaning. Chalk leaves colour out where it does not belong:
 * NO_COLOR, a pipe, a dumb terminal.
 */
export const style = {
  heading: chalk.bold,
  name: chalk.cyan,
  faint: chalk.dim,
  good: chalk.green,
  warning: chalk.yellow,
  problem: chalk.red,
};

/** Output is laid out for this width where the terminal does not say another. */
const DEFAULT_WIDTH = 80;

/** Columns to lay text out for: the terminal's, but never wider than is pleasant to read. */
export function textWidth(stream: { columns?: number } = process.stdout): number {
  return Math.min(stream.columns ?? DEFAULT_WIDTH, 100);
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
