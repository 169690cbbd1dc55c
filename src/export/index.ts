/** Profiles in the formats of other tools. Pure: what is written where is the caller's business. */
import { UsageError } from '../errors/index.js';
import { compose } from './formats/compose.js';
import { dockerRun, podman } from './formats/container-run.js';
import { just } from './formats/just.js';
import { kubernetes } from './formats/kubernetes.js';
import { make } from './formats/make.js';
import { nixConf } from './formats/nix-conf.js';
import { nixos } from './formats/nixos.js';
import { quadlet } from './formats/quadlet.js';
import { shell } from './formats/shell.js';
import { slurm } from './formats/slurm.js';
import { systemd } from './formats/systemd.js';
import type { Exported, Format, Subject, Target } from './types.js';

export { type SlurmOptions, slurmCpus, slurmOptions } from './formats/slurm.js';
export type { Cannot, Exported, Subject, Target } from './types.js';
export { type FileWritten, writeExport } from './write.js';

export const FORMATS = {
  systemd,
  nixos,
  'nix.conf': nixConf,
  'docker-compose': compose,
  'docker-run': dockerRun,
  podman,
  quadlet,
  kubernetes,
  slurm,
  make,
  shell,
  just,
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

/** Options that only some formats use. */
const OPTIONS = ['unit', 'name', 'image', 'health', 'harden'] as const;

/**
 * Writes profiles in a format.
 * @throws {UsageError} for an option that the format does not use, for several profiles where one file
 *   holds one, and for what it cannot hold at all
 */
export function exportProfiles(
  name: FormatName,
  subjects: readonly Subject[],
  target: Target,
): Exported {
  const format: Format = FORMATS[name];
  const idle = OPTIONS.find(
    (option) => target[option] !== undefined && !format.uses.includes(option),
  );
  if (idle !== undefined) {
    const users = FORMAT_NAMES.filter((each) => (FORMATS[each] as Format).uses.includes(idle));
    throw new UsageError(`${name} does not use --${idle}`, {
      why: `These do: ${users.join(', ')}.`,
    });
  }
  if (subjects.length > 1 && !format.many) {
    throw new UsageError(`a file of ${name} is for one profile`, {
      remedy: subjects.map(({ profile }) => `rlimit export ${name} ${profile.name}`).join('; '),
    });
  }
  const names = subjects.map(({ profile }) => profile.name);
  const twice = names.find((each, at) => names.indexOf(each) !== at);
  if (twice !== undefined) throw new UsageError(`profile ${twice} is named twice`);
  return format.write(subjects, target);
}
