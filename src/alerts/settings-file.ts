/** alerts.yaml: thresholds and sinks, each laid over the defaults. Brings a YAML parser and a schema. */
import * as z from 'zod';
import { tolerant } from '../inspect/meaning.js';
import type { AlertSeverity } from '../model/index.js';
import { readSettingsFile } from '../profiles/settings-file.js';
import { parseBytes, parsePercent, parseSpan } from '../quantity/index.js';
import {
  type AlertSettings,
  COMMAND_TIMEOUT_MS,
  DEFAULT_RULES,
  defaultSinks,
  EVENT_RULES,
  LOG_LIMIT,
  type RuleSettings,
  type SinkSettings,
  THRESHOLD_IDS,
  type ThresholdId,
  type ThresholdSettings,
} from './settings.js';

/**
 * Reads a file of settings.
 * @throws {SettingsFileError} with file, line and column
 */
export function readAlertSettings(path: string): AlertSettings {
  const options = { schema, known: knownKeys, ownOnly: true };
  const { rules = {}, sinks = {}, ...rest } = readSettingsFile<Raw>(path, options);
  return { rules: mergeRules(rules, rest), sinks: mergeSinks(sinks) };
}

/** A value that is off, or what is said of it. */
type OrOff<T> = Partial<T> & { off?: boolean };

interface RawSinks {
  desktop?: OrOff<{ severity: AlertSeverity }>;
  journal?: OrOff<{ severity: AlertSeverity }>;
  log?: OrOff<{ severity: AlertSeverity; file: string; size: number }>;
  command?: OrOff<{ severity: AlertSeverity; argv: string[]; timeout: number }>;
}

interface Raw {
  rules?: Record<string, OrOff<{ warning: number; critical: number; for: number }>>;
  margin?: number;
  end?: number;
  quiet?: number;
  silence?: number;
  sinks?: RawSinks;
}

function mergeRules(
  raw: NonNullable<Raw['rules']>,
  { margin, end, quiet, silence }: Omit<Raw, 'rules' | 'sinks'>,
): RuleSettings {
  const thresholds: Partial<Record<ThresholdId, ThresholdSettings>> = {
    ...DEFAULT_RULES.thresholds,
  };
  for (const id of THRESHOLD_IDS) {
    const said = raw[id];
    if (said === undefined) continue;
    const merged = merge(thresholds[id], said);
    if (merged === undefined) delete thresholds[id];
    else thresholds[id] = merged;
  }
  return {
    ...DEFAULT_RULES,
    thresholds,
    events: new Set(EVENT_RULES.filter((id) => !raw[id]?.off)),
    ...(margin === undefined ? {} : { margin }),
    ...(end === undefined ? {} : { endMs: end }),
    ...(quiet === undefined ? {} : { quietMs: quiet }),
    ...(silence === undefined ? {} : { silenceMs: silence }),
  };
}

/** Where one of the two thresholds is given, the other is that of the defaults only if it still fits. */
function merge(
  base: ThresholdSettings | undefined,
  said: OrOff<{ warning: number; critical: number; for: number }>,
): ThresholdSettings | undefined {
  if (said.off) return undefined;
  const warning = said.warning ?? base?.warning;
  const critical = said.critical ?? base?.critical;
  const fits = warning === undefined || critical === undefined || warning < critical;
  return {
    ...(warning === undefined || (!fits && said.warning === undefined) ? {} : { warning }),
    ...(critical === undefined || (!fits && said.warning !== undefined) ? {} : { critical }),
    forMs: said.for ?? base?.forMs ?? 0,
  };
}

function mergeSinks(raw: RawSinks): SinkSettings {
  const base = defaultSinks();
  const { desktop, journal, log, command } = raw;
  const from = (severity: AlertSeverity = 'WARNING') => ({ from: severity });
  return {
    ...(desktop === undefined
      ? { ...(base.desktop && { desktop: base.desktop }) }
      : desktop.off
        ? {}
        : { desktop: from(desktop.severity) }),
    ...(journal?.off ? {} : { journal: from(journal?.severity) }),
    ...(log?.off
      ? {}
      : {
          log: {
            ...from(log?.severity),
            limitBytes: log?.size ?? LOG_LIMIT,
            ...(log?.file === undefined ? {} : { file: log.file }),
          },
        }),
    ...(command === undefined || command.off || command.argv === undefined
      ? {}
      : {
          command: {
            ...from(command.severity),
            argv: command.argv,
            timeoutMs: command.timeout ?? COMMAND_TIMEOUT_MS,
          },
        }),
  };
}

const text = z.string({ error: 'should be text' });

