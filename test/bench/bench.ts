/**
 * What rlimit costs, as ratios taken in one run on a machine of the live tests: absolute times of an
 * emulated machine mean nothing. RLIMIT_LIVE=bookworm chooses another machine than trixie.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { bootMachine, type LiveMachine } from '../live/machine.js';
import { parseSuite } from '../live/suites.js';
import { ensureHostPackages } from '../setup/host.js';

interface Result {
  what: string;
  measured: number;
  atMost: number;
  unit: string;
  figures: string;
}

const ROUNDS = 15;
const SCOPES = 200;

await ensureHostPackages();
const suite = parseSuite(process.env.RLIMIT_LIVE ?? 'trixie');
const machine = await bootMachine(suite);
const results: Result[] = [];
try {
  const script = await readFile(join(import.meta.dirname, 'measure.py'));
  await machine.writeFile('/tmp/measure.py', script);
  for (const measure of [startOfRun, memoryOfRun, inspectOfMany]) {
    results.push(await measure(machine));
  }
} finally {
  await machine.close();
}
results.push(await installedSize());
print(results);

/** A Node that does nothing but start systemd-run: no rlimit can be faster than that. */
const FLOOR = `node -e 'require("child_process").spawn("systemd-run",
  ["--user", "--scope", "--quiet", "true"], { stdio: "inherit" })'`;

/** `rlimit run true` against what it cannot do without: a Node that starts, and systemd-run. */
async function startOfRun(live: LiveMachine): Promise<Result> {
  const [run, node, systemdRun, floor] = await times(live, [
    'rlimit run -q default -- true',
    'node -e 0',
    'systemd-run --user --scope --quiet true',
    FLOOR,
  ]);
  const least = node + systemdRun;
  return {
    what: '`run` of `true` ÷ (`node -e 0` + `systemd-run --scope true`)',
    measured: run / least,
    atMost: 1.25,
    unit: '×',
    figures:
      `${ms(run)} ÷ (${ms(node)} + ${ms(systemdRun)}); ` +
      `a Node that only spawns systemd-run has ${(floor / least).toFixed(2)} ×`,
  };
}

async function memoryOfRun(live: LiveMachine): Promise<Result> {
  const { stdout } = await live.exec(`
    node -e 'setTimeout(() => {}, 1e6)' & bare=$!
    rlimit run -q default -- sleep 1000 & run=$!
    until pgrep -x sleep >/dev/null; do sleep 0.1; done; sleep 2
    for pid in $run $bare; do awk '/^VmRSS/ {print $2}' /proc/$pid/status; done
    kill $bare; rlimit kill --scope >/dev/null; wait`);
  const [run = Number.NaN, bare = Number.NaN] = stdout.trim().split('\n').map(Number);
  return {
    what: 'resident memory of `run` while the command runs',
    measured: run / 1024,
    atMost: 48,
    unit: 'MiB',
    figures: `an idle \`node -e\` has ${(bare / 1024).toFixed(1)} MiB`,
  };
}

async function inspectOfMany(live: LiveMachine): Promise<Result> {
  await live.exec(
    // One after the other: systemd of an emulated machine does not keep up with all at once.
    `for i in $(seq ${SCOPES}); do
       systemd-run --user --scope --quiet --unit=rlimit-bench-$i --slice=app-rlimit.slice \
         -p MemoryMax=64M -p TasksMax=50 sleep 10000 &
       until [ "$(pgrep -cx sleep)" = $i ]; do :; done
     done`,
    { timeoutMs: 300_000 },
  );
  const [inspect, show, node] = await times(live, [
    'rlimit inspect --json',
    "systemctl --user show 'rlimit-*.scope'",
    'node -e 0',
  ]);
  await live.exec('rlimit kill --scope', { timeoutMs: 300_000 });
  return {
    what: `\`inspect\` of ${SCOPES} scopes ÷ (\`systemctl show\` of them + \`node -e 0\`)`,
    measured: inspect / (show + node),
    atMost: 2,
    unit: '×',
    figures: `${ms(inspect)} ÷ (${ms(show)} + ${ms(node)})`,
  };
}

/** Size of the packages that an installation brings with it. */
async function installedSize(): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'rlimit-bench-'));
  try {
    await execa('cp', ['package.json', 'package-lock.json', directory]);
    const install = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
    await execa('npm', install, { cwd: directory });
    const { stdout } = await execa('du', ['-sk', join(directory, 'node_modules')]);
    return {
      what: 'run-time dependencies, installed',
      measured: Number.parseInt(stdout, 10) / 1024,
      atMost: 25,
      unit: 'MiB',
      figures: '',
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Medians<T> = { [K in keyof T]: number };

/** Median seconds of each command, timed in turn. */
async function times<const T extends readonly string[]>(
  live: LiveMachine,
  commands: T,
): Promise<Medians<T>> {
  const { stdout, stderr, status } = await live.exec(
    ['python3', '/tmp/measure.py', String(ROUNDS), ...commands],
    { timeoutMs: 600_000 },
  );
  if (status !== 0) throw new Error(`could not measure ${commands.join('; ')}: ${stderr}`);
  return (JSON.parse(stdout) as number[][]).map(median) as Medians<T>;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function ms(seconds: number): string {
  return `${(seconds * 1000).toFixed(0)} ms`;
}

function print(all: readonly Result[]): void {
  console.log(`on ${suite}, medians of ${ROUNDS} rounds\n`);
  for (const { what, measured, atMost, unit, figures } of all) {
    const verdict = measured <= atMost ? 'ok  ' : 'MISS';
    console.log(`${verdict} ${measured.toFixed(2)} ${unit} (at most ${atMost}): ${what}`);
    if (figures !== '') console.log(`     ${figures}`);
  }
  if (all.some(({ measured, atMost }) => !(measured <= atMost))) process.exitCode = 1;
}
