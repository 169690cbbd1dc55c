import type { Shown } from '../../systemd/show.js';
import { shellQuote } from '../../text/index.js';
import { type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import { unitsOf } from '../units.js';

/** Timers and services of rlimit, and how they ended last. */
export const ownUnits: CheckSpec = {
  name: 'timers',
  title: 'timers and services of rlimit do well',
  group: 'tools',
  look: async (place) => judgeOwnUnits(await readOwnUnits(place)),
};

export interface OwnUnitFacts {
  units: readonly { manager: 'system' | 'user'; shown: Shown }[];
  /** Managers that did not answer, with the reason. */
  unasked: readonly string[];
}

/** Units are called after rlimit; scopes of runs are none of these. */
const OURS = /^(app-)?rlimit[-@.].*\.?(timer|service)$/;

export async function readOwnUnits(place: Place): Promise<OwnUnitFacts> {
  const managers = place.uid === 0 ? (['system'] as const) : (['system', 'user'] as const);
  const unasked: string[] = [];
  const units = await Promise.all(
    managers.map(async (manager) => {
      try {
        return (await unitsOf(place, manager)).map((shown) => ({ manager, shown }));
      } catch (error) {
        if (!(error instanceof Unknown)) throw error;
        unasked.push(error.message);
        return [];
      }
    }),
  );
  return { units: units.flat().filter(({ shown }) => OURS.test(shown.Id ?? '')), unasked };
}

export function judgeOwnUnits({ units, unasked }: OwnUnitFacts): Judged {
  const evidence = units.map(({ manager, shown }) => {
    const { Id = '', ActiveState = '', Result = '', LastTriggerUSec: last = '' } = shown;
    const when = last === '' || last === 'n/a' ? '' : `, last ${last}`;
    return `${Id} of the ${manager}: ${ActiveState}, ${Result}${when}`;
  });
  if (units.length === 0 && unasked.length === 0) evidence.push('none is set up');
  const findings = units
    .filter(
      ({ shown }) => shown.ActiveState === 'failed' || (shown.Result ?? 'success') !== 'success',
    )
    .map(({ manager, shown }) => {
      const { Id = '', Result = '' } = shown;
      const user = manager === 'user' ? '--user ' : '';
      const name = shellQuote(Id);
      return found('problem', 'own-unit-failed', {
        unit: Id,
        cause: `${Id} failed: ${Result}`,
        remedy: `journalctl ${user}--unit=${name} --lines=20; then systemctl ${user}reset-failed ${name}`,
      });
    });
  return {
    evidence,
    findings,
    ...(unasked[0] === undefined ? {} : { unknown: unasked.join('; ') }),
  };
}
