/** What was seen of single jobs, in words. Plain text and no imports of weight: `run` says it. */
import type { JobFigures } from '../model/index.js';
import { printable } from '../text/safe.js';
import { humanBytes } from './figures.js';

/** `212 seen, 6 at most, median 310M, 90% under 1.1G, most 2.4G (cc1plus)` */
export function jobsText({ seen, memory, concurrency, names }: JobFigures): string {
  const [name] = Object.entries(names).sort(([, a], [, b]) => b - a)[0] ?? [];
  const who = name === undefined ? '' : ` (${printable(name)})`;
  if (seen === 1) return `1 seen, ${humanBytes(memory.max)}${who}`;
  return [
    `${seen} seen`,
    `${concurrency.most} at most`,
    `median ${humanBytes(memory.median)}`,
    `90% under ${humanBytes(memory.p90)}`,
    `most ${humanBytes(memory.max)}${who}`,
  ].join(', ');
}
