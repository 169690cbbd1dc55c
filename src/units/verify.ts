/** What systemd-analyze(1) says of unit files, asked before any of them is written. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One unit file. */
export interface UnitText {
  name: string;
  text: string;
}

/** How a program ended; absent where there is no such program. */
export type AskProgram = (
  argv: readonly string[],
) => Promise<{ status: number; out: string; err: string } | undefined>;

const FOLDER = 'rlimit-unit-';

/**
 * What `systemd-analyze verify` has against units, a line each; absent where it cannot be asked.
 * @throws {Error} the system's own, where there is no room for drafts
 */
export async function complaintsOf(
  units: readonly UnitText[],
  manager: 'system' | 'user',
  ask: AskProgram,
): Promise<string[] | undefined> {
  const folder = mkdtempSync(join(tmpdir(), FOLDER));
  try {
    const files = units.map(({ name, text }) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    });
    const said = await ask(['systemd-analyze', `--${manager}`, '--man=no', 'verify', ...files]);
    return said === undefined ? undefined : aboutThem(said.err, units);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** It checks all that a unit pulls in as well: only lines about these count. Pure. */
export function aboutThem(said: string, units: readonly Pick<UnitText, 'name'>[]): string[] {
  return said
    .split('\n')
    .filter((line) => line.includes(FOLDER) || units.some(({ name }) => line.includes(name)))
    .map((line) => line.replace(new RegExp(`^\\S*/${FOLDER}\\w+/`), ''));
}
