import { readFileSync } from 'node:fs';
import { type Sample, sampleOf } from '../../../src/watch/sample.js';

/** A second apart, from scopes with MemoryHigh=40M and MemoryMax=200M on Linux 6.1. */
export function recorded(name: string, freeSwap = 0): Sample[] {
  const url = new URL(`./recorded/${name}.jsonl`, import.meta.url);
  return readFileSync(url, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { atMs: number; files: Record<string, string> })
    .map(({ atMs, files }) => sampleOf(files, atMs, freeSwap));
}
