/** Plans by name or by file. */
import { basename } from 'node:path';
import type * as z from 'zod';
import { isRlimitError, SettingsFileError, UnknownNameError } from '../errors/index.js';
import { unfold } from '../profiles/body.js';
import { type Located, readDocument } from '../profiles/document.js';
import { readProfileText, unknownKey } from '../profiles/file.js';
import { isProfileName, NAME_RULE } from '../profiles/name.js';
import { isThere } from '../profiles/places.js';
import { printable } from '../text/index.js';
import { TIMER_NAMES } from '../timers/index.js';
import { READY_PLANS } from './catalog.js';
import type { Plan, Target, TimersPlan } from './plan.js';
import { planKeys, planSchema, type RawPlan } from './schema.js';

/** One line of `rlimit apply --list`. */
export interface PlanEntry {
  name: string;
  summary: string;
}

/** The ready plans, by name. */
export function listPlans(): PlanEntry[] {
  return Object.keys(READY_PLANS).map((name) => ({ name, summary: readyPlan(name).summary }));
}

/**
 * A ready plan by its name, or one from a file (a word with a slash or `.yaml` in it).
 * @throws {UnknownNameError} for a name that no ready plan has
 * @throws {SettingsFileError} for a file that cannot be used: the first thing wrong, with its line
 */
export function findPlan(word: string): Plan {
  if (word.includes('/') || /\.ya?ml$/.test(word)) return planFromFile(word);
  if (Object.hasOwn(READY_PLANS, word)) return readyPlan(word);
  const here = isThere(word)
    ? `./${printable(word)} is a file: rlimit apply ./${printable(word)}`
    : undefined;
  throw new UnknownNameError('plan', word, Object.keys(READY_PLANS), {
    remedy: here ?? 'rlimit apply --list; or the path of a file: ./PLAN.yaml',
  });
}

/**
 * The same for taking it back, which needs only its name: the file may have gone, or be broken.
 * @throws {UsageError} for what cannot be the name of a plan
 */
export function planToRevert(word: string): Plan {
  try {
    return findPlan(word);
  } catch (error) {
    if (!isRlimitError(error)) throw error;
    const name = basename(word).replace(/\.ya?ml$/, '');
    if (!isProfileName(name)) throw error;
    return { name, summary: 'as far as its journal tells', targets: [], checks: [] };
  }
}

/** @throws {SettingsFileError} */
export function planFromFile(path: string, content?: string): Plan {
  const name = basename(path).replace(/\.ya?ml$/, '');
  if (!isProfileName(name)) {
    throw new SettingsFileError(
      printable(path),
      `the file's name is the plan's: ${NAME_RULE.replace('profile', 'plan')}`,
    );
  }
  const source = content ?? readProfileText(path);
  const located = readDocument(source);
  if ('problems' in located) {
    const [first] = located.problems;
    throw new SettingsFileError(path, first?.message ?? 'cannot be read', first?.position);
  }
  const parsed = planSchema.safeParse(located.data);
  if (!parsed.success) throw firstProblem(path, parsed.error, located);
  const lines = (at: number) => located.valueAt(['targets', at])?.line;
  return { ...toPlan(name, parsed.data, lines), file: path };
}

function readyPlan(name: string): Plan {
  return toPlan(name, planSchema.parse(asText(READY_PLANS[name])), () => undefined);
}

/** Bundled plans have numbers where files have text. */
function asText(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(asText);
  if (typeof data !== 'object' || data === null) return String(data);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, asText(value)]));
}

