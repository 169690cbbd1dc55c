/** Lines of unchanged text shown around a change, as diff -u has them. */
const CONTEXT = 3;

/** Above so many comparisons two texts are told apart as a whole: nobody reads such a difference. */
const MOST_COMPARISONS = 4_000_000;

interface Line {
  mark: ' ' | '-' | '+';
  text: string;
}

/**
 * The difference of two texts as `diff -u` writes it; empty where there is none.
 * @param names what stands behind `---` and `+++`
 */
export function unifiedDiff(
  before: string,
  after: string,
  { from, to }: { from: string; to: string },
): string {
  if (before === after) return '';
  const lines = difference(linesOf(before), linesOf(after));
  return [`--- ${from}`, `+++ ${to}`, ...hunks(lines)].join('\n');
}

function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines[lines.length - 1] += '\n\\ No newline at end of file';
  return lines;
}

/** All lines of both texts, those that stand in both once. */
function difference(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < Math.min(before.length, after.length) && before[start] === after[start])
    start += 1;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ mark: ' ', text }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function middle(before: readonly string[], after: readonly string[]): Line[] {
  const all = (mark: '-' | '+', lines: readonly string[]): Line[] =>
    lines.map((text) => ({ mark, text }));
  if (before.length * after.length > MOST_COMPARISONS)
    return [...all('-', before), ...all('+', after)];
  const common = commonLengths(before, after);
  const lines: Line[] = [];
  let [left, right] = [0, 0];
  while (left < before.length && right < after.length) {
    if (before[left] === after[right]) {
      lines.push({ mark: ' ', text: before[left] as string });
      left += 1;
      right += 1;
    } else if ((common[left + 1]?.[right] ?? 0) >= (common[left]?.[right + 1] ?? 0)) {
      lines.push({ mark: '-', text: before[left] as string });
      left += 1;
    } else {
      lines.push({ mark: '+', text: after[right] as string });
      right += 1;
    }
  }
  return [...lines, ...all('-', before.slice(left)), ...all('+', after.slice(right))];
}

/** Length of the longest common subsequence of the ends of both, from each pair of lines on. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  for (let left = before.length - 1; left >= 0; left -= 1) {
    const [row, below] = [lengths[left] as number[], lengths[left + 1] as number[]];
    for (let right = after.length - 1; right >= 0; right -= 1) {
      row[right] =
        before[left] === after[right]
          ? (below[right + 1] ?? 0) + 1
          : Math.max(below[right] ?? 0, row[right + 1] ?? 0);
    }
  }
  return lengths;
}

/** The changed lines with those around them, under `@@ -12,7 +12,8 @@`. */
function hunks(lines: readonly Line[]): string[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' '),
  );
  const result: string[] = [];
  let [left, right] = [0, 0];
  for (let index = 0; index < lines.length; ) {
    if (!near[index]) {
      left += 1;
      right += 1;
      index += 1;
      continue;
    }
    const end = near.indexOf(false, index);
    const hunk = lines.slice(index, end < 0 ? lines.length : end);
    const removed = hunk.filter(({ mark }) => mark !== '+').length;
    const added = hunk.filter(({ mark }) => mark !== '-').length;
    result.push(`@@ -${range(left, removed)} +${range(right, added)} @@`);
    result.push(...hunk.map(({ mark, text }) => mark + text));
    left += removed;
    right += added;
    index += hunk.length;
  }
  return result;
}

/** Of no lines the one before them is named, as diff does. */
function range(before: number, count: number): string {
  if (count === 1) return String(before + 1);
  return `${count === 0 ? before : before + 1},${count}`;
}
