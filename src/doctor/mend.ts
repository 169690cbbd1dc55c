import { UnavailableError } from '../errors/index.js';
import { replaceFile } from '../profiles/replace-file.js';
import { shellLine, shellQuote } from '../text/index.js';
import type { Fix, Step } from './fix.js';
import { type Place, Unknown } from './place.js';
import { scriptFor } from './script.js';

/** What `--fix` is about to do. */
export interface FixPlan {
  /** Done by rlimit itself. */
  own: readonly Fix[];
  /** Written into the script. */
  root: readonly Fix[];
}

/** A fix that was done, or was tried. */
export interface Mended {
  title: string;
  done: boolean;
  /** What happened: files written, and what a program said that refused. */
  said: string[];
  /** Shell lines that take it back. */
  undo: string[];
}

/** What `--fix` did. */
export interface FixReport {
  mended: Mended[];
  /** The script for what needs root. */
  script?: { path: string; backup?: string; titles: string[] };
}

/** Parts the fixes; the same one, found by two checks, is done once. */
export function planFixes(fixes: readonly Fix[]): FixPlan {
  const once = [...new Map(fixes.map((fix) => [fix.title, fix])).values()];
  return { own: once.filter(({ root }) => !root), root: once.filter(({ root }) => root) };
}

/**
 * Does what needs no root, and writes the script for the rest. What was refused and root may do
 * goes into the script as well.
 * @throws {UnavailableError} when the script cannot be written
 */
export async function mend(
  { own, root }: FixPlan,
  { place, script }: { place: Place; script: string },
): Promise<FixReport> {
  const mended: Mended[] = [];
  const forRoot = [...root];
  for (const fix of own) {
    const result = await mendOne(fix, place);
    mended.push(result);
    if (!result.done && fix.asRoot !== undefined) {
      forRoot.push({ ...fix, root: true, steps: fix.asRoot });
    }
  }
  if (forRoot.length === 0) return { mended };
  const { backup } = replaceFile(script, scriptFor(forRoot), { overwrite: true, mode: 0o700 });
  const titles = forRoot.map(({ title }) => title);
  return { mended, script: { path: script, titles, ...(backup === undefined ? {} : { backup }) } };
}

async function mendOne({ title, steps }: Fix, place: Place): Promise<Mended> {
  const result: Mended = { title, done: true, said: [], undo: [] };
  for (const step of steps) {
    try {
      const { said, undo } = await doStep(step, place);
      result.said.push(said);
      result.undo.unshift(...undo);
    } catch (error) {
      if (!(error instanceof Unknown || error instanceof UnavailableError)) throw error;
      return { ...result, done: false, said: [...result.said, error.message] };
    }
  }
  return result;
}

async function doStep(step: Step, place: Place): Promise<{ said: string; undo: string[] }> {
  if ('file' in step) {
    const { file, backup } = replaceFile(step.file, step.content, { overwrite: true });
    const path = shellQuote(file);
    const undo = backup === undefined ? `rm ${path}` : `mv ${shellQuote(backup)} ${path}`;
    return { said: `wrote ${file}`, undo: [undo] };
  }
  if (!('run' in step)) throw new Error('a fix without root changes files and runs commands');
  const line = shellLine(step.run);
  const answer = await place.ask(step.run);
  if (answer === undefined) throw new Unknown(`${step.run[0]} is not there`);
  if (answer.status !== 0) throw new Unknown(`${line}: ${answer.err.trim().split('\n')[0]}`);
  return { said: line, undo: step.undo === undefined ? [] : [shellLine(step.undo)] };
}
