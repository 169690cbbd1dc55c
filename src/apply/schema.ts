/** The shape of plan files. Every scalar arrives as text. */
import * as z from 'zod';
import { CONTROLLERS } from '../cgroup/index.js';
import { RlimitError } from '../errors/index.js';
import { isProfileName, NAME_RULE } from '../profiles/name.js';
import { checkWish } from '../profiles/wish.js';
import {
  looksLikeShare,
  parseBytes,
  parsePercent,
  parseShare,
  QuantityError,
} from '../quantity/index.js';
import { TIMER_NAMES } from '../timers/index.js';

/** Nobody means more, and messages quote it. */
const MOST_TEXT = 8192;
const MOST_TARGETS = 200;

const text = z
  .string({ error: 'should be text' })
  .max(MOST_TEXT, { error: 'is too long' })
  .refine((value) => !/[^\P{Cc}\t\n]/u.test(value), 'should not have control characters');
const line = text.refine((value) => !value.trim().includes('\n'), 'should be one line');

/** Characters of systemd.unit(5), and none that opens another directory or is an option. */
const UNIT = /^[A-Za-z0-9_:\\][\w:.\\-]{0,190}(?:@(?:\*|[\w:.\\-]{0,50}))?$/;
const SUFFIX = /\.(?:service|slice|scope)$/;

/** Whether a text names a unit whose files may be written, with one of the suffixes. */
export function isUnitName(name: string, suffixes: readonly string[]): boolean {
  const suffix = suffixes.find((each) => name.endsWith(each));
  return suffix !== undefined && UNIT.test(name.slice(0, -suffix.length));
}

const service = line
  .transform((name) => (SUFFIX.test(name) ? name : `${name}.service`))
  .refine(
    (name) => isUnitName(name, ['.service']),
    'is not the name of a service, such as ollama or t3-serve@*.service',
  );
const slice = line.refine(
  (name) => isUnitName(name, ['.slice']),
  'is not the name of a slice, such as docker.slice',
);
const userUnit = line.refine(
  (name) => isUnitName(name, ['.slice', '.service', '.scope']),
  'is not the name of a unit, such as session.slice or app-codium-.scope',
);

