/** What systemd-analyze(1) says of the unit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManagerKind } from '../../systemd/client.js';
import { GUARD_UNIT } from './unit.js';

/** How a program ended; absent where there is no such program. */
export type AskProgram = (
  argv: readonly string[],
) => Promise<{ status: number; out: string; err: string } | undefined>;

/**
 * What `systemd-analyze verify` has against the text of a unit, a line each; absent where it cannot be
 * asked. It is asked before anything is written.
 */
export async function complaintsOf(
  text: string,
  manager: ManagerKind,
  ask: AskProgram,
): Promise<string[] | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'rlimit-unit-'));
  try {
    const file = join(folder, GUARD_UNIT);
    writeFileSync(file, text);
    const said = await ask(['systemd-analyze', `--${manager}`, '--man=no', 'verify', file]);
    return said === undefined ? undefined : aboutGuard(said.err);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** It checks all that the unit pulls in as well: only lines about ours count. Pure. */
export function aboutGuard(said: string): string[] {
  return said
    .split('\n')
    .filter((line) => line.includes(GUARD_UNIT) || line.includes('rlimit-unit-'))
    .map((line) => line.replace(/^\S*\/rlimit-unit-\w+\//, ''));
}

/** The overall exposure, from 0 (confined) to 10, that `systemd-analyze security` finds. */
export async function exposureOf(ask: AskProgram): Promise<number | undefined> {
  const said = await ask(['systemd-analyze', '--no-pager', 'security', GUARD_UNIT]);
  return said === undefined ? undefined : readExposure(said.out);
}

/** Reads `→ Overall exposure level for X.service: 4.1 OK :-)`. Pure. */
export function readExposure(said: string): number | undefined {
  const figure = /Overall exposure level for \S+: (\d+(?:\.\d+)?)/.exec(said)?.[1];
  return figure === undefined ? undefined : Number(figure);
}
