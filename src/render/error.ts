import { isRlimitError } from '../errors/index.js';
import { paragraph, style, textWidth } from './style.js';

/** A failure as a person reads it: what happened, why, and the command that mends it. */
export function renderError(error: unknown): string {
  const width = textWidth(process.stderr);
  if (!isRlimitError(error)) return `${style.problem('rlimit:')} ${messageOf(error)}`;
  const lines = [`${style.problem('rlimit:')} ${error.message}`];
  if (error.why !== undefined) lines.push(paragraph(error.why, { indent: 2, width }));
  if (error.remedy !== undefined) lines.push(`  ${style.faint('mend:')} ${error.remedy}`);
  if (error.trouble !== undefined) {
    lines.push(`  ${style.faint('more:')} rlimit profile check --explain ${error.trouble}`);
  }
  return lines.join('\n');
}

/** The same failure for `--json`. */
export function errorToJson(error: unknown): { error: Record<string, unknown> } {
  if (!isRlimitError(error)) {
    return { error: { id: 'unexpected', message: messageOf(error) } };
  }
  const { id, message, why, remedy, trouble, exitCode, details } = error;
  return {
    error: {
      id,
      message,
      ...(why === undefined ? {} : { why }),
      ...(remedy === undefined ? {} : { remedy }),
      ...(trouble === undefined ? {} : { trouble }),
      exitCode,
      ...(details === undefined ? {} : { details }),
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