const limits = z
  .record(z.string(), text, { error: 'should be a mapping of properties' })
  .superRefine((values, context) => {
    for (const [name, value] of Object.entries(values)) {
      const message = troubleOf(() => value.trim() === '' || checkWish(name, value.trim()));
      if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const oneOrMore = <T extends z.ZodType<string>>(name: T) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(name, { error: 'should be a name, or a list of names' }).min(1, 'should name a unit'),
  );

const TARGET_KEYS = ['service', 'users', 'slice', 'every-user', 'this-user'] as const;

const target = z
  .strictObject(
    {
      service: oneOrMore(service).optional(),
      users: z.literal('every', { error: 'should be: every' }).optional(),
      slice: slice.optional(),
      'every-user': oneOrMore(userUnit).optional(),
      'this-user': slice.optional(),
      profile: line.refine(isProfileName, NAME_RULE).optional(),
      limits: limits.optional(),
      hardening: z
        .enum(['model-server', 'network-server'], {
          error: 'should be model-server or network-server',
        })
        .optional(),
      'oom-score': count(-1000, 1000).optional(),
    },
    { error: shape('should be a mapping with keys such as service and limits') },
  )
  .superRefine((each, context) => {
    const named = TARGET_KEYS.filter((key) => each[key] !== undefined);
    if (named.length !== 1) {
      context.addIssue({
        code: 'custom',
        message: `should have one of ${TARGET_KEYS.join(', ')}`,
      });
    }
    const only = (['hardening', 'oom-score'] as const).find((key) => each[key] !== undefined);
    if (only !== undefined && each.service === undefined) {
      context.addIssue({ code: 'custom', path: [only], message: 'is for services only' });
    }
  });

const processNames = z.array(
  z.string().regex(/^[\w.+ :-]{1,63}\*?$/, {
    error: 'should be names of processes, such as [sshd, "python3*"]',
  }),
  { error: 'should be a list of names of processes' },
);

const percentage = text.transform((value, context) => {
  const percent = read(() => parsePercent(value) / 100, context);
  if (percent > 0 && percent <= 50) return percent;
  if (!context.issues.length) {
    context.addIssue({ code: 'custom', message: 'should be a percentage from 1% to 50%' });
  }
  return z.NEVER;
});

const size = text.transform((value, context) => {
  const bytes = read(() => parseBytes(value), context);
  if (typeof bytes === 'number' && bytes > 0) return bytes;
  if (!context.issues.length) {
    context.addIssue({ code: 'custom', message: 'should be a size such as 4G' });
  }
  return z.NEVER;
});

/** An absolute path that reads the same everywhere: no `..`, no blanks, nothing to quote. */
const swapPath = text.refine(
  (value) =>
    /^(?:\/[\w-][\w.-]*){1,8}$/.test(value) &&
    !/^\/(?:dev|proc|sys|run|etc|usr|boot|bin|sbin|lib\d*)\//.test(`${value}/`),
  'should be the path of a swap file, such as /swapfile or /var/swap/file',
);

const jobs = text.refine((value) => {
  if (/^[1-9]\d{0,3}$/.test(value)) return true;
  return (
    looksLikeShare(value) &&
    troubleOf(() => parseShare(value)) === undefined &&
    value.endsWith('cores')
  );
}, 'should be a number, or a share such as 50% of cores');

const timerName = z.enum(TIMER_NAMES, { error: `should be among ${TIMER_NAMES.join(', ')}` });

/** A list of names, or a mapping with more to say. */
const timers = z.preprocess(
  (value) => (Array.isArray(value) ? { 'set-up': value } : value),
  z.strictObject({
    'set-up': z
      .array(timerName, { error: `should be a list among ${TIMER_NAMES.join(', ')}` })
      .min(1, { error: 'should name a timer' }),
    'verify-at': line.optional(),
    'metrics-at': line.optional(),
    textfile: text
      .refine(
        (value) => /^(?:\/[\w@+:,-][\w@+:,.-]*){1,12}$/.test(value),
        'should be the absolute path of a directory',
      )
      .optional(),
  }),
);

export const planSchema = z.strictObject(
  {
    summary: line,
    why: text.optional(),
    machine: z
      .strictObject({ memory: size.optional(), cores: count(1, 9999).optional() })
      .optional(),
    'daily-use': size.optional(),
    targets: z
      .array(target, { error: 'should be a list of targets' })
      .max(MOST_TARGETS, { error: 'are too many' })
      .optional(),
    earlyoom: z
      .strictObject({
        term: percentage,
        kill: percentage,
        avoid: processNames.optional(),
        prefer: processNames.optional(),
      })
      .refine(({ term, kill }) => kill <= term, {
        path: ['kill'],
        error: 'should not be above term: SIGTERM comes first',
      })
      .optional(),
    swap: z
      .strictObject({
        file: z
          .strictObject({ path: swapPath.optional(), size, priority: count(0, 32767) })
          .optional(),
        zram: z
          .strictObject({
            size,
            priority: count(0, 32767),
            algorithm: z
              .string()
              .regex(/^[a-z0-9]{1,16}$/, { error: 'should be the name of an algorithm' })
              .optional(),
          })
          .optional(),
        swappiness: count(0, 200).optional(),
      })
      .optional(),
    nix: z
      .strictObject({
        'max-jobs': jobs,
        cores: count(0, 9999),
        timeout: count(1, 10_000_000).optional(),
      })
      .optional(),
    containers: slice.optional(),
    delegate: z
      .array(z.enum(CONTROLLERS, { error: `should be among ${CONTROLLERS.join(', ')}` }))
      .optional(),
    timers: timers.optional(),
    checks: z.array(z.string().regex(/^[a-z0-9-]{1,63}$/)).optional(),
  },
  { error: shape('should be a mapping with keys such as summary and targets') },
);

/** A plan as the schema gives it. */
export type RawPlan = z.output<typeof planSchema>;

/** Keys that may stand at a place, for guesses. */
export function planKeys(path: readonly PropertyKey[]): readonly string[] {
  const [first, second] = path;
  if (first === undefined) return Object.keys(planSchema.shape);
  if (first === 'targets') {
    return [...TARGET_KEYS, 'profile', 'limits', 'hardening', 'oom-score'];
  }
  if (first === 'swap' && second === undefined) return ['file', 'zram', 'swappiness'];
  if (first === 'swap') return ['path', 'size', 'priority', 'algorithm'];
  const keys: Record<string, string[]> = {
    machine: ['memory', 'cores'],
    earlyoom: ['term', 'kill', 'avoid', 'prefer'],
    nix: ['max-jobs', 'cores', 'timeout'],
    timers: ['set-up', 'verify-at', 'metrics-at', 'textfile'],
  };
  return keys[String(first)] ?? [];
}

function count(least: number, most: number) {
  const message = `should be a whole number from ${least} to ${most}`;
  return text.transform((value, context) => {
    const number = /^-?\d{1,8}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** Leaves unknown keys to the caller, which knows the nearest right ones. */
function shape(message: string): z.core.$ZodErrorMap {
  return ({ code }) => (code === 'invalid_type' ? message : undefined);
}

function read<T>(work: () => T, context: z.core.$RefinementCtx): T {
  const message = troubleOf(work);
  if (message === undefined) return work();
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

function troubleOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof QuantityError) return error.message;
    if (error instanceof RlimitError) {
      return [error.message, error.why ?? error.remedy].filter(Boolean).join('; ');
    }
    throw error;
  }
}
