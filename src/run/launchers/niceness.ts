import { setPriority } from 'node:os';
import { CannotRunError } from '../../errors/index.js';

/**
 * Sets the niceness of the process at the gate, which the command and its children have from it.
 * @throws {CannotRunError} for less than it has now, without the right to
 */
export function setNiceness(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch (error) {
    throw new CannotRunError(`the niceness ${nice} cannot be set`, {
      why: `${(error as Error).message}. Only root may lower the niceness.`,
      remedy: 'leave --nice out, or give one from 0 to 19',
    });
  }
}
