/**
 * What `--jobs auto` is worth, on a machine of the live tests whose clock counts instructions, so that
 * a busy host changes nothing: a build of 40 jobs of 40 to 400 MB under a limit of 1 GB, against the
 * best -j that a sweep finds for the very same build; the same for a real one; and what it costs where
 * memory is plenty. Times compare only with times of the same run.
 *
 *   npx tsx test/bench/jobserver.ts [--seeds N] [--from SEED] [--only pressure,real,plenty] [--out FILE]
 *     [--plot FILE]
 *
 * RLIMIT_LIVE=bookworm chooses another machine than trixie. FILE gets all figures as JSON, with the
 * memory, jobs and tokens of each build over time; --plot draws the first one under `--jobs auto`. Run `npm run build` before. Ten seeds take about an
 * hour and a half.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Outcome } from '../../src/model/index.js';
import { svgOf } from '../../src/render/svg.js';
import { bootMachine, type LiveMachine } from '../live/machine.js';
import { parseSuite } from '../live/suites.js';
import { ensureHostPackages } from '../setup/host.js';
import { draw } from '../unit/jobserver/builds.js';

const JOBS = 40;
const LIMIT = '1G';
const MOST_JOBS = 8;
/** A sweep goes down from the most jobs, until so many builds in a row have come to their end. */
const SURVIVORS = 2;
const ROUNDS = 5;
const PLACE = '/home/dev/bench';
const PROFILES = {
  // Jobs sleep more than they compute, so more of them fit on the one processor.
  large: { memory: '40M-400M', limit: LIMIT },
  small: { memory: '10M-20M', limit: LIMIT },
  // One of the files has about this much, and then two at a time are too many.
  proofs: { memory: '100M-400M', limit: '560M' },
};
type ProfileName = keyof typeof PROFILES;

interface Build {
  /** `-j3`, or `auto`. */
  jobs: string;
  seconds: number;
  /** Came to its end, and the kernel killed nothing. */
  survived: boolean;
  outcome: Pick<Outcome, 'series' | 'jobserver' | 'jobFigures'> & { oomKills: number | undefined };
}

interface Result {
  what: string;
  measured: number;
  atMost: number;
  figures: string;
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    only: { type: 'string', default: 'pressure,real,plenty' },
    out: { type: 'string' },
    plot: { type: 'string' },
  },
});
const parts = { pressure, real, plenty };
await ensureHostPackages();
const suite = parseSuite(process.env.RLIMIT_LIVE ?? 'trixie');
const machine = await bootMachine(suite, { memoryMiB: 2560, clock: 'instructions' });
const results: Result[] = [];
const builds: Record<string, Build[]> = {};
try {
  await prepare(machine);
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only.split(',').includes(name)) results.push(...(await measure(machine)));
  }
} finally {
  await machine.close();
}
if (values.out !== undefined) {
  await writeFile(values.out, JSON.stringify({ suite, limit: LIMIT, results, builds }, null, 1));
}
const drawn = builds[`seed ${values.from}`]?.at(-1);
if (values.plot !== undefined && drawn !== undefined) await writeFile(values.plot, plotted(drawn));
print();

/** The same 40 jobs under every -j from the most down, and then under `--jobs auto`. */
async function pressure(live: LiveMachine): Promise<Result[]> {
  const ratios: number[] = [];
  const first = Number(values.from);
  for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
    const random = draw(seed);
    await writeMakefile(
      live,
      Array.from({ length: JOBS }, () => 40 + 360 * random()),
    );
    ratios.push(await againstSweep(live, 'large', MOST_JOBS, `seed ${seed}`));
  }
  const what = `${JOBS} jobs of 40 to 400 MB under ${LIMIT}`;
  return compared(what, ratios);
}

/** The proofs that rlimit brings along as an example. */
async function real(live: LiveMachine): Promise<Result[]> {
  await live.exec(`rm -rf ${PLACE}; cp -r /opt/rlimit/examples/proofs ${PLACE}`);
  const ratio = await againstSweep(live, 'proofs', 4, 'proofs');
  return compared(`a Coq build under ${PROFILES.proofs.limit}`, [ratio]);
}

/** @returns the time under `--jobs auto` by that of the best -j; not a number where it was killed */
async function againstSweep(live: LiveMachine, profile: ProfileName, most: number, name: string) {
  const swept = await sweep(live, profile, most);
  const auto = await build(live, profile, 'auto');
  builds[name] = [...swept, auto];
  console.log(`${name}: ${[...swept, auto].map(shown).join(', ')}`);
  const best = Math.min(...swept.filter(({ survived }) => survived).map((one) => one.seconds));
  return auto.survived ? auto.seconds / best : Number.NaN;
}

function compared(what: string, ratios: number[]): Result[] {
  const survived = ratios.filter((ratio) => !Number.isNaN(ratio));
  const mean = survived.reduce((sum, ratio) => sum + ratio, 0) / survived.length;
  const kills = ratios.length - survived.length;
  const figures = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
  return [
    { what: `${what}: builds that were killed`, measured: kills, atMost: 0, figures: '' },
    { what: `${what}: --jobs auto ÷ best -j of a sweep`, measured: mean, atMost: 1.15, figures },
  ];
}

async function sweep(live: LiveMachine, profile: ProfileName, most: number): Promise<Build[]> {
  const swept: Build[] = [];
  for (let jobs = most; jobs > 0; jobs -= 1) {
    swept.push(await build(live, profile, `-j${jobs}`));
    if (swept.filter(({ survived }) => survived).length >= SURVIVORS) break;
  }
  return swept;
}

