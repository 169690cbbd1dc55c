/** A number with its noun: `1 run`, `3 runs`; `many` where that takes more than an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
