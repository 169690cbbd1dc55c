/** When nothing is tried, because the machine is short of memory. Pure. */
import type { Finding } from '../model/index.js';
import { GiB, MiB, roughBytes } from '../quantity/index.js';

/** No experiment takes more than 192 MiB; with less than this left, not even that. */
const LEAST = 512 * MiB;
/** Or a tenth of the memory, where that is more; but a large machine has enough with this. */
const MOST = 2 * GiB;

/** What speaks against taking memory now; absent when nothing does. */
export function shortOfMemory({
  memory,
  available,
}: {
  memory: number;
  available?: number;
}): Finding | undefined {
  const margin = Math.min(Math.max(LEAST, memory / 10), MOST);
  if (available !== undefined && available >= margin) return undefined;
  const observed = available === undefined ? 'an unknown amount' : roughBytes(available);
  return {
    id: 'machine-short-of-memory',
    severity: 'warning',
    wanted: roughBytes(margin),
    observed,
    cause:
      `${observed} of memory is available, and below ${roughBytes(margin)} no experiment is made: ` +
      'it could hit programs outside',
    remedy: 'end what is large (ps --sort=-rss -eo rss,pid,comm | head), then try again',
  };
}
