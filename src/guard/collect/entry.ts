/** Lines of a log as JSON. Pure. */

/** What happened beside the decisions of the guard. */
export interface Note {
  level: 'info' | 'notice' | 'warning' | 'critical';
  /** Stable name of it, in kebab case: `allocation`, `gpu-end`. */
  about: string;
  /** A sentence, printable. */
  message: string;
  /** Figures and names besides; names of processes as they are. */
  fields?: Readonly<Record<string, string | number | undefined>>;
}

/**
 * A value as JSON on one line, with its line break. JSON lets control characters above 0x1f and marks of
 * direction through; a terminal would obey them, so they are escaped as well.
 */
export function jsonLine(value: object): string {
  const text = JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped);
  return `${text}\n`;
}

/** A character beyond U+FFFF is two of JavaScript's. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
