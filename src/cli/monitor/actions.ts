/** Ends and changes units by the ways of `kill` and `tune`, with all that these refuse. */
import { stripVTControlCharacters } from 'node:util';
import { UsageError } from '../../errors/index.js';
import type { UnitSample } from '../../model/index.js';
import { printable } from '../../text/index.js';
import type { UnitActions } from './control.js';

/** Seconds from SIGTERM to SIGKILL. */
const TIMEOUT = 5;

export const unitActions: UnitActions = {
  async kill(unit) {
    // Loaded here: those who only look are to start without them.
    const { kill } = await import('../../kill/index.js');
    await checkSame(unit);
    const report = await kill({
      units: [unit.unit],
      scopes: false,
      processes: [],
      signal: 'TERM',
      timeout: TIMEOUT,
      dryRun: false,
      force: false,
    });
    const { renderTotal } = await import('../../render/kill.js');
    return `${printable(unit.unit)}: ${stripVTControlCharacters(renderTotal(report))}`;
  },

  async retune(unit, words) {
    const { changeUnit } = await import('../../change/index.js');
    const { parseAssignments } = await import('../../run/options.js');
    const properties = parseAssignments(words);
    await checkSame(unit);
    const report = await changeUnit({ unit: unit.unit, properties, force: false, dryRun: false });
    const { renderChangeBriefly } = await import('../../render/change.js');
    return renderChangeBriefly(report);
  },
};

/**
 * Makes sure that the unit of that name is the one that was pointed at: as root one sees those of
 * other users, while service managers are asked by name.
 * @throws {UsageError} when it is another one
 */
async function checkSame({ unit, cgroup }: UnitSample): Promise<void> {
  const { findNamedUnits, findOwnRuns } = await import('../../systemd/find.js');
  const { readRecords, recordDirectory } = await import('../../state/index.js');
  const directory = recordDirectory();
  const records = directory === undefined ? [] : readRecords(directory).records;
  const own = findOwnRuns(records).map(({ shown }) => shown);
  if (own.some(({ Id, ControlGroup }) => Id === unit && ControlGroup === cgroup)) return;
  const managed = await findNamedUnits([unit], records);
  if (managed.some(({ shown }) => shown.ControlGroup === cgroup)) return;
  throw new UsageError(`${unit} is not a unit of yours, nor one of the system`, {
    why: `Its cgroup is ${cgroup}, which belongs to another service manager.`,
  });
}
