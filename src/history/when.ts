import { UsageError } from '../errors/index.js';
import { parseSpan, QuantityError } from '../quantity/index.js';

/**
 * Reads a moment as people write it, in local time: `2h` (ago), `2026-11-20`,
 * `2026-11-20 14:30`, `14:30` (today), `today`, `yesterday`.
 * @param option its name, for the message
 * @param now milliseconds since the epoch
 * @param end whether the end of the named day, minute or second is meant: `--until 2026-11-20`
 *   still has that day in it
 * @returns milliseconds since the epoch
 * @throws {UsageError}
 */
export function parseMoment(
  option: string,
  text: string,
  { now, end = false }: { now: number; end?: boolean },
): number {
  const moment = named(text, now, end) ?? dated(text, now, end) ?? ago(text, now);
  if (moment !== undefined) return moment;
  throw new UsageError(`${option} ${JSON.stringify(text)} is no time`, {
    why: 'Times are 30min, 2h or 3d (ago), today, yesterday, 14:30, 2026-11-20 or 2026-11-20 14:30.',
  });
}

function named(text: string, now: number, end: boolean): number | undefined {
  const offset = ['today', 'yesterday'].indexOf(text);
  if (offset < 0) return undefined;
  const today = new Date(now);
  const day = today.getDate() - offset + (end ? 1 : 0);
  return new Date(today.getFullYear(), today.getMonth(), day).getTime();
}

const DATE = /^(?:(\d{4})-(\d{2})-(\d{2}))?(?:(?:^|[ T])(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;

function dated(text: string, now: number, end: boolean): number | undefined {
  const match = DATE.exec(text);
  if (match === null || text === '') return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  const today = new Date(now);
  const date = [
    year ?? today.getFullYear(),
    month === undefined ? today.getMonth() : month - 1,
    day ?? today.getDate(),
  ] as const;
  const time = [hour ?? 0, minute ?? 0, second ?? 0] as const;
  if (!isReal(new Date(...date, ...time), [...date, ...time])) return undefined;
  if (!end) return new Date(...date, ...time).getTime();
  // The field behind the last one that was said, one further.
  if (hour === undefined) return new Date(date[0], date[1], date[2] + 1).getTime();
  const step = second === undefined ? 60_000 : 1000;
  return new Date(...date, ...time).getTime() + step;
}

/** Whether a Date took the figures as they are: it makes 1 March of 29 February 2026. */
function isReal(date: Date, [year, month, day, hour, minute, second]: number[]): boolean {
  const isDay = date.getFullYear() === year && date.getMonth() === month && date.getDate() === day;
  // An hour that daylight saving leaves out is moved by a Date, and may be asked for all the same.
  return isDay && (hour ?? 0) < 24 && (minute ?? 0) < 60 && (second ?? 0) < 60;
}

/** A bare number is no time span here: 2026 would be 2026 seconds. */
function ago(text: string, now: number): number | undefined {
  if (/^\d*$/.test(text.trim())) return undefined;
  try {
    const span = parseSpan(text.replace(/ ago$/, ''));
    return span === 'infinity' ? undefined : now - span / 1000;
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}
