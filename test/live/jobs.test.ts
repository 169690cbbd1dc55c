import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredOutcome } from '../../src/state/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { expectNothingLeft } from './nothing-left.js';

const isHome = isHomeSuite('bookworm');

const dir = '/tmp/jobs';
/** Looks are seconds apart at most on a machine as slow as this. */
const SECONDS = 5;

/** A recipe of one process of that size; make executes it without a shell. */
const job = (name: string, mebibytes: number) =>
  `${name}:\n\tpython3 /opt/rlimit/fixtures/job.py ${mebibytes} ${SECONDS} ${dir}/size.${name}\n`;

const makefile = `.PHONY: sub
all: a b c sub
sub:
\tcd ${dir}/sub && $(MAKE)
${job('a', 24)}${job('b', 48)}${job('c', 72)}`;
const subMakefile = `all: d e f\n${job('d', 36)}${job('e', 60)}${job('f', 84)}`;

/** It starts two processes that only a profile can know as jobs. */
const script = `
./a-simulator-with-a-long-name ${SECONDS} &
./a-simulator-with-a-long-name ${SECONDS} &
sleep ${SECONDS}
wait
`;
const profile = `limits:
  MemoryMax: 500M
jobs:
  memory: 10M-20M
  processes: [a-simulator-with-a-long-name]
`;

/** Writes a file in the machine. */
async function write(path: string, text: string): Promise<void> {
  const { status } = await machine.exec(
    `mkdir -p "$(dirname ${path})" && base64 -d >${path} <<<${Buffer.from(text).toString('base64')}`,
  );
  expect(status).toBe(0);
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse((await machine.exec(`cat ${path}`)).stdout) as T;
}

beforeAll(async () => {
  await write(`${dir}/Makefile`, makefile);
  await write(`${dir}/sub/Makefile`, subMakefile);
  await write(`${dir}/simulate.sh`, script);
  await write('.config/rlimit/profiles/simulation.yaml', profile);
  await machine.exec(`cp "$(command -v sleep)" ${dir}/a-simulator-with-a-long-name`);
});

afterAll(async () => {
  await machine.exec(`rm -rf ${dir} .config/rlimit/profiles/simulation.yaml .local/state/rlimit`);
});

describe('the jobs of a run', () => {
  it('are those of make and its sub-makes, each with its own peak', async () => {
    const { status, stderr } = await machine.exec(
      `rlimit run default -p MemoryMax=1G -p CPUQuota= --unit jobs --report ${dir}/outcome.json -- make -j3`,
      { cwd: dir, timeoutMs: 200_000 },
    );
    expect(status).toBe(0);
    const outcome = await read<StoredOutcome>(`${dir}/outcome.json`);
    const { stdout } = await machine.exec(
      `cd ${dir} && for n in a b c d e f; do cat size.$n; echo; done`,
    );
    const sizes = stdout
      .trim()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b);
    expect(outcome.jobFigures).toMatchObject({
      seen: 6,
      concurrency: { most: 3 },
      names: { python3: 6 },
    });
    const { median = 0, max = 0 } = outcome.jobFigures?.memory ?? {};
    expect(Math.abs(median / (sizes[2] ?? 0) - 1)).toBeLessThan(0.1);
    expect(Math.abs(max / (sizes[5] ?? 0) - 1)).toBeLessThan(0.1);
    expect(outcome.jobFigures?.concurrency.mean).toBeGreaterThan(1.5);
    const { memory = [], jobs = [] } = outcome.series ?? {};
    expect(Math.max(...jobs)).toBe(3);
    // Three at once, each larger than the smallest.
    expect(Math.max(...memory)).toBeGreaterThan(3 * (sizes[0] ?? 0));
    expect(stderr.replace(/\s+/g, ' ')).toContain('rlimit: jobs: 6 seen, 3 at most, median ');
    const one = await machine.exec('rlimit history jobs');
    expect(one.stdout).toMatch(/^ {2}jobs {6}6 seen, 3 at most, /m);
    await expectNothingLeft();
  });

  if (isHome)
    it('are also those that the profile names, and without any there is nothing to tell', async () => {
      const run = (name: string) =>
        `rlimit run ${name} -q --report ${dir}/${name}.json -- sh simulate.sh`;
      const { status } = await machine.exec(`${run('simulation')} & ${run('default')}; wait $!`, {
        cwd: dir,
        timeoutMs: 100_000,
      });
      expect(status).toBe(0);
      const named = await read<StoredOutcome>(`${dir}/simulation.json`);
      expect(named.jobFigures).toMatchObject({
        seen: 2,
        concurrency: { most: 2 },
        names: { 'a-simulator-wit': 2 },
      });
      const other = await read<StoredOutcome>(`${dir}/default.json`);
      expect(other).not.toHaveProperty('jobFigures');
      expect(other).not.toHaveProperty('series');
      await expectNothingLeft();
    });
});
