/** Small sums over weighed figures. */

/** The value that half of the weight does not exceed. */
export function weightedMedian(values: readonly (readonly [number, number])[]): number | undefined {
  const sorted = [...values].sort(([a], [b]) => a - b);
  const half = sum(sorted.map(([, weight]) => weight)) / 2;
  let below = 0;
  for (const [value, weight] of sorted) {
    below += weight;
    if (below >= half) return value;
  }
  return undefined;
}

/** The sum of all; 0 of none. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
