import type { JobModel, JobPick, OnDanger, OnStall } from '../model/index.js';
import { parseBytes, parsePercent, QuantityError } from '../quantity/index.js';

/** Stands for the recommended number of jobs in variables and example command lines. */
export const JOBS = '${jobs}';

/**
 * A profile as it stands in a YAML file. In files every scalar is read as text; the catalog is
 * bundled as data, where whole numbers are numbers.
 */
export interface RawBody {
  summary?: string;
  why?: string;
  extends?: string;
  limits?: Record<string, string | number>;
  jobs?: RawJobs;
  'on-stall'?: string;
  beside?: string[];
  'lint-ignore'?: string[];
  environment?: Record<string, string | number>;
}

export interface RawJobs {
  memory?: string;
  cores?: string | number;
  pick?: string | number;
  range?: string;
  command?: string;
  processes?: string[];
  'on-danger'?: string;
}

/** What one layer says of a profile; everything may be missing, since layers are laid over others. */
export interface ProfileBody {
  summary?: string;
  why?: string;
  extends?: string;
  limits: Record<string, string>;
  jobs: Partial<JobModel>;
  onStall?: OnStall;
  beside?: string[];
  lintIgnore?: string[];
  environment: Record<string, string>;
}

/**
 * Turns a profile's text values into typed ones.
 * @throws {QuantityError} for a value that cannot be read (files are checked by the schema first)
 */
export function toBody(raw: RawBody): ProfileBody {
  const { summary, why, limits = {}, jobs = {}, environment = {} } = raw;
  return {
    ...(summary === undefined ? {} : { summary: summary.trim() }),
    ...(why === undefined ? {} : { why: unfold(why) }),
    ...(raw.extends === undefined ? {} : { extends: raw.extends }),
    limits: texts(limits),
    jobs: toJobs(jobs),
    ...(raw['on-stall'] === undefined ? {} : { onStall: parseOnStall(raw['on-stall'].trim()) }),
    ...(raw.beside === undefined ? {} : { beside: raw.beside }),
    ...(raw['lint-ignore'] === undefined ? {} : { lintIgnore: raw['lint-ignore'] }),
    environment: texts(environment),
  };
}

/** Each key of `jobs` with the function that reads its text. */
export const JOB_READERS = {
  memory: parseJobMemory,
  cores: parseJobCores,
  pick: parseJobPick,
  range: parseJobRange,
  'on-danger': parseOnDanger,
} as const;

/**
 * Reads `on-stall`.
 * @throws {QuantityError}
 */
export function parseOnStall(text: string): OnStall {
  if (text === 'raise' || text === 'kill') return text;
  throw new QuantityError(text, 'raise or kill');
}

/** Paragraphs apart, lines of one joined: the file's line breaks are not the reader's. */
export function unfold(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' '))
    .join('\n\n');
}

function texts(values: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, String(value).trim()]),
  );
}

function toJobs(raw: RawJobs): Partial<JobModel> {
  return {
    ...(raw.memory === undefined ? {} : { memory: parseJobMemory(raw.memory) }),
    ...(raw.cores === undefined ? {} : { cores: parseJobCores(String(raw.cores)) }),
    ...(raw.pick === undefined ? {} : { pick: parseJobPick(String(raw.pick)) }),
    ...(raw.range === undefined ? {} : { range: parseJobRange(raw.range) }),
    ...(raw.command === undefined ? {} : { command: raw.command.trim() }),
    ...(raw.processes === undefined ? {} : { processes: raw.processes }),
    ...(raw['on-danger'] === undefined ? {} : { onDanger: parseOnDanger(raw['on-danger'].trim()) }),
  };
}

/** `10G-20G`, or one size for both ends. */
function parseJobMemory(text: string): JobModel['memory'] {
  const expected = 'the memory of one job: a size, or two such as 10G-20G';
  const [first = '', second = first, ...more] = text.split('-');
  const low = parseBytes(first);
  const high = parseBytes(second);
  if (more.length > 0 || low === 'infinity' || high === 'infinity' || low < 1 || high < low) {
    throw new QuantityError(text, expected);
  }
  return { low, high };
}

function parseJobCores(text: string): number {
  const cores = /^\d{1,4}(?:\.\d{1,2})?$/.test(text) ? Number(text) : 0;
  if (cores <= 0) throw new QuantityError(text, 'the number of cores that one job keeps busy');
  return cores;
}

function parseJobPick(text: string): JobPick {
  if (text === 'low' || text === 'half of low' || text === 'high') return text;
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new QuantityError(text, 'low, half of low, high, or a number of jobs');
  return count;
}

/** `25%-50% of cores`, or one share for both ends; hundredths of a percent. */
function parseJobRange(text: string): { low: number; high: number } {
  const expected = 'a range such as 25%-50% of cores';
  const [, first = '', second = first] =
    /^([\d.]+%)(?:\s*-\s*([\d.]+%))?\s+of\s+cores$/.exec(text.trim()) ?? [];
  if (first === '') throw new QuantityError(text, expected);
  const low = parsePercent(first);
  const high = parsePercent(second);
  if (low < 1 || high < low || high > 100_00 * 4) throw new QuantityError(text, expected);
  return { low, high };
}

function parseOnDanger(text: string): OnDanger {
  if (text === 'freeze' || text === 'kill') return text;
  throw new QuantityError(text, 'freeze or kill');
}
