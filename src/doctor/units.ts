import { parseShow, type Shown } from '../systemd/show.js';
import { type Place, said } from './place.js';

const ASKED = [
  'Id',
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'Result',
  'User',
  'ControlGroup',
  'MemoryMax',
  'ManagedOOMSwap',
  'ManagedOOMMemoryPressure',
  'LastTriggerUSec',
];

/** Units that may not be loaded and are asked for by name. */
const BY_NAME = ['docker.service', 'docker.slice', 'earlyoom.service', 'systemd-oomd.service'];
const PATTERNS = ['*.service', '*.slice', '*.scope', '*.timer'];

/**
 * All loaded units of a manager with what the checks want to know, by one call for all of them.
 * @throws {Unknown} where the manager does not answer
 */
export async function unitsOf(place: Place, manager: 'system' | 'user'): Promise<Shown[]> {
  const names = manager === 'system' ? BY_NAME : ['graphical-session.target'];
  const argv = ['systemctl', `--${manager}`, '--no-pager', 'show', `--property=${ASKED.join(',')}`];
  return parseShow(await said(place, [...argv, '--', ...names, ...PATTERNS]), ASKED);
}

/** One unit of a list. */
export function unitNamed(units: readonly Shown[], id: string): Shown | undefined {
  return units.find(({ Id, LoadState }) => Id === id && LoadState !== 'not-found');
}
