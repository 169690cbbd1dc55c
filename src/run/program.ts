import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import {
  CannotRunError,
  CommandNotExecutableError,
  CommandNotFoundError,
} from '../errors/index.js';

/**
 * Checks that a command can be executed, the way execvp(3) finds it, before any unit is made:
 * systemd-run would say 1 for everything, and 1 could be the command's own.
 * @throws {CommandNotFoundError} exit 127
 * @throws {CommandNotExecutableError} exit 126
 */
export function checkProgram(program: string, path: string | undefined): void {
  const named = program.includes('/');
  const candidates = named ? [program] : directories(path).map((dir) => `${dir}/${program}`);
  const found = program === '' ? [] : candidates.filter((file) => existsAsProgram(file, named));
  if (found.length === 0) throw new CommandNotFoundError(program);
  if (!found.some(isExecutable)) throw new CommandNotExecutableError(found[0] ?? program);
}

/**
 * Makes sure that arguments can be handed on byte for byte. Node reads them as UTF-8 and puts
 * U+FFFD where they are not, so that the command would look for a file of another name.
 * @throws {CannotRunError}
 */
export function checkEncoding(command: readonly string[]): void {
  const spoiled = command.find((word) => word.includes('\uFFFD'));
  if (spoiled === undefined) return;
  const bytes = readFileSync('/proc/self/cmdline');
  if (Buffer.from(bytes.toString()).equals(bytes)) return;
  throw new CannotRunError(`the argument ${JSON.stringify(spoiled)} is not valid UTF-8`, {
    why: 'It could not be handed to the command unchanged.',
    remedy: "put it into the command: rlimit run PROFILE -- sh -c 'COMMAND *'",
  });
}

/** An empty entry of PATH is the current directory (POSIX). */
function directories(path = '/usr/local/bin:/usr/bin:/bin'): string[] {
  return path.split(':').map((directory) => directory || '.');
}

/** A directory that was named is there but cannot run; in a search of PATH it is passed over. */
function existsAsProgram(file: string, named: boolean): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && (named || stat.isFile());
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
