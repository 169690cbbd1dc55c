/** The shape of profile files. Loaded only when there is a file to read. */
import * as z from 'zod';
import { UnknownNameError, UsageError } from '../errors/index.js';
import { QuantityError } from '../quantity/index.js';
import { refusalOf } from './allowlist.js';
import { JOB_READERS, parseOnStall, type RawBody } from './body.js';
import { isProfileName, NAME_RULE } from './name.js';
import { checkWish } from './wish.js';

/** Longest text of a value: nobody means more, and messages quote it. */
const MOST_TEXT = 8192;

const text = z
  .string({ error: 'should be text' })
  .max(MOST_TEXT, { error: 'is too long' })
  // An escaped one gets past the look at the file's text: it could recolour a terminal.
  .refine((value) => !/[^\P{Cc}\t\n]/u.test(value), 'should not have control characters');
const line = text.refine((value) => !value.trim().includes('\n'), 'should be one line');
const profileName = text.refine(isProfileName, NAME_RULE);

const limits = mapping(
  z.record(z.string(), text, { error: 'should be a mapping of properties' }),
).superRefine((values, context) => {
  for (const [name, value] of Object.entries(values)) {
    const message = troubleOf(() => value.trim() === '' || checkWish(name, value.trim()));
    if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
  }
});

const jobs = mapping(
  z.strictObject(
    {
      memory: readable(JOB_READERS.memory).optional(),
      cores: readable(JOB_READERS.cores).optional(),
      pick: readable(JOB_READERS.pick).optional(),
      range: readable(JOB_READERS.range).optional(),
      command: line.optional(),
      'on-danger': readable(JOB_READERS['on-danger']).optional(),
      processes: z
        .array(processName(), { error: 'should be a list of process names, such as [cc1, ld]' })
        .optional(),
    },
    { error: shapeError('should be a mapping') },
  ),
);

const environment = mapping(
  z.record(z.string(), text, { error: 'should be a mapping of variables' }),
).superRefine((values, context) => {
  for (const [name, value] of Object.entries(values)) {
    const message = variableTrouble(name, value);
    if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
  }
});

const body = {
  summary: line.optional(),
  why: text.optional(),
  extends: profileName.optional(),
  limits: limits.optional(),
  jobs: jobs.optional(),
  'on-stall': readable(parseOnStall).optional(),
  beside: names('should be a list of profiles, such as [ollama, monitor]').optional(),
  'lint-ignore': names('should be a list of lints, such as [sum-of-caps]').optional(),
  environment: environment.optional(),
};

/** A file of the user's: one profile. */
export const userSchema: z.ZodType<RawBody> = z.strictObject(body, {
  error: shapeError('should be a mapping with keys such as summary and limits'),
}) as unknown as z.ZodType<RawBody>;

const projectBody = z
  .strictObject(body, { error: shapeError('should be a mapping with keys such as limits') })
  .superRefine((profile, context) => {
    const { jobs: { command } = {}, environment: variables = {} } = profile;
    if (command !== undefined) {
      const message = 'a project file may not suggest command lines';
      context.addIssue({ code: 'custom', path: ['jobs', 'command'], message });
    }
    for (const [name, value] of Object.entries(variables)) {
      const message = refusalOf(name, value.trim());
      if (message === undefined) continue;
      context.addIssue({ code: 'custom', path: ['environment', name], message });
    }
  });

/** A project's file: profiles by name. */
export const projectSchema: z.ZodType<{ profiles?: Record<string, RawBody> }> = z.strictObject(
  {
    profiles: mapping(
      z.record(z.string(), projectBody, { error: 'should be a mapping of profiles by name' }),
    )
      .superRefine((profiles, context) => {
        for (const name of Object.keys(profiles).filter((each) => !isProfileName(each))) {
          context.addIssue({ code: 'custom', path: [name], message: NAME_RULE });
        }
      })
      .optional(),
  },
  { error: shapeError('should be a mapping with the key profiles') },
) as unknown as z.ZodType<{ profiles?: Record<string, RawBody> }>;

/** Keys that may stand where, for guesses: the last mapping of a path decides. */
export function knownKeys(path: readonly PropertyKey[], project: boolean): readonly string[] {
  if (project && path.length === 0) return ['profiles'];
  return path.at(-1) === 'jobs' ? Object.keys(jobsShape) : Object.keys(body);
}

const jobsShape = {
  ...{ memory: 0, cores: 0, pick: 0, range: 0, command: 0, processes: 0 },
  'on-danger': 0,
};

/** A key with nothing behind it, all its lines commented out, is the same as no key. */
function mapping<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === '' ? {} : value), schema);
}

/** Leaves unknown keys to the caller, which knows the nearest right ones. */
export function shapeError(message: string): z.core.$ZodErrorMap {
  return ({ code }) => (code === 'invalid_type' ? message : undefined);
}

function readable(read: (value: string) => unknown) {
  return text.superRefine((value, context) => {
    const message = troubleOf(() => read(value.trim()));
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

function names(expected: string) {
  return z.array(z.string().regex(/^[a-z0-9-]{1,63}$/, { error: expected }), { error: expected });
}

function processName() {
  return z
    .string({ error: 'should be the name of a process' })
    .regex(/^[^\s/]{1,255}$/, { error: 'should be the bare name of a process, without a path' });
}

function variableTrouble(name: string, value: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'cannot be the name of a variable';
  const wrong = /\$\{(?!jobs\})[^}]*\}?/.exec(value)?.[0];
  return wrong === undefined ? undefined : `${wrong} is not known here: there is only \${jobs}`;
}

/** What a reader has against a value; a suggestion is part of it. */
function troubleOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof UnknownNameError)
      return [error.message, error.why].filter(Boolean).join('. ');
    if (error instanceof UsageError)
      return [error.message, error.remedy].filter(Boolean).join('; ');
    if (error instanceof QuantityError) return error.message;
    throw error;
  }
}
