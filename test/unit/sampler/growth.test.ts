import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { tree } from '../cgroup/tree.js';

/**
 * Samples of a tree in which processes come and go, as fast as they can be taken; what is still held is told
 * after a few and at the end. Only what is reachable counts: in such a loop V8 lets its young generation
 * grow, up to 48 MiB, which no daemon with a second between two samples ever sees.
 */
const CHURN = `
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Sampler } from './src/sampler/index.js';
const [, , root, rounds] = process.argv;
let now = 0;
const sampler = new Sampler({ proc: root + '/proc', cgroups: root + '/cg', env: {}, uid: 1000,
  details: Infinity, clock: () => now });
const write = (pid, ticks) => writeFileSync(root + '/proc/' + pid + '/stat',
  pid + ' (p' + pid + ') S 1 1 1 0 -1 0 0 0 0 0 ' + ticks + ' 0 0 0 20 0 1 0 ' + pid + ' 0 100 0\\n');
const held = () => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return { bytes: heapUsed + external, files: readdirSync('/proc/self/fd').length };
};
const told = [];
for (let round = 0; round < rounds; round += 1) {
  const pid = 1000 + round;
  mkdirSync(root + '/proc/' + pid);
  write(pid, 0);
  write(Math.max(1000, pid - 5), round);
  if (round >= 30) rmSync(root + '/proc/' + (pid - 30), { recursive: true });
  now += 1000;
  const { processes } = sampler.sample();
  if (round === rounds / 4) told.push(held());
  if (round === rounds - 1) told.push({ ...held(), processes: processes.length });
}
console.log(JSON.stringify(told));
`;

describe('samples', () => {
  it('hold no more after thousands of processes than after a few', {
    timeout: 60_000,
  }, async () => {
    const root = tree({
      'proc/meminfo': 'MemTotal: 16384 kB\nMemAvailable: 8192 kB\n',
      'proc/self/mountinfo': '',
      'cg/cgroup.stat': 'nr_descendants 0\n',
    });
    const { outputFiles } = await build({
      stdin: { contents: CHURN, resolveDir: join(import.meta.dirname, '../../..') },
      ...({ bundle: true, platform: 'node', format: 'esm', write: false } as const),
      banner: {
        js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);",
      },
    });
    const file = join(root, 'churn.mjs');
    writeFileSync(file, outputFiles[0]?.text ?? '');
    const told = execFileSync(process.execPath, ['--expose-gc', file, root, '800'], {
      encoding: 'utf8',
    });
    const [early, late] = JSON.parse(told) as {
      bytes: number;
      files: number;
      processes?: number;
    }[];
    expect(late?.processes).toBe(30);
    // 600 processes lie between: a third of what one takes is held of each at most, what was compiled included.
    expect((late?.bytes ?? Number.NaN) - (early?.bytes ?? 0)).toBeLessThan(200_000);
    expect(late?.files).toBeLessThanOrEqual((early?.files ?? 0) + 2);
  });
});
