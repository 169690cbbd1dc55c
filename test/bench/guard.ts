/**
 * How soon a hog is dead once a threshold is crossed: the guard beside earlyoom, in turns, on this
 * machine, with what a bystander feels meanwhile. Thresholds are put a little below what is available
 * now, so that the hog stays small; all of it runs as a user who owns nothing else.
 *
 *     npm run build; npx tsx test/bench/guard.ts /usr/bin/earlyoom [TIMES]
 *
 * Needs root (to become that user), /usr/bin/python3 and setpriv. What is not the user's cannot be ended by either.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [, , earlyoom = '/usr/bin/earlyoom', times = '10'] = process.argv;
const UID = 54_321;
const directory = mkdtempSync(`${tmpdir()}/rlimit-bench-`);
chmodSync(directory, 0o777);
const rlimit = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const guzzler = `${directory}/guzzler`;
const python = '/usr/bin/python3';
copyFileSync(realpathSync(python), guzzler);

/** Takes memory until the threshold is crossed, and 30 ms longer; says when that was. */
const HOG = `
import sys, time
def available():
    lines = dict(line.split(':') for line in open('/proc/meminfo'))
    part = lambda name: int(lines[name].split()[0])
    return 100 * part('MemAvailable') / part('MemTotal')
blocks = []
while available() > float(sys.argv[1]):
    blocks.append(bytearray(b'x' * 4194304))
print(time.monotonic_ns(), flush=True)
end = time.monotonic() + 0.03
while time.monotonic() < end:
    blocks.append(bytearray(b'x' * 1048576))
time.sleep(10)
`;

/** Wants to run every 5 ms; says at the end how late it was at the worst, in ms. */
const BYSTANDER = `
import signal, sys, time
worst = 0
def end(*_):
    print(worst * 1000, flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True:
    before = time.monotonic()
    time.sleep(0.005)
    worst = max(worst, time.monotonic() - before - 0.005)
`;

const asUser = (argv: readonly string[], stdout: 'pipe' | 'ignore' = 'ignore'): ChildProcess =>
  spawn('setpriv', ['--reuid', `${UID}`, '--regid', `${UID}`, '--clear-groups', ...argv], {
    stdio: ['ignore', stdout, 'ignore'],
    // Without SHELL oclif would look the user up, who has no account.
    env: { PATH: process.env.PATH, HOME: directory, SHELL: '/bin/sh' },
  });

function availablePercent(): number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const part = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  return (100 * part('MemAvailable')) / part('MemTotal');
}

function startKiller(name: string, percent: number): ChildProcess {
  if (name === 'earlyoom') {
    const options = ['-m', `${percent},1`, '-s', '100,100', '-r', '0', '--prefer', '^guzzler$'];
    return asUser([earlyoom, ...options]);
  }
  const file = `${directory}/guard.yaml`;
  writeFileSync(
    file,
    JSON.stringify({
      graduated: { enabled: false },
      managed_processes: [],
      backstop: { term_percent: percent, kill_percent: 1, prefer: ['guzzler'] },
    }),
  );
  return asUser([rlimit, 'guard', 'run', '--config', file]);
}

const outputOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.once('close', () => resolve(text));
  });

async function round(name: string): Promise<{ ms: number; lateMs: number } | undefined> {
  const percent = Math.floor(availablePercent()) - 3;
  const killer = startKiller(name, percent);
  await sleep(3000);
  const bystander = asUser([python, '-c', BYSTANDER], 'pipe');
  const felt = outputOf(bystander);
  const hog = asUser([guzzler, '-c', HOG, `${percent}`], 'pipe');
  let diedNs = 0n;
  hog.once('exit', () => {
    diedNs = process.hrtime.bigint();
  });
  const crossed = (await outputOf(hog)).trim();
  const wasKilled = hog.signalCode !== null;
  bystander.kill('SIGTERM');
  killer.kill('SIGTERM');
  const lateMs = Number(await felt);
  await sleep(500);
  if (!wasKilled || crossed === '') return undefined;
  return { ms: Number(diedNs - BigInt(crossed)) / 1e6, lateMs };
}

const median = (figures: number[]) =>
  figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;

const found: Record<string, { ms: number; lateMs: number }[]> = { guard: [], earlyoom: [] };
for (let tries = 0; tries < 3 * Number(times); tries += 1) {
  for (const [name, figures] of Object.entries(found)) {
    if (figures.length >= Number(times)) continue;
    const figure = await round(name);
    console.log(
      `${name} ${figure === undefined ? 'did not end it' : `${figure.ms.toFixed(0)} ms`}`,
    );
    if (figure !== undefined) figures.push(figure);
  }
}
for (const [name, figures] of Object.entries(found)) {
  const all = figures.map(({ ms }) => ms);
  console.log(
    `${name.padEnd(9)} ${figures.length} rounds: median ${median(all).toFixed(0)} ms, ` +
      `from ${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}; a bystander was late by ` +
      `${median(figures.map(({ lateMs }) => lateMs)).toFixed(0)} ms (median of the worst)`,
  );
}
rmSync(directory, { recursive: true, force: true });
