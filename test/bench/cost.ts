/**
 * What the guard and the samples of `monitor` cost beside 500 processes: CPU time and resident memory, of
 * each daemon at the same time, in a PID namespace of their own, so that they see these processes and no
 * others. The median of several windows, since caches and the other half of a core are shared with whatever
 * else runs here; the load is told with it.
 *
 *   npm run build; npm run bench:cost [-- --windows 5 --seconds 30 --node /path/to/bin/node --without-churn]
 *   npm run bench:cost -- --day
 *
 * --day takes the samples of a day, 86,400, as fast as it can beside 100 processes, and tells what is held.
 *
 * Needs no root where user namespaces are allowed (unshare(1)).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const PROCESSES = 500;
const WARM_UP_SECONDS = 15;
const PORT = 19_101;
const MOST_PERCENT = 0.5;
const MOST_MEBIBYTES = 64;

/** A daemon of nothing but samples. */
const SAMPLER = `
import { Sampler } from './sampler/index.js';
const sampler = new Sampler();
sampler.sample();
setInterval(() => sampler.sample(), 1000);
`;

/** The samples of a day without the time between them. */
const DAY = `
import { readdirSync } from 'node:fs';
import { Sampler } from './sampler/index.js';
const sampler = new Sampler({ details: Infinity });
const MiB = (bytes) => (bytes / 2 ** 20).toFixed(2).padStart(6) + ' MiB';
const tell = (taken) => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const files = readdirSync('/proc/self/fd').length;
  console.log(String(taken).padStart(6) + ' samples: held ' + MiB(heapUsed + external) +
    ', resident ' + MiB(rss) + ', ' + files + ' open files');
};
for (let taken = 1; taken <= 86_400; taken += 1) {
  sampler.sample();
  if (taken === 1000 || taken % 14_400 === 0) tell(taken);
}
`;

const { values } = parseArgs({
  options: {
    windows: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '30' },
    node: { type: 'string', default: process.execPath },
    'without-churn': { type: 'boolean', default: false },
    day: { type: 'boolean', default: false },
    inside: { type: 'boolean', default: false },
  },
});

/** One of the daemons, and what it may take. */
interface Subject {
  name: string;
  argv: string[];
  mostPercent?: number;
  mostMebibytes?: number;
}

interface Cost {
  percent: number[];
  mebibytes: number;
}

if (values.inside) await measureAll();
else enterNamespace();

