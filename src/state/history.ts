/** The history of runs: one JSON object a line, appended by every run at its end. */
import { homedir } from 'node:os';
import type { Outcome, Verdict } from '../model/index.js';
import { appendLine } from './append.js';

/** Bytes above which the file becomes the old generation: some thousand runs. */
export const HISTORY_LIMIT = 4 * 1024 ** 2;

/** Bytes of a command line that are kept: enough to know it again. */
export const COMMAND_LIMIT = 4096;

/** Characters kept of each text of a verdict, and how many pieces of evidence. */
const TEXT_LIMIT = 1024;
const EVIDENCE_LIMIT = 20;

/** An outcome as the history keeps it. */
export interface StoredOutcome extends Outcome {
  /** Bytes of the whole command line, where `command` is only the beginning of it. */
  commandBytes?: number;
}

/**
 * The file of the history: below $XDG_STATE_HOME, which counts only when it is absolute (XDG Base
 * Directory Specification), else below ~/.local/state.
 */
export function historyFile(env: NodeJS.ProcessEnv = process.env): string {
  return stateFile('history.jsonl', env);
}

/** A file of ours that outlives the session: below $XDG_STATE_HOME as said above. */
export function stateFile(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME ?? '';
  return `${state.startsWith('/') ? state : `${env.HOME || homedir()}/.local/state`}/rlimit/${name}`;
}

/**
 * Appends how a run ended.
 * @throws {Error} saying why the history has not got it (no space, no permission, a symbolic link),
 *   or why the file could not be bounded; the run itself must not suffer from it
 */
export function appendOutcome(outcome: Outcome, env: NodeJS.ProcessEnv = process.env): void {
  appendLine(historyFile(env), JSON.stringify(shortened(outcome)), HISTORY_LIMIT);
}

/** Bounds a line, and has `version` first: a reader finds the beginning of a line by it. */
function shortened(outcome: Outcome): StoredOutcome {
  const { version, verdict, command, ...rest } = outcome;
  return { version, ...rest, ...shortCommand(command), verdict: shortVerdict(verdict) };
}

/** Keeps the words that fit, and of the first that does not its beginning, marked with `…`. */
function shortCommand(command: string[]): Pick<StoredOutcome, 'command' | 'commandBytes'> {
  const sizes = command.map((word) => Buffer.byteLength(word) + 1);
  const commandBytes = sizes.reduce((sum, size) => sum + size, 0) - 1;
  if (commandBytes <= COMMAND_LIMIT) return { command };
  let room = COMMAND_LIMIT;
  const fitting = sizes.findIndex((size) => {
    room -= size;
    return room < 0;
  });
  const cut = cutBytes(command[fitting] ?? '', room + (sizes[fitting] ?? 0));
  return { command: [...command.slice(0, fitting), `${cut}…`], commandBytes };
}

/** A character of several bytes at the border is left out. */
function cutBytes(word: string, bytes: number): string {
  return Buffer.from(word).subarray(0, bytes).toString().replace(/�$/, '');
}

function shortVerdict({ id, says, evidence, advice }: Verdict): Verdict {
  return {
    id,
    says: shortText(says),
    evidence: evidence.slice(0, EVIDENCE_LIMIT).map(shortText),
    ...(advice === undefined ? {} : { advice: shortText(advice) }),
  };
}

function shortText(text: string): string {
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}
