/**
 * Every failure rlimit reports: one class each, holding its data and its wording. A command throws
 * one of these; `cli/` prints it and exits with its code. Nothing else exits.
 */
import type { Amount, BudgetState, TroubleId } from '../model/index.js';
import { nearest } from '../text/nearest.js';

/**
 * Exit codes (docs/reference.md): for every verb 2 is a mistake in what was asked; for `run`
 * 125, 126 and 127 are as in env(1) and nice(1), since every other code is the command's own.
 */
export const EXIT = {
  fine: 0,
  problems: 1,
  usage: 2,
  unavailable: 3,
  cannotRun: 125,
  cannotExecute: 126,
  notFound: 127,
} as const;

/** What happened (`message`), why, and the command or edit that mends it. */
export abstract class RlimitError extends Error {
  /** See `isRlimitError`. */
  readonly isRlimitError = true;
  /** Stable kebab-case name of the failure, for `--json`. */
  abstract readonly id: string;
  abstract readonly exitCode: number;
  /** Sentences on the cause, where the message does not say it all. */
  why?: string;
  /** A shell command, or an edit in words. */
  remedy?: string;
  /** The trouble of the catalogue that it is: `--explain` tells more of it. */
  trouble?: TroubleId;
  /** What `--json` tells besides the words. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * Tells our failures from others. Not by class: `run` is a bundle of its own (scripts/build.mjs)
 * with a copy of these classes, and the code that prints its failures is in the other bundle.
 */
export function isRlimitError(error: unknown): error is RlimitError {
  return error instanceof Error && 'isRlimitError' in error;
}

/** A mistake in what was asked: a bad flag, a value out of range, a combination that harms. */
export class UsageError extends RlimitError {
  override readonly id: string = 'usage';
  override readonly exitCode = EXIT.usage;

  constructor(
    message: string,
    { why, remedy, trouble }: { why?: string; remedy?: string; trouble?: TroubleId } = {},
  ) {
    super(message);
    if (why !== undefined) this.why = why;
    if (remedy !== undefined) this.remedy = remedy;
    if (trouble !== undefined) this.trouble = trouble;
  }
}

/** A name that does not exist, with the nearest ones that do. */
export class UnknownNameError extends UsageError {
  override readonly id = 'unknown-name';
  /** Existing names most like the wrong one, best first. */
  readonly suggestions: string[];

  constructor(
    readonly kind:
      | 'profile'
      | 'property'
      | 'unit'
      | 'run'
      | 'command'
      | 'option'
      | 'trouble'
      | 'lint'
      | 'check'
      | 'service'
      | 'rule'
      | 'plan',
    readonly wrong: string,
    known: readonly string[],
    options: { why?: string; remedy?: string } = {},
  ) {
    super(`there is no ${kind} ${JSON.stringify(wrong)}`, options);
    this.suggestions = nearest(wrong, known);
    if (this.suggestions.length > 0) this.why ??= `Did you mean ${this.suggestions.join(', ')}?`;
  }
}

/** A profile file that cannot be used: where, and what is wrong there. */
export class ProfileFileError extends RlimitError {
  override readonly id = 'profile-file';
  override readonly exitCode = EXIT.usage;

  constructor(
    readonly file: string,
    readonly detail: string,
    readonly position?: { line: number; column: number },
  ) {
    super(`${file}${position ? `:${position.line}:${position.column}` : ''}: ${detail}`);
  }
}

/** A file of settings, or a plan, that cannot be used: where, and what is wrong there. */
export class SettingsFileError extends RlimitError {
  override readonly id = 'settings-file';
  override readonly exitCode = EXIT.usage;

  constructor(
    readonly file: string,
    readonly detail: string,
    readonly position?: { line: number; column: number },
  ) {
    super(`${file}${position ? `:${position.line}:${position.column}` : ''}: ${detail}`);
  }
}

/** Something this machine lacks at the moment: a user manager, a program, a permission. */
export class UnavailableError extends RlimitError {
  override readonly id: string = 'unavailable';
  override readonly exitCode: number = EXIT.unavailable;

  constructor(message: string, { why, remedy }: { why?: string; remedy?: string } = {}) {
    super(message);
    if (why !== undefined) this.why = why;
    if (remedy !== undefined) this.remedy = remedy;
  }
}

/** The command could not be started as asked (`run` only). */
export class CannotRunError extends UnavailableError {
  override readonly id: string = 'cannot-run';
  override readonly exitCode = EXIT.cannotRun;
}

/** There is no room in the budget for the run (`run` only); `details` tell who has it. */
export class BudgetError extends CannotRunError {
  override readonly id = 'budget';

  constructor(
    message: string,
    options: { why?: string; remedy?: string },
    override readonly details: {
      /** Bytes, or `infinity` without a MemoryMax. */
      wants: Amount;
      budget: BudgetState;
    },
  ) {
    super(message, options);
  }
}

/** The command to run is not there (`run` only). */
export class CommandNotFoundError extends RlimitError {
  override readonly id = 'command-not-found';
  override readonly exitCode = EXIT.notFound;

  constructor(readonly program: string) {
    super(`${JSON.stringify(program)} was not found`);
    this.why = program.includes('/')
      ? 'There is no file of that name.'
      : 'No directory of $PATH has an executable file of that name.';
  }
}

/** The command to run is there but cannot be executed (`run` only). */
export class CommandNotExecutableError extends RlimitError {
  override readonly id = 'command-not-executable';
  override readonly exitCode = EXIT.cannotExecute;

  constructor(readonly path: string) {
    super(`${JSON.stringify(path)} cannot be executed`);
    this.why = 'It is a directory, or its file mode has no x for you.';
    this.remedy = `chmod +x ${path}`;
  }
}
