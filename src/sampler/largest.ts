/**
 * Those with the highest figures, the highest first. Cheaper than to put all in order: most are far
 * below the last of them.
 */
export function largest<T>(all: readonly T[], most: number, figure: (one: T) => number): T[] {
  const first: { one: T; value: number }[] = [];
  for (const one of all) {
    const value = figure(one);
    const last = first.at(-1);
    if (first.length >= most && (last === undefined || value <= last.value)) continue;
    let at = first.length;
    while (at > 0 && (first[at - 1]?.value ?? 0) < value) at -= 1;
    first.splice(at, 0, { one, value });
    if (first.length > most) first.pop();
  }
  return first.map(({ one }) => one);
}
