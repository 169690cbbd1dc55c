import { rmSync } from 'node:fs';
import { UnavailableError } from '../errors/index.js';
import { olderFile } from './append.js';
import { isMoment, isNumber, isNumbers, isObject, isText, isTexts, optional } from './check.js';
import { readGenerations } from './generations.js';
import { historyFile, type StoredOutcome } from './history.js';

/** A line of the history that is no outcome, and why. */
export interface SkippedLine {
  file: string;
  /** 1-based. */
  line: number;
  why: string;
}

/** All outcomes there are, in the order in which the runs ended, and what could not be read. */
export interface History {
  outcomes: StoredOutcome[];
  skipped: SkippedLine[];
}

/**
 * Reads the history, the old generation first. Lines that are torn or not ours are passed over.
 * @throws {UnavailableError} when a file is there and cannot be read
 */
export function readHistory(env: NodeJS.ProcessEnv = process.env): History {
  const file = historyFile(env);
  const history: History = { outcomes: [], skipped: [] };
  for (const { path, text } of readGenerations(file, 'the history')) {
    readLines(path, text, history);
  }
  return history;
}

function readLines(file: string, text: string, { outcomes, skipped }: History): void {
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    try {
      outcomes.push(parseOutcome(line));
    } catch (error) {
      skipped.push({ file, line: index + 1, why: (error as Error).message });
      const rest = wholeRest(line);
      if (rest !== undefined) outcomes.push(rest);
    }
  }
}

/**
 * The outcome behind a torn one. After a crash a line can begin in the middle of another, or behind
 * NUL bytes that a file system left. Inside JSON text these quotes would have backslashes.
 */
function wholeRest(line: string): StoredOutcome | undefined {
  const start = line.lastIndexOf('{"version":');
  if (start <= 0) return undefined;
  try {
    return parseOutcome(line.slice(start));
  } catch {
    return undefined;
  }
}

/**
 * Reads one line of the history.
 * @throws {Error} saying what is wrong with it
 */
export function parseOutcome(line: string): StoredOutcome {
  const data = parseJson(line);
  if (!isObject(data)) throw new Error('it is not an outcome');
  if (data.version !== 1) throw new Error(`its version is ${JSON.stringify(data.version)}, not 1`);
  for (const [field, check] of Object.entries(FIELDS)) {
    if (!check(data[field])) throw new Error(`its field ${field} is missing or of a wrong type`);
  }
  return data as unknown as StoredOutcome;
}

/** What the JSON parser says is as long as the line it quotes. */
export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error('it is not whole JSON');
  }
}

/** Words that a later rlimit may add (launchers, verdicts, figures) are let pass. */
const FIELDS: Record<Exclude<keyof StoredOutcome, 'version'>, (value: unknown) => boolean> = {
  unit: isText,
  profile: isText,
  command: isTexts,
  commandBytes: optional(isNumber),
  cwd: isText,
  launcher: isText,
  started: isMoment,
  elapsedMs: isNumber,
  status: optional(isNumber),
  signal: optional(isText),
  limits: (value) => isObject(value) && Object.values(value).every(isText),
  jobs: optional(isNumber),
  figures: (value) => isObject(value) && Object.values(value).every(isNumber),
  jobFigures: optional(isJobFigures),
  series: optional(isSeries),
  jobserver: optional((value) => isObject(value) && isText(value.style)),
  slurm: optional((value) => isObject(value) && isText(value.step)),
  guard: optional(isObject),
  verdict: (value) =>
    isObject(value) &&
    isText(value.id) &&
    isText(value.says) &&
    isTexts(value.evidence) &&
    (value.advice === undefined || isText(value.advice)),
};

function isJobFigures(value: unknown): boolean {
  return (
    isObject(value) &&
    isNumber(value.seen) &&
    areNumbers(value.memory, 'median', 'p90', 'max') &&
    areNumbers(value.concurrency, 'most', 'mean') &&
    Array.isArray(value.histogram) &&
    value.histogram.every((pair) => isNumbers(pair) && pair.length === 2) &&
    isObject(value.names) &&
    Object.values(value.names).every(isNumber)
  );
}

function isSeries(value: unknown): boolean {
  return (
    isObject(value) &&
    isNumber(value.stepMs) &&
    isNumbers(value.memory) &&
    isNumbers(value.jobs) &&
    (value.tokens === undefined || isNumbers(value.tokens))
  );
}

function areNumbers(value: unknown, ...fields: string[]): boolean {
  return isObject(value) && fields.every((field) => isNumber(value[field]));
}

/**
 * Removes the history for good. The newer file first: it could become the old one meanwhile.
 * @throws {UnavailableError} when it cannot be removed
 */
export function removeHistory(env: NodeJS.ProcessEnv = process.env): void {
  const file = historyFile(env);
  try {
    for (const path of [file, olderFile(file)]) rmSync(path, { force: true });
  } catch (error) {
    throw new UnavailableError(`the history ${file} cannot be removed`, {
      why: (error as Error).message,
    });
  }
}
