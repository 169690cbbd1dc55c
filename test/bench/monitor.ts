/**
 * Measures what a sample of the machine costs a daemon that takes one a second, beside 500 processes
 * that sleep and some that work: the part of a core, and resident memory at the beginning and the end.
 *
 *   npx tsx test/bench/monitor.ts [SECONDS]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SECONDS = Number(process.argv[2] ?? 30);
const WARM_UP_SECONDS = 10;
const WARM_UP_ROUNDS = 300;
const PROCESSES = 500;
const WORKERS = 20;

/** A daemon of nothing but samples, and one that only wakes up as often. */
const daemon = (work: string) => `
import { Sampler } from './sampler/index.js';
const sampler = new Sampler();
// As after some minutes: what is compiled while it runs is compiled by then.
for (let round = 0; round < ${WARM_UP_ROUNDS}; round += 1) { ${work} }
setInterval(() => { ${work} }, 1000);
process.send?.('up');
`;

const directory = mkdtempSync(join(tmpdir(), 'rlimit-bench-'));
const sleepers = Array.from({ length: PROCESSES }, () =>
  spawn('sleep', ['1000'], { stdio: 'ignore' }),
);
const workers = Array.from({ length: WORKERS }, () =>
  spawn('sh', ['-c', 'while :; do sleep 0.5; done'], { stdio: 'ignore', detached: true }),
);
try {
  const idle = await measure('idle', '');
  const sampling = await measure('sampling', 'sampler.sample();');
  const percent = sampling.percent - idle.percent;
  console.log(`a daemon that does nothing      ${text(idle)}`);
  console.log(`one sample a second             ${text(sampling)}`);
  console.log(`samples alone                   ${percent.toFixed(2)} % of a core (at most 0.5)`);
} finally {
  for (const child of sleepers) child.kill();
  for (const { pid } of workers) if (pid !== undefined) process.kill(-pid);
  rmSync(directory, { recursive: true, force: true });
}

interface Cost {
  percent: number;
  mebibytes: [number, number];
}

async function measure(name: string, work: string): Promise<Cost> {
  const file = join(directory, `${name}.mjs`);
  await build({
    stdin: {
      contents: daemon(work),
      resolveDir: fileURLToPath(new URL('../../src', import.meta.url)),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    outfile: file,
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await once(child, 'message');
    await sleep(WARM_UP_SECONDS);
    const [cpu, at, before] = [cpuMs(child), performance.now(), rss(child)];
    await sleep(SECONDS);
    const percent = ((cpuMs(child) - cpu) / (performance.now() - at)) * 100;
    return { percent, mebibytes: [before, rss(child)] };
  } finally {
    child.kill();
  }
}

function text({ percent, mebibytes: [before, after] }: Cost): string {
  return `${percent.toFixed(2)} % of a core, ${before.toFixed(1)} MiB, then ${after.toFixed(1)} MiB`;
}

/** CPU time of all its threads: the first figure of schedstat, in nanoseconds. */
function cpuMs({ pid }: ChildProcess): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
    )
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0);
}

function rss({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
