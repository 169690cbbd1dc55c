import { Command, Errors } from '@oclif/core';
import { EXIT, isRlimitError } from '../errors/index.js';
import { errorToJson, renderError } from '../render/index.js';
import type { Explanation } from './explain.js';

/**
 * What all verbs share: `--json`, failures printed in one way, and exit codes as documented.
 * A verb reads its flags, calls one function, prints for people with `say`, and returns the value
 * that `--json` prints.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  /** Prints for people; silent under `--json`. */
  protected say(text: string): void {
    this.log(text);
  }

  /** Prints a remark that is not the result, on stderr; silent under `--json`. */
  protected remark(text: string): void {
    this.logToStderr(text);
  }

  /**
   * Answers `--explain`; the long texts are loaded only here.
   * @throws {UnknownNameError}
   */
  protected async explain(id: string): Promise<Explanation> {
    const { explain } = await import('./explain.js');
    const { renderExplanation } = await import('../render/explain.js');
    const explanation = explain(id);
    this.say(renderExplanation(explanation.troubles));
    return explanation;
  }

  /** Ends with an exit code once the result is printed. */
  protected endWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<unknown> {
    // oclif throws ExitError for --help and --version.
    if (error instanceof Errors.ExitError) throw error;
    process.exitCode = exitCodeOf(error);
    if (this.jsonEnabled()) this.logJson(errorToJson(error));
    else this.logToStderr(renderError(error));
    return undefined;
  }

  protected override toErrorJson(error: unknown): unknown {
    return errorToJson(error);
  }
}

function exitCodeOf(error: Error): number {
  if (isRlimitError(error)) return error.exitCode;
  // oclif's own parse errors (unknown flag, missing argument) are mistakes in what was asked.
  if (error instanceof Errors.CLIError) return EXIT.usage;
  return EXIT.problems;
}
