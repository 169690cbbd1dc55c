/** What systemd-analyze(1) says of the unit. */
import type { AskProgram } from '../../units/index.js';
import { GUARD_UNIT } from './unit.js';

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
