import { QuantityError } from './error.js';

/** More CPUs than any kernel is built for; a list beyond it is a mistake or an attack. */
const MAX_CPU = 8191;
const EXPECTED = 'a list of CPUs such as 0-7 or 0,2,8-11';

/**
 * Reads a CPU or NUMA node list (`0-7 10,12`) as sorted numbers without doubles.
 * An empty text is the empty list, as in the kernel's files.
 * @throws {QuantityError}
 */
export function parseCpuList(text: string): number[] {
  const cpus = new Set<number>();
  for (const part of text.split(/[\s,]+/).filter(Boolean)) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) throw new QuantityError(text, EXPECTED);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > MAX_CPU) throw new QuantityError(text, EXPECTED);
    for (let cpu = first; cpu <= last; cpu += 1) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

/** Prints CPU numbers the way the kernel does: 0, 1, 2, 5 is `0-2,5`. */
export function formatCpuList(cpus: readonly number[]): string {
  const runs: string[] = [];
  for (let start = 0; start < cpus.length; ) {
    let end = start;
    while (cpus[end + 1] === (cpus[end] ?? 0) + 1) end += 1;
    runs.push(start === end ? `${cpus[start]}` : `${cpus[start]}-${cpus[end]}`);
    start = end + 1;
  }
  return runs.join(',');
}
