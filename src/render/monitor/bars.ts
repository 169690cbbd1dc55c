/** Bars and curves of one line. */
import { style } from '../style.js';

/** From which part of a whole on it is a warning, and a problem. */
const WARNING = 0.85;
const PROBLEM = 0.95;

interface BarOptions {
  /** Columns. */
  width: number;
  /** Whether the terminal shows more than ASCII. */
  isUtf8: boolean;
}

/** `██████░░░░`, in the colour of what it says. */
export function bar(part: number, { width, isUtf8 }: BarOptions): string {
  const full = Math.min(width, Math.max(0, Math.round(part * width)));
  const [on, off] = isUtf8 ? ['█', '░'] : ['#', '.'];
  return alarming(part, on.repeat(full)) + style.faint(off.repeat(width - full));
}

/** The last values, the newest at the right, each a height from nothing to 1. */
export function sparkline(values: readonly number[], { width, isUtf8 }: BarOptions): string {
  const levels = isUtf8 ? ' ▁▂▃▄▅▆▇█' : ' .:|#';
  const shown = width <= 0 ? [] : values.slice(-width);
  return shown
    .map((value) => {
      const height = Math.min(1, Math.max(0, value)) * (levels.length - 1);
      return levels[value > 0 ? Math.max(1, Math.round(height)) : 0];
    })
    .join('');
}

/** In the colour that a part of a whole calls for. */
export function alarming(part: number, text: string): string {
  if (text === '') return text;
  if (part >= PROBLEM) return style.problem(text);
  return part >= WARNING ? style.warning(text) : style.good(text);
}

/** `15%`; something that is not nothing is never 0 %. */
export function percentOf(part: number): string {
  const percent = part * 100;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
}
