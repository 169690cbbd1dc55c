/**
 * How soon a hog is dead once a threshold is crossed: the guard beside earlyoom, in turns, with what a
 * bystander feels meanwhile. On a machine of the live tests whose clock counts instructions, so that a busy
 * host changes nothing; as fast as a processor of 1 GHz, with one core, and times compare only with times of
 * the same run.
 *
 *   npm run build; npm run bench:guard [-- --rounds 10]
 *
 * RLIMIT_LIVE=bookworm chooses another machine than trixie. Ten rounds take about a quarter of an hour.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootMachine, type LiveMachine } from '../live/machine.js';
import { parseSuite } from '../live/suites.js';
import { ensureHostPackages } from '../setup/host.js';

/** The guard may take so many times as long as earlyoom. */
const AT_MOST = 1.5;

interface Round {
  killed: boolean;
  ms: number;
  late: number;
  touch: number;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } });
await ensureHostPackages();
const suite = parseSuite(process.env.RLIMIT_LIVE ?? 'trixie');
const machine = await bootMachine(suite, { memoryMiB: 2560, clock: 'instructions' });
const found: Record<'guard' | 'earlyoom', Round[]> = { guard: [], earlyoom: [] };
try {
  const script = await readFile(join(import.meta.dirname, 'kill.py'));
  await machine.writeFile('/tmp/kill.py', script);
  for (let index = 0; index < Number(values.rounds); index += 1) {
    for (const name of ['guard', 'earlyoom'] as const) {
      found[name].push(await round(machine, name));
    }
  }
} finally {
  await machine.close();
}
print();

async function round(live: LiveMachine, name: string): Promise<Round> {
  const { stdout, stderr } = await live.exec(['python3', '/tmp/kill.py', name], {
    user: 'root',
    timeoutMs: 300_000,
  });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`${name} could not be measured: ${stderr}`);
  const seen = JSON.parse(last) as Round;
  const text = seen.killed ? `${seen.ms.toFixed(0)} ms` : 'did not end it';
  console.log(`  ${name.padEnd(8)} ${text}, bystander ${seen.late.toFixed(0)} ms late`);
  return seen;
}

function print(): void {
  const median = (name: keyof typeof found) => medianOf(found[name].map(({ ms }) => ms));
  const ratio = median('guard') / median('earlyoom');
  const killed = Object.values(found).flat();
  const isFine = ratio <= AT_MOST && killed.every((each) => each.killed);
  if (!isFine) process.exitCode = 1;
  console.log(`\non ${suite}, ${values.rounds} rounds each\n`);
  for (const [name, rounds] of Object.entries(found)) {
    const times = rounds.map(({ ms }) => ms);
    const range = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`;
    console.log(
      `${name.padEnd(8)} median ${medianOf(times).toFixed(0)} ms (${range}); a bystander, at the worst: ` +
        `${medianOf(rounds.map(({ late }) => late)).toFixed(0)} ms late, ` +
        `${medianOf(rounds.map(({ touch }) => touch)).toFixed(0)} ms to touch 8 MiB (medians)`,
    );
  }
  console.log(`${isFine ? 'ok  ' : 'MISS'} ${ratio.toFixed(2)} × earlyoom (at most ${AT_MOST})`);
}

function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