function toPlan(name: string, raw: RawPlan, lineOf: (at: number) => number | undefined): Plan {
  const { targets = [], earlyoom, swap, nix, checks = [] } = raw;
  return {
    name,
    summary: raw.summary.trim(),
    ...(raw.why === undefined ? {} : { why: unfold(raw.why) }),
    ...(raw.machine === undefined ? {} : { machine: withoutUndefined(raw.machine) }),
    ...(raw['daily-use'] === undefined ? {} : { dailyUse: raw['daily-use'] }),
    targets: targets.map((target, at) => toTarget(target, lineOf(at))),
    ...(earlyoom === undefined
      ? {}
      : { earlyoom: { ...earlyoom, avoid: earlyoom.avoid ?? [], prefer: earlyoom.prefer ?? [] } }),
    ...(swap === undefined ? {} : { swap: toSwap(swap) }),
    ...(nix === undefined
      ? {}
      : {
          nix: {
            maxJobs: nix['max-jobs'],
            cores: nix.cores,
            ...(nix.timeout === undefined ? {} : { timeout: nix.timeout }),
          },
        }),
    ...(raw.containers === undefined ? {} : { containers: raw.containers }),
    ...(raw.delegate === undefined ? {} : { delegate: raw.delegate }),
    ...(raw.timers === undefined ? {} : { timers: toTimers(raw.timers) }),
    checks,
  };
}

function toTimers(raw: NonNullable<RawPlan['timers']>): TimersPlan {
  const { 'verify-at': verifyAt, 'metrics-at': metricsAt, textfile } = raw;
  return {
    names: TIMER_NAMES.filter((name) => raw['set-up'].includes(name)),
    options: {
      ...(verifyAt === undefined ? {} : { verifyAt: verifyAt.trim() }),
      ...(metricsAt === undefined ? {} : { metricsAt: metricsAt.trim() }),
      ...(textfile === undefined ? {} : { textfile }),
    },
  };
}

type RawTarget = NonNullable<RawPlan['targets']>[number];

function toTarget(raw: RawTarget, line: number | undefined): Target {
  const { profile, limits = {}, hardening } = raw;
  const oomScore = raw['oom-score'];
  return {
    units: unitsOf(raw),
    ...(profile === undefined ? {} : { profile }),
    limits: Object.fromEntries(
      Object.entries(limits).map(([property, value]) => [property, value.trim()]),
    ),
    ...(hardening === undefined ? {} : { hardening }),
    ...(oomScore === undefined ? {} : { oomScore }),
    ...(line === undefined ? {} : { line }),
  };
}

function unitsOf(raw: RawTarget): Target['units'] {
  if (raw.service !== undefined) return { kind: 'service', names: raw.service };
  if (raw.slice !== undefined) return { kind: 'slice', name: raw.slice };
  if (raw['every-user'] !== undefined) return { kind: 'every-user', names: raw['every-user'] };
  if (raw['this-user'] !== undefined) return { kind: 'this-user', name: raw['this-user'] };
  return { kind: 'users' };
}

function toSwap({
  file,
  zram,
  swappiness,
}: NonNullable<RawPlan['swap']>): NonNullable<Plan['swap']> {
  return {
    ...(file === undefined ? {} : { file: { ...file, path: file.path ?? '/swapfile' } }),
    ...(zram === undefined
      ? {}
      : {
          zram: {
            size: zram.size,
            priority: zram.priority,
            ...(zram.algorithm === undefined ? {} : { algorithm: zram.algorithm }),
          },
        }),
    ...(swappiness === undefined ? {} : { swappiness }),
  };
}

function withoutUndefined({
  memory,
  cores,
}: NonNullable<RawPlan['machine']>): NonNullable<Plan['machine']> {
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cores === undefined ? {} : { cores }),
  };
}

function firstProblem(path: string, error: z.ZodError, located: Located): SettingsFileError {
  const problems = error.issues
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => unknownKey(issue.path, key, located, planKeys(issue.path)));
      }
      const subject = [...issue.path].reverse().find((each) => typeof each === 'string');
      const isMissing =
        issue.code === 'invalid_type' && dataAt(located.data, issue.path) === undefined;
      const says = isMissing ? 'is missing' : printable(issue.message);
      const isPredicate = /^(should|is|are|cannot) /.test(says);
      const message =
        isPredicate && subject !== undefined ? `${printable(String(subject))} ${says}` : says;
      const position = located.valueAt(issue.path);
      return [{ message, ...(position && { position }) }];
    })
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
  const [first] = problems;
  const failure = new SettingsFileError(
    printable(path),
    first?.message ?? 'cannot be read',
    first?.position,
  );
  if (problems.length > 1) failure.why = `${problems.length - 1} more wrong in the file.`;
  failure.remedy = 'the keys of plans are in docs/apply.md';
  return failure;
}

function dataAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    data,
  );
}
