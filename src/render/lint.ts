import type { ProfileCheck, ProfileProblem } from '../lint/index.js';
import { counted, printable } from '../text/index.js';
import { severityMark } from './finding.js';
import { paragraph, style } from './style.js';

/**
 * Each problem as compilers print them, so that editors find the place, with the reason and what
 * mends it below. What several built-in profiles have alike is told once.
 */
export function renderProfileCheck({ checked, problems }: ProfileCheck): string {
  const count = checked.length === 1 ? '1 profile' : `${checked.length} profiles`;
  const real = countedAs(problems, 'problem');
  const warnings = countedAs(problems, 'warning');
  const sums = [real ?? 'no problem', ...(warnings === undefined ? [] : [warnings])].join(', ');
  const sum = `${count} checked, ${sums}`;
  const told = groups(problems).map(renderProblem);
  const more = problems.some(({ remedy }) => remedy !== undefined)
    ? [style.faint('More of one: rlimit profile check --explain ID')]
    : [];
  return [...told, ...more, real === undefined ? style.good(sum) : style.problem(sum)].join('\n');
}

function countedAs(problems: readonly ProfileProblem[], wanted: string): string | undefined {
  const count = problems.filter(({ severity }) => severity === wanted).length;
  if (count === 0) return undefined;
  return counted(count, wanted);
}

/** Problems that differ only in the built-in profile they are about, as one. */
function groups(problems: readonly ProfileProblem[]): ProfileProblem[] {
  const found = new Map<string, ProfileProblem>();
  for (const problem of problems) {
    const { profile = '', profiles = [profile], file, line, message, remedy } = problem;
    const key = JSON.stringify([file, line, message, file === undefined ? remedy : profile]);
    const same = found.get(key);
    found.set(key, { ...problem, profiles: [...(same?.profiles ?? []), ...profiles] });
  }
  return [...found.values()];
}

function renderProblem(problem: ProfileProblem): string {
  const { id, severity, message, why, remedy } = problem;
  const head = `${placeOf(problem)}: ${severityMark(severity)} ${printable(message)} [${id}]`;
  const isPlace = problem.file !== undefined;
  return [
    // A place in a file stands on one line, for editors.
    isPlace ? head : paragraph(head),
    ...(why === undefined ? [] : [paragraph(printable(why), { indent: 2 })]),
    ...(remedy === undefined ? [] : [`${style.faint('mend:')} ${remedy}`.replace(/^/gm, '  ')]),
  ].join('\n');
}

function placeOf({ profiles = [], file, line, column }: ProfileProblem): string {
  if (file === undefined) {
    return `${profiles.length === 1 ? 'profile' : 'profiles'} ${profiles.map(printable).join(', ')}`;
  }
  return `${printable(file)}${line === undefined ? '' : `:${line}:${column ?? 1}`}`;
}