/** Jobs so small that memory does not matter, with and without, in turn. */
async function plenty(live: LiveMachine): Promise<Result[]> {
  await writeMakefile(live, Array<number>(JOBS).fill(8));
  const what = `${JOBS} jobs of 8 MB: --jobs auto ÷ -j${MOST_JOBS}`;
  return [{ what, ...(await inTurn(live, 'small', `-j${MOST_JOBS}`)), atMost: 1.02 }];
}

/** Medians, since waiting takes as long as the host lets it. */
async function inTurn(live: LiveMachine, profile: ProfileName, fixed: string) {
  const pairs: [Build, Build][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    pairs.push([await build(live, profile, fixed), await build(live, profile, 'auto')]);
    console.log(`${profile}: ${pairs.at(-1)?.map(shown).join(', ')}`);
  }
  builds[profile] = pairs.flat();
  if (!pairs.flat().every(({ survived }) => survived))
    throw new Error(`A build of ${profile} failed.`);
  const [without, auto] = [0, 1].map((at) => median(pairs.map((pair) => pair[at]?.seconds ?? 0)));
  const figures = `${auto?.toFixed(2)} s ÷ ${without?.toFixed(2)} s, medians of ${ROUNDS}`;
  return { measured: (auto ?? Number.NaN) / (without ?? Number.NaN), figures };
}

/** Builds everything, and tells how long that took in there. */
async function build(live: LiveMachine, profile: ProfileName, jobs: string): Promise<Build> {
  // The history of the builds before would tell what to expect.
  await live.exec(`rm -rf ~/.local/state/rlimit; make -s clean >/dev/null 2>&1`, { cwd: PLACE });
  const [auto, make] = jobs === 'auto' ? ['--jobs auto', 'make'] : ['', `make ${jobs}`];
  const { stdout } = await live.exec(
    `start=$(date +%s%N)
     rlimit run ${auto} -q ${profile} -p MemoryMax=${PROFILES[profile].limit} --report /tmp/report.json -- ${make} >/tmp/log 2>&1
     status=$?; end=$(date +%s%N)
     echo $status $(((end - start) / 1000000)); cat /tmp/report.json`,
    { cwd: PLACE, timeoutMs: 1_200_000 },
  );
  const [first = '', ...rest] = stdout.split('\n');
  const [status = Number.NaN, milliseconds = Number.NaN] = first.split(' ').map(Number);
  const { series, jobserver, jobFigures, figures } = JSON.parse(rest.join('\n')) as Outcome;
  const seen = {
    ...(series && { series }),
    ...(jobserver && { jobserver }),
    ...(jobFigures && { jobFigures }),
  };
  const built = {
    jobs,
    seconds: milliseconds / 1000,
    survived: status === 0 && !figures.oomKills,
    outcome: { ...seen, oomKills: figures.oomKills },
  };
  console.log(`  ${shown(built)}`);
  return built;
}

/** Jobs that take their memory in a second and then hold it as long. */
async function writeMakefile(live: LiveMachine, mebibytes: number[]): Promise<void> {
  const names = mebibytes.map((_, index) => `job${index}`);
  const rules = mebibytes.map(
    (size, index) =>
      `job${index}:\n\t@python3 -IS /opt/rlimit/fixtures/grow.py ${Math.round(size)} 1\n`,
  );
  await live.exec(`rm -rf ${PLACE}; mkdir -p ${PLACE}`);
  const text = `all: ${names.join(' ')}\nclean:\n.PHONY: all clean ${names.join(' ')}\n`;
  await live.writeFile(`${PLACE}/Makefile`, `${text}${rules.join('')}`);
}

async function prepare(live: LiveMachine): Promise<void> {
  await live.exec('mkdir -p ~/.config/rlimit/profiles');
  for (const [name, { memory }] of Object.entries(PROFILES)) {
    await live.writeFile(
      `/home/dev/.config/rlimit/profiles/${name}.yaml`,
      `jobs: {memory: ${memory}, cores: 0.13}\nlimits: {MemorySwapMax: 0, OOMPolicy: stop}\n`,
    );
  }
}

/** The course of a build, as `rlimit tune --plot` draws it. */
function plotted({ seconds, outcome: { series } }: Build): string {
  if (series === undefined) throw new Error('Nothing was seen of that build over time.');
  const run = {
    ...{ id: '', unit: `${JOBS} jobs of 40 to 400 MB under --jobs auto`, verdict: 'finished' },
    ...{ started: Date.now(), elapsedMs: seconds * 1000, limit: 2 ** 30, ...series },
  };
  return svgOf({ profile: 'large', run });
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function shown({ jobs, seconds, survived, outcome }: Build): string {
  const frozen = outcome.jobserver?.freezes ?? 0;
  const notes = [...(survived ? [] : ['killed']), ...(frozen > 0 ? [`${frozen} frozen`] : [])];
  return `${jobs} ${seconds.toFixed(1)} s${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function print(): void {
  console.log(`\non ${suite}\n`);
  for (const { what, measured, atMost, figures } of results) {
    const verdict = measured <= atMost ? 'ok  ' : 'MISS';
    console.log(`${verdict} ${measured.toFixed(2)} (at most ${atMost}): ${what}`);
    if (figures !== '') console.log(`     ${figures}`);
  }
  if (results.some(({ measured, atMost }) => !(measured <= atMost))) process.exitCode = 1;
}
