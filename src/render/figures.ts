import type { Amount } from '../model/index.js';

/** Bytes with one decimal below ten: 1288490188 is `1.2G`, 734003200 is `700M`. Base 1024. */
export function humanBytes(bytes: Amount): string {
  if (bytes === 'infinity') return bytes;
  let value = bytes;
  let rank = 0;
  // 1023.6K would be shown as 1024K.
  while (value >= 1023.5 && rank < UNITS.length - 1) {
    value /= 1024;
    rank += 1;
  }
  const digits = rank === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)}${UNITS[rank]}`;
}

const UNITS = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];

/** A time in its two largest units: 5400000000 µs is `1h 30min`, 1234000 is `1.2s`, 500 is `1ms`. */
export function humanTime(usec: number): string {
  const seconds = usec / 1_000_000;
  if (seconds < 1) return `${Math.round(usec / 1000)}ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  if (days > 0) return join(`${days}d`, hours, 'h');
  if (hours > 0) return join(`${hours}h`, minutes, 'min');
  return join(`${minutes}min`, rest, 's');
}

/** A time in at most seven columns, for tables: 5400000000 µs is `1h30m`, 754000000 is `12m34s`. */
export function shortTime(usec: number): string {
  return humanTime(usec)
    .replace(/(\d+)min/, '$1m')
    .replace(/^(\d+\w) (\d+)(\w)/, (_, large, count, unit) => {
      return `${large}${String(count).padStart(2, '0')}${unit}`;
    });
}

/** A moment in local time: `2026-11-20 14:03:22`. */
export function localTime(moment: number): string {
  const date = new Date(moment);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return `${day} ${time}`;
}

/** A moment as short as it can be told apart now: `14:03` today, `11-20 14:03`, `2025-11-20`. */
export function shortMoment(moment: number, now: number): string {
  const [text, today] = [localTime(moment), localTime(now)];
  if (text.slice(0, 10) === today.slice(0, 10)) return text.slice(11, 16);
  return text.slice(0, 4) === today.slice(0, 4) ? text.slice(5, 16) : text.slice(0, 10);
}

function twoDigits(figure: number): string {
  return String(figure).padStart(2, '0');
}

/** What part of a whole something is: `8%`; something that is not nothing is never 0 %. */
export function humanPart(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
}

function join(large: string, count: number, unit: string): string {
  return count === 0 ? large : `${large} ${count}${unit}`;
}

/** Cores, whole or to hundredths: `2`, `0.25`. */
export function humanCores(cores: number): string {
  return Number.isInteger(cores) ? String(cores) : cores.toFixed(2);
}
