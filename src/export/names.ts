/** Names in other formats: what the user asked for, or the profile's own. */
import { UsageError } from '../errors/index.js';
import type { Subject, Target } from './types.js';

interface NameRule {
  pattern: RegExp;
  /** In words: `has lower-case letters …`. */
  rule: string;
  /** Put in front of a profile's own name. */
  prefix?: string;
}

/** Names of containers (docker/daemon/names), which compose services take as well. */
export const CONTAINER_NAME: NameRule = {
  pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
  rule: 'begins with a letter or a digit, and has letters, digits and _ . - besides, 63 at most',
};

/** RFC 1123 labels, which Kubernetes wants. */
export const LABEL: NameRule = {
  pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  rule: 'has at most 63 lower-case letters, digits and dashes, and no dash at its ends',
};

/** A word that no shell, make or just reads as anything but a name. */
export const COMMAND_NAME: NameRule = {
  pattern: /^[a-zA-Z_][a-zA-Z0-9_-]{0,70}$/,
  rule: 'begins with a letter, and has letters, digits, _ and - besides',
  prefix: 'with-',
};

/** @throws {UsageError} for a name that the format does not take */
export function nameFor({ profile }: Subject, { name }: Target, rule: NameRule): string {
  const chosen = name ?? `${rule.prefix ?? ''}${profile.name}`;
  if (rule.pattern.test(chosen)) return chosen;
  throw new UsageError(`${JSON.stringify(chosen)} cannot be a name there`, {
    why: `One ${rule.rule}.`,
    remedy: '--name NAME',
  });
}

/**
 * The unit that settings are for.
 * @throws {UsageError} for what is no name of a unit, or of one that has no files
 */
export function unitFor(
  { profile }: Subject,
  { unit }: Target,
): {
  unit: string;
  kind: 'service' | 'slice';
} {
  const name = unit ?? `${profile.name}.service`;
  const full = /\.[a-z]+$/.test(name) ? name : `${name}.service`;
  if (full.endsWith('.scope')) {
    throw new UsageError(`${full} cannot have a unit file`, {
      why: 'A scope is made by the program that starts it, and its limits go with it.',
      remedy: `rlimit run ${profile.name} -- COMMAND`,
    });
  }
  // Characters of systemd.unit(5), and none that opens another directory.
  if (!/^[\w:.\\@-]{1,248}\.(?:service|slice)$/.test(full) || full.startsWith('.')) {
    throw new UsageError(`${JSON.stringify(name)} is no service and no slice`, {
      remedy: '--unit NAME.service or --unit NAME.slice',
    });
  }
  return { unit: full, kind: full.endsWith('.slice') ? 'slice' : 'service' };
}

/** Several profiles are one `--name` too few. */
export function refuseOneForMany(
  subjects: readonly Subject[],
  target: Target,
  options: readonly ('unit' | 'name' | 'image' | 'health')[],
): void {
  const given = options.find((option) => target[option] !== undefined);
  if (subjects.length < 2 || given === undefined) return;
  throw new UsageError(`--${given} cannot be for ${subjects.length} profiles at once`, {
    remedy: `one profile at a time, or no --${given}`,
  });
}

/** @throws {UsageError} for an image that no registry could have */
export function checkImage(image: string): string {
  if (/^[\w][\w./:@-]{0,254}$/.test(image)) return image;
  throw new UsageError(`${JSON.stringify(image)} cannot be the name of an image`, {
    remedy: '--image docker.io/library/NAME:TAG',
  });
}
