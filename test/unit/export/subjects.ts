import { exportProfiles, type FormatName } from '../../../src/export/index.js';
import type { Exported, Subject, Target } from '../../../src/export/types.js';
import type { Machine } from '../../../src/model/index.js';
import { loadProfile, resolve } from '../../../src/profiles/index.js';
import { GiB } from '../../../src/quantity/index.js';

/** A large machine, where every profile of the catalog fits. */
export const LARGE: Machine = {
  cores: 36,
  cpus: 72,
  memory: 252 * GiB,
  swap: 8 * GiB,
  systemd: 257,
};

/** Without files of a user's. */
const NOWHERE = { cwd: '/nonexistent', env: {}, home: '/nonexistent' };

/** A built-in profile on a machine, with limits of a test over its own. */
export async function subject(
  name: string,
  overrides: Record<string, string> = {},
  machine: Machine = LARGE,
): Promise<Subject> {
  const profile = await loadProfile(name, NOWHERE);
  return { profile, limits: resolve(profile, machine, { overrides, force: true }) };
}

/** One profile in a format. */
export async function write(
  format: FormatName,
  name: string,
  overrides: Record<string, string> = {},
  target: Partial<Target> = {},
): Promise<Exported> {
  const one = await subject(name, overrides);
  return exportProfiles(format, [one], { machine: LARGE, shell: 'bash', ...target });
}

/** The lines that are no comments. */
export function body({ text }: Exported): string[] {
  return text.split('\n').filter((line) => !/^\s*(?:#(?!SBATCH)|$)/.test(line));
}
