import { distance } from 'fastest-levenshtein';

/**
 * The known names most like a wrong one, best first, at most three: those within a third of its
 * length in edits, and those that begin with it.
 */
export function nearest(wrong: string, known: readonly string[]): string[] {
  const lower = wrong.toLowerCase();
  const allowed = Math.max(2, Math.floor(wrong.length / 3));
  return known
    .map((name) => ({ name, edits: distance(lower, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= allowed || isPrefix(lower, name.toLowerCase()))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, 3)
    .map(({ name }) => name);
}

function isPrefix(prefix: string, name: string): boolean {
  return prefix.length >= 2 && name.startsWith(prefix);
}