/** Text that a reader understands. */
function readable<T>(expected: string, read: (value: string) => T | undefined) {
  return z.string({ error: `should be ${expected}` }).transform((value, context) => {
    const result = tolerant(() => read(value.trim()));
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: `should be ${expected}` });
    return z.NEVER;
  });
}

const part = readable('a percentage above 0 and up to 100, such as 85%', (value) => {
  const permyriad = parsePercent(value.endsWith('%') ? value : `${value}%`);
  return permyriad > 0 && permyriad <= 10_000 ? permyriad / 10_000 : undefined;
});
const span = readable('a time span such as 30s or 5min', (value) => {
  const usec = parseSpan(value);
  return usec === 'infinity' ? undefined : usec / 1000;
});
const size = readable('a size of at least 4K, such as 4M', (value) => {
  const bytes = parseBytes(value);
  return typeof bytes === 'number' && bytes >= 4096 ? bytes : undefined;
});
const severity = readable('WARNING or CRITICAL', (value) =>
  value === 'WARNING' || value === 'CRITICAL' ? (value as AlertSeverity) : undefined,
);
const yes = readable('yes or no', (value) => {
  if (['yes', 'true', 'on'].includes(value)) return true;
  return ['no', 'false', 'off'].includes(value) ? false : undefined;
});
const file = readable('an absolute path', (value) => (value.startsWith('/') ? value : undefined));

/** `off` and `on` stand for a mapping; so does nothing, with all its lines commented out. */
function switched<T extends z.ZodRawShape>(shape: T, expected: string) {
  return z.preprocess(
    (value) => {
      if (value === 'on' || value === '') return {};
      if (value === 'off') return { off: 'yes' };
      return Array.isArray(value) && 'argv' in shape ? { argv: value } : value;
    },
    z.strictObject(
      { ...shape, off: yes.optional() },
      { error: ({ code }) => (code === 'invalid_type' ? `should be ${expected}` : undefined) },
    ),
  );
}

const threshold = switched(
  { warning: part.optional(), critical: part.optional(), for: span.optional() },
  'off, or a mapping such as {warning: 85, critical: 90}',
).superRefine(({ warning, critical }, context) => {
  if (warning === undefined || critical === undefined || warning < critical) return;
  const message = 'should be above warning';
  context.addIssue({ code: 'custom', path: ['critical'], message });
});

const event = switched({}, 'on or off');

const RULE_SHAPE = Object.fromEntries([
  ...THRESHOLD_IDS.map((id) => [id, threshold.optional()]),
  ...EVENT_RULES.map((id) => [id, event.optional()]),
]);

const withSeverity = { severity: severity.optional() };
const SINK_SHAPE = {
  desktop: switched(withSeverity, 'on, off or a mapping with severity').optional(),
  journal: switched(withSeverity, 'on, off or a mapping with severity').optional(),
  log: switched(
    { ...withSeverity, file: file.optional(), size: size.optional() },
    'on, off or a mapping with file and size',
  ).optional(),
  command: switched(
    {
      ...withSeverity,
      argv: z
        .array(text, { error: 'should be a list: a program and its arguments' })
        .min(1, { error: 'should name a program' })
        .optional(),
      timeout: span.optional(),
    },
    'off, a list such as [/usr/local/bin/page, now], or a mapping with argv',
  ).optional(),
};

const TOP_SHAPE = {
  rules: z.preprocess(nothing, z.strictObject(RULE_SHAPE)).optional(),
  margin: part.optional(),
  end: span.optional(),
  quiet: span.optional(),
  silence: span.optional(),
  sinks: z.preprocess(nothing, z.strictObject(SINK_SHAPE)).optional(),
};

const schema = z.strictObject(TOP_SHAPE, {
  error: ({ code }) =>
    code === 'invalid_type' ? 'should be a mapping with keys such as rules and sinks' : undefined,
}) as unknown as z.ZodType<Raw>;

function nothing(value: unknown): unknown {
  return value === '' ? {} : value;
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const [section, name] = path;
  if (section === undefined) return Object.keys(TOP_SHAPE);
  if (section === 'rules') {
    if (name === undefined) return Object.keys(RULE_SHAPE);
    return (EVENT_RULES as readonly PropertyKey[]).includes(name)
      ? ['off']
      : ['warning', 'critical', 'for', 'off'];
  }
  if (name === undefined) return Object.keys(SINK_SHAPE);
  const more: Record<string, string[]> = { log: ['file', 'size'], command: ['argv', 'timeout'] };
  return ['severity', 'off', ...(more[String(name)] ?? [])];
}
