/**
 * Measures the watching launcher here, natively: how long after it has crossed its limit a hog has
 * ended, and what part of a CPU watching takes. Run `npm run build` before.
 *
 *   npx tsx test/bench/watched.ts
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const rlimit = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const ROUNDS = 10;
const COST_SECONDS = 10;

/** Takes memory in steps, and says when it has passed the limit: hog MIB_LIMIT STEP_MIB PAUSE_S. */
const HOG = `
import sys, time
limit, step, pause = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
time.sleep(0.6)
blocks, taken, told = [], 0.0, False
while True:
    blocks.append(bytearray(b'x') * int(step * 1048576)); taken += step
    if taken > limit and not told:
        told = True
        print('crossed', flush=True)
    if pause: time.sleep(pause)
`;

const CROSSINGS = [
  { name: 'all at once, 64M', limit: 64, step: 16, pause: 0 },
  { name: 'all at once, 1G', limit: 1024, step: 64, pause: 0 },
  { name: 'about 100M/s, 256M', limit: 256, step: 1, pause: 0.01 },
  { name: 'about 10M/s, 32M', limit: 32, step: 0.5, pause: 0.05 },
];

const COSTS = [
  { name: 'one sleeping process', script: 'exec sleep 1000' },
  { name: '50 sleeping processes', script: 'for i in $(seq 50); do sleep 1000 & done; wait' },
  { name: '280 sleeping processes', script: 'for i in $(seq 280); do sleep 1000 & done; wait' },
  { name: 'forking all the time', script: 'while :; do /bin/true; done' },
  {
    name: 'near its limit',
    script: `exec python3 -c "import time; a = bytearray(b'x') * (85 << 20); time.sleep(1000)"`,
  },
];

for (const crossing of CROSSINGS) {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await crossingMs(crossing));
  times.sort((a, b) => a - b);
  const [median, most] = [times[ROUNDS / 2] ?? 0, times.at(-1) ?? 0];
  console.log(
    `${crossing.name.padEnd(24)} ended ${median.toFixed(0)} ms after crossing, at most ${most.toFixed(0)}`,
  );
}
for (const cost of COSTS) {
  console.log(`${cost.name.padEnd(24)} ${(await costPercent(cost.script)).toFixed(2)} % of a CPU`);
}

async function crossingMs({ limit, step, pause }: (typeof CROSSINGS)[number]): Promise<number> {
  // The interpreter itself has some 8M.
  const child = start(limit + 8, ['python3', '-c', HOG, limit, step, pause].map(String));
  let crossed = 0;
  child.stdout?.once('data', () => {
    crossed = performance.now();
  });
  await once(child, 'close');
  // One that was ended before its next word had crossed the limit less than a step before.
  return crossed === 0 ? 0 : performance.now() - crossed;
}

async function costPercent(script: string): Promise<number> {
  const child = start(100, ['bash', '-c', script]);
  await sleep(8000);
  const begun = { cpu: cpuMs(child), at: performance.now() };
  await sleep(COST_SECONDS * 1000);
  const part = (cpuMs(child) - begun.cpu) / (performance.now() - begun.at);
  // A process group of its own: those that it started go with it.
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await once(child, 'exit');
  return part * 100;
}

function start(mebibytes: number, command: string[]): ChildProcess {
  const limits = ['-p', `MemoryMax=${mebibytes}M`, '-p', 'TasksMax=2000', '-p', 'CPUQuota='];
  const args = ['run', '-q', '--launcher', 'watched', ...limits, '--', ...command];
  return spawn(rlimit, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
}

/** CPU time that rlimit itself has used: fields 14 and 15 of its stat (proc(5)), in 10 ms. */
function cpuMs({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
