/** How systemd is to start this very rlimit. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnavailableError } from '../../errors/index.js';

export interface ProgramFacts {
  /** argv[1] of this process: rlimit as it was called. */
  script: string;
  /** Absolute path of the Node that runs it. */
  node: string;
}

/** Where systemd looks for `node` by itself. */
const SEARCHED = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The beginning of the line that starts rlimit, and the directory that PATH needs for it: rlimit finds
 * `node` there, and a Node below a home directory or in /opt is in no service's PATH.
 * @throws {UnavailableError} where rlimit was not started from a file that is there
 */
export function ownProgram(
  { script, node }: ProgramFacts = { script: process.argv[1] ?? '', node: process.execPath },
): { program: string; path: string[] } {
  if (!script.startsWith('/') || !existsSync(script)) {
    throw new UnavailableError('it is not known where rlimit is installed', {
      why: `It was started as ${JSON.stringify(script)}, and a service needs an absolute path.`,
      remedy: 'call it by its full path, as in /usr/local/bin/rlimit guard install',
    });
  }
  const folder = dirname(node);
  return { program: script, path: SEARCHED.includes(folder) ? [] : [folder] };
}
