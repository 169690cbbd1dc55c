/** The shape of the settings file. Loaded only where there is a file to read. */
import * as z from 'zod';
import { shapeError } from '../../profiles/schema.js';
import { DEFAULT_SETTINGS, type GuardSettings } from './settings.js';

/** Every scalar of the file is text (see `readDocument`); a key without a value counts as absent. */
const text = z.string({ error: 'should be text' });

const flag = text.transform((value, context) => {
  const lower = value.trim().toLowerCase();
  if (['true', 'yes', 'on'].includes(lower)) return true;
  if (['false', 'no', 'off'].includes(lower)) return false;
  return refuse(context, 'should be true or false');
});

function number(from: number, to: number, { whole = false, unit = '' } = {}) {
  const kind = whole ? 'a whole number' : 'a number';
  const expected = `should be ${kind} from ${from} to ${to}${unit}`;
  return z.string({ error: expected }).transform((value, context) => {
    const digits = value.trim().replace(/(?<=\d)_(?=\d)/g, '');
    const figure = /^\d{1,15}(\.\d{1,6})?$/.test(digits) ? Number(digits) : Number.NaN;
    const isIn = figure >= from && figure <= to && (!whole || Number.isSafeInteger(figure));
    return isIn ? figure : refuse(context, expected);
  });
}

const percent = number(0, 100, { unit: ' (percent)' });
const weight = number(1, 10_000, { whole: true });
const seconds = number(0.1, 86_400, { unit: ' seconds' });

const processName = z
  .string({ error: 'should be the name of a process' })
  .regex(/^[^/\p{Cc}]{1,255}$/u, { error: 'should be the bare name of a process, without a path' });
const processNames = z.preprocess(
  (value) => (value === '' ? [] : value),
  z.array(processName, { error: 'should be a list of process names, such as [vim, code]' }),
);

const sliceName = text.refine(
  // Below -.slice, since a dash is a step down (systemd.slice(5)), and never a slice of the system.
  (value) => /^[\w:.-]{1,200}\.slice$/.test(value) && !RESERVED.test(value),
  'should be the name of a slice of its own, such as oom_protector.slice',
);
const RESERVED = /^(-|\.|(system|user|user-.*|machine|session|app|background|init)\.slice$)/;

const path = text.refine((value) => value.startsWith('/'), 'should be an absolute path');

const sections = {
  cgroup_settings: {
    name: sliceName,
    memory_low: number(0, 2 ** 49, { whole: true, unit: ' (bytes)' }),
    cpu_weight: weight,
    io_weight: weight,
  },
  gpu_protection: { enabled: flag, memory_threshold_percent: percent },
  nvidia_monitor: { enabled: flag, set_performance_mode: flag, check_driver_updates: flag },
  ebpf_monitor: { enabled: flag, allocation_threshold_mb_per_sec: number(1, 1_000_000) },
  dynamic_adjustment: {
    enabled: flag,
    count: number(0, 100, { whole: true }),
    score: number(0, 1000, { whole: true }),
  },
  machine_learning: { data_collection: flag, log_path: path },
  logging: { json_logs: flag },
  backstop: {
    enabled: flag,
    term_percent: percent,
    kill_percent: percent,
    swap_percent: percent,
    least_percent: percent,
    avoid: processNames,
    prefer: processNames,
    yield_to_earlyoom: flag,
  },
  graduated: {
    enabled: flag,
    warn_percent: percent,
    tokens_percent: percent,
    freeze_percent: percent,
    hysteresis_percent: percent,
    calm_seconds: seconds,
    freeze_seconds: seconds,
    freeze_pause_seconds: seconds,
  },
  livelock: {
    enabled: flag,
    after_seconds: seconds,
    action: z.enum(['warn', 'raise', 'kill'], { error: 'should be warn, raise or kill' }),
  },
} as const;

const raw = z
  .strictObject(
    {
      ...sectionsOf(sections),
      managed_processes: processNames.optional(),
      interval: number(0.1, 60, { unit: ' seconds' }).optional(),
    },
    { error: shapeError('should be a mapping with keys such as managed_processes') },
  )
  .superRefine((file, context) => {
    for (const { path: at, message } of disagreements(settingsOf(file as RawSettings))) {
      context.addIssue({ code: 'custom', path: at, message });
    }
  });

type RawSettings = {
  [Key in keyof GuardSettings]?: GuardSettings[Key] extends readonly string[] | number
    ? GuardSettings[Key]
    : Partial<GuardSettings[Key]>;
};

/** Reads the data of a file; what it does not have is as the defaults are. */
export const settingsSchema = raw.transform((file) => settingsOf(file as RawSettings));

/** Keys that may stand at a place, for guesses. */
export function knownKeys(at: readonly PropertyKey[]): readonly string[] {
  const section = at[0] === undefined ? undefined : sections[at[0] as keyof typeof sections];
  return Object.keys(section ?? DEFAULT_SETTINGS);
}

function settingsOf(file: RawSettings): GuardSettings {
  const merged = Object.entries(DEFAULT_SETTINGS).map(([key, value]) => {
    const given = file[key as keyof RawSettings];
    if (given === undefined) return [key, value];
    const isSection = typeof value === 'object' && !Array.isArray(value);
    return [key, isSection ? { ...value, ...(given as object) } : given];
  });
  return Object.fromEntries(merged) as GuardSettings;
}

/** Thresholds that would turn the order of the steps round. */
function disagreements({ backstop, graduated }: GuardSettings) {
  const found: { path: string[]; message: string }[] = [];
  const atMost = (path_: string[], lower: number, upper: number, name: string) => {
    if (lower <= upper) return;
    found.push({ path: path_, message: `should be at most ${name}, which is ${upper}` });
  };
  const { term_percent: term, kill_percent: kill } = backstop;
  const { warn_percent: warn, tokens_percent: tokens, freeze_percent: freeze } = graduated;
  atMost(['backstop', 'kill_percent'], kill, term, 'backstop.term_percent');
  if (!graduated.enabled) return found;
  atMost(['graduated', 'tokens_percent'], tokens, warn, 'graduated.warn_percent');
  atMost(['graduated', 'freeze_percent'], freeze, tokens, 'graduated.tokens_percent');
  if (backstop.enabled) {
    atMost(['backstop', 'term_percent'], term, freeze, 'graduated.freeze_percent');
  }
  return found;
}

function sectionsOf<T extends Record<string, Record<string, z.ZodType>>>(all: T) {
  const entries = Object.entries(all).map(([name, keys]) => {
    const optional = Object.entries(keys).map(([key, schema]) => [key, schema.optional()]);
    const object = z.strictObject(Object.fromEntries(optional), {
      error: shapeError(`should be a mapping with keys such as ${Object.keys(keys)[0]}`),
    });
    // A section with all its lines commented out is the same as no section.
    return [name, z.preprocess((value) => (value === '' ? {} : value), object).optional()];
  });
  return Object.fromEntries(entries) as Record<keyof T & string, z.ZodType>;
}

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.issues.push({ code: 'custom', message, input: context.value });
  return z.NEVER;
}
