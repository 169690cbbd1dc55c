import { EXIT, isRlimitError } from '../errors/index.js';
import { errorToJson, renderError } from '../render/error.js';

/**
 * Prints why a command was not started, on stderr: stdout is the command's own.
 * @returns the exit code
 */
export function reportRunError(error: unknown, argv: readonly string[]): number {
  const end = argv.indexOf('--');
  const json = argv.slice(0, end < 0 ? undefined : end).includes('--json');
  process.stderr.write(`${json ? JSON.stringify(errorToJson(error)) : renderError(error)}\n`);
  return isRlimitError(error) ? error.exitCode : EXIT.cannotRun;
}