/** Starts this again where the first process is our own: what it leaves dies with it. */
function enterNamespace(): void {
  const namespaces = ['--user', '--map-root-user', '--pid', '--mount', '--fork', '--mount-proc'];
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1), '--inside'];
  const { status, error } = spawnSync('unshare', [...namespaces, '--kill-child', ...again], {
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}

async function measureAll(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-bench-'));
  try {
    for (let index = 0; index < (values.day ? 100 : PROCESSES); index += 1) {
      spawn('sleep', ['infinity'], { stdio: 'ignore' });
    }
    if (values.day) return await takeDay(directory);
    const subjects = await prepare(directory);
    const { stdout } = spawnSync(values.node, ['--version'], { encoding: 'utf8' });
    console.log(`Node ${stdout.trim()}, ${values.windows} windows of ${values.seconds} s\n`);
    print(`beside ${PROCESSES} processes that sleep`, subjects, await measure(subjects));
    if (!values['without-churn']) {
      // Some 40 new ones a second.
      for (let index = 0; index < 2; index += 1) {
        spawn('sh', ['-c', 'while :; do sleep 0.04; done'], { stdio: 'ignore' });
      }
      print('and some 40 more a second that come and go', subjects, await measure(subjects));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
    // With the first process of the namespace all others end.
    process.exit();
  }
}

async function prepare(directory: string): Promise<Subject[]> {
  const file = await bundle(directory, SAMPLER);
  const idle = join(directory, 'idle.cjs');
  writeFileSync(idle, 'setInterval(() => {}, 1000);');
  // As long as twice the first threshold is available, it looks in every third interval only.
  const often = join(directory, 'often.yaml');
  writeFileSync(often, 'graduated: { warn_percent: 49 }\n');
  symlinkSync(values.node, join(directory, 'node'));
  const rlimit = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
  // Each guard has a /run of its own: there is one of the machine at a time.
  const guard = (...more: string[]) => [
    ...['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /run; exec "$@"', 'sh'],
    ...['env', `PATH=${directory}:${process.env.PATH}`, rlimit, 'guard', 'run', ...more],
  ];
  const path = `PATH=${directory}:${process.env.PATH}`;
  const listen = ['env', path, rlimit, 'monitor', '--listen', `127.0.0.1:${PORT}`];
  const limits = { mostPercent: MOST_PERCENT, mostMebibytes: MOST_MEBIBYTES };
  return [
    { name: 'a Node that wakes up once a second', argv: [values.node, idle] },
    { name: 'a sample once a second', argv: [values.node, file], mostPercent: MOST_PERCENT },
    { name: 'guard run', argv: guard(), ...limits },
    { name: 'guard run, a look every second', argv: guard('--config', often), ...limits },
    {
      name: 'monitor --listen, asked every second',
      argv: listen,
      mostMebibytes: MOST_MEBIBYTES,
    },
  ];
}

async function takeDay(directory: string): Promise<void> {
  const file = await bundle(directory, DAY);
  // As `rlimit guard run` starts Node: without the limit its young generation grows in such a loop.
  const flags = ['--max-semi-space-size=1', '--expose-gc'];
  await ended(spawn(values.node, [...flags, file], { stdio: ['ignore', 'inherit', 'inherit'] }));
}

async function bundle(directory: string, contents: string): Promise<string> {
  const file = join(directory, 'daemon.mjs');
  await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../../src', import.meta.url)) },
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    outfile: file,
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  return file;
}

/** All at the same time: what disturbs one disturbs the others. */
async function measure(subjects: readonly Subject[]): Promise<Map<Subject, Cost>> {
  const children = new Map(subjects.map((subject) => [subject, start(subject)]));
  const scrape = setInterval(() => {
    fetch(`http://127.0.0.1:${PORT}/metrics`)
      .then((answer) => answer.text())
      .catch(() => {});
  }, 1000);
  try {
    await sleep(WARM_UP_SECONDS * 1000);
    const costs = new Map<Subject, Cost>(
      subjects.map((subject) => [subject, { percent: [], mebibytes: 0 }]),
    );
    for (let window = 0; window < Number(values.windows); window += 1) {
      const before = new Map([...children].map(([subject, child]) => [subject, cpuMs(child)]));
      const at = performance.now();
      await sleep(Number(values.seconds) * 1000);
      const passedMs = performance.now() - at;
      for (const [subject, child] of children) {
        const cost = costs.get(subject);
        cost?.percent.push(((cpuMs(child) - (before.get(subject) ?? 0)) / passedMs) * 100);
        if (cost !== undefined) cost.mebibytes = Math.max(cost.mebibytes, rss(child));
      }
    }
    return costs;
  } finally {
    clearInterval(scrape);
    for (const child of children.values()) child.kill();
    await Promise.all([...children.values()].map(ended));
  }
}

function start({ name, argv: [program = '', ...args] }: Subject): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', (status) => {
    if (status !== null && status !== 0) console.error(`${name} ended with ${status}`);
  });
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** CPU time of all its threads (the first figure of schedstat, in nanoseconds) and of its children. */
function cpuMs({ pid }: ChildProcess): number {
  const threads = readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
    )
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // cutime and cstime in hundredths of a second (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return threads + (Number(fields[13]) + Number(fields[14])) * 10;
}

function rss({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function print(title: string, subjects: readonly Subject[], costs: Map<Subject, Cost>): void {
  const load = loadavg().map((each) => each.toFixed(1));
  console.log(`${title} (load ${load.join(', ')})`);
  for (const subject of subjects) {
    const { percent, mebibytes } = costs.get(subject) ?? { percent: [], mebibytes: Number.NaN };
    const { mostPercent = Number.POSITIVE_INFINITY, mostMebibytes = Number.POSITIVE_INFINITY } =
      subject;
    const sorted = percent.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    const isFine = median <= mostPercent && mebibytes <= mostMebibytes;
    if (!isFine) process.exitCode = 1;
    const [least, most] = [sorted[0], sorted.at(-1)].map((each = Number.NaN) => each.toFixed(2));
    console.log(
      `${isFine ? 'ok  ' : 'MISS'} ${subject.name.padEnd(38)} ${median.toFixed(2)} % of a core ` +
        `(${least} to ${most}), ${mebibytes.toFixed(1)} MiB`,
    );
  }
  console.log('');
}
