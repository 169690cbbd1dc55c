import type { ProcessSample } from '../model/index.js';

/**
 * The name to show: comm, which is cut to 15 bytes, or the longer one that it is the beginning of.
 * Otherwise the first argument may be an interpreter, or a title that the process has given itself.
 */
export function nameOf({ comm, argv0 }: Pick<ProcessSample, 'comm' | 'argv0'>): string {
  return argv0?.startsWith(comm) ? argv0 : comm;
}
