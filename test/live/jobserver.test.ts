import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/index.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';
import { expectNothingLeft } from './nothing-left.js';

const isHome = isHomeSuite('bookworm');

const place = '/home/dev/jobserver';
const run = 'rlimit run --jobs auto mine';

/** Jobs that each say how many there are; `size` in MiB, and how long they take to grow. */
async function build(jobs: number, size: number, seconds: number, fixture = 'grow.py') {
  const names = Array.from({ length: jobs }, (_, index) => `job${index}`);
  const job = (out: string) =>
    `touch running.${out}; ls -d running.* 2>&- | wc -l >>counts; ` +
    `python3 /opt/rlimit/fixtures/${fixture} ${size} ${seconds} >/dev/null; rm running.${out}`;
  await machine.exec(`rm -rf ${place}; mkdir ${place}`);
  await machine.writeFile(
    `${place}/Makefile`,
    `all: ${names.join(' ')}\n${names.join(' ')}:\n\t@${job('$@')}\n` +
      `inner:\n\t+@rlimit run --jobs auto mine -- $(MAKE) all 2>inner.log\n`,
  );
  await machine.writeFile(
    `${place}/build.ninja`,
    `rule job\n  command = ${job('$out')}\n${names.map((name) => `build ${name}: job\n`).join('')}`,
  );
}

/** What the run said at its end, and the most jobs at a time that its jobs saw. */
async function outcomeOf(stderr: string): Promise<{ outcome: Outcome; most: number }> {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  const { stdout } = await machine.exec('sort -n counts | tail -1', { cwd: place });
  return { outcome: JSON.parse(line), most: Number(stdout) };
}

/** Kills that the kernel counted are the failure that all of this is against. */
function expectNoKill({ figures, verdict, status }: Outcome): void {
  expect({ status, id: verdict.id, kills: figures.oomKills }).toEqual({
    ...{ status: 0, id: 'finished', kills: 0 },
  });
}

beforeAll(async () => {
  await machine.exec('mkdir -p ~/.config/rlimit/profiles');
  await machine.writeFile(
    '/home/dev/.config/rlimit/profiles/mine.yaml',
    'jobs: {memory: 60M-90M, cores: 0.25}\nlimits: {MemorySwapMax: 0, OOMPolicy: continue}\n',
  );
});

afterAll(async () => {
  await machine.exec(`rm -rf ~/.config/rlimit/profiles ${place}`);
});

describe('make under --jobs auto', () => {
  it('runs as many jobs as fit under the limit', async () => {
    await build(10, 60, 0.5);
    const { stderr } = await machine.exec(`${run} -p MemoryMax=300M --json -- make`, {
      cwd: place,
    });
    const { outcome, most } = await outcomeOf(stderr);
    expectNoKill(outcome);
    expect(most).toBeGreaterThan(1);
    expect(outcome.jobserver).toMatchObject({ style: 'pipe', cap: 7, surplus: 0, kills: 0 });
    expect(outcome.jobserver?.most).toBeGreaterThan(0);
    // One may come and go between two looks of a slow machine.
    expect(outcome.jobFigures?.seen).toBeGreaterThan(5);
    expect(outcome.series?.tokens?.length).toBeGreaterThan(0);
    await expectNothingLeft();
  });

  if (isHome)
    it('stops jobs that are larger than was expected, instead of losing one', async () => {
      await build(8, 120, 4);
      const { stderr } = await machine.exec(`${run} -p MemoryMax=300M --json -- make`, {
        cwd: place,
      });
      const { outcome } = await outcomeOf(stderr);
      expectNoKill(outcome);
      await expectNothingLeft();
    });

  if (isHome)
    it('follows a limit that is changed meanwhile', async () => {
      await build(14, 60, 1);
      const started = await machine.spawn(`${run} --unit moving -p MemoryMax=110M --json -- make`, {
        cwd: place,
      });
      await machine.exec('until [ -s counts ]; do sleep 0.1; done; sleep 2', { cwd: place });
      const before = await machine.exec('sort -n counts | tail -1', { cwd: place });
      expect(Number(before.stdout)).toBe(1);
      expect((await machine.exec('rlimit tune moving.scope -p MemoryMax=600M')).status).toBe(0);
      const { stderr } = await started.wait();
      const { outcome, most } = await outcomeOf(stderr);
      expectNoKill(outcome);
      expect(most).toBeGreaterThan(2);
      await expectNothingLeft();
    });

  if (isHome)
    it('shares its tokens with a run inside of it', async () => {
      await build(8, 60, 0.5);
      const { stderr } = await machine.exec(`${run} -p MemoryMax=400M --json -- make inner`, {
        cwd: place,
      });
      const { outcome, most } = await outcomeOf(stderr);
      expectNoKill(outcome);
      expect(most).toBeGreaterThan(1);
      const { stdout } = await machine.exec('cat inner.log', { cwd: place });
      expect(stdout.replace(/\s+/g, ' ')).toContain('--jobs auto makes no other one');
      await expectNothingLeft();
    });

  if (isHome)
    it('says it when one job alone fills the limit', async () => {
      await build(1, 200, 3);
      const { stderr } = await machine.exec(`${run} -p MemoryMax=120M -- make`, {
        cwd: place,
      });
      expect(stderr.replace(/\s+/g, ' ')).toMatch(
        /one job alone \(python3.*\) fills the 120M it may have/,
      );
      await expectNothingLeft();
    });
});

describe('ninja under --jobs auto', () => {
  it('runs as many jobs as fit, where it asks a jobserver; where it does not that is said', async () => {
    await build(8, 60, 0.5);
    const { stdout: version } = await machine.exec('ninja --version');
    const { stderr } = await machine.exec(`${run} -p MemoryMax=300M --json -- ninja`, {
      cwd: place,
    });
    const { outcome, most } = await outcomeOf(stderr);
    if (Number(version.split('.')[1]) >= 13) {
      expectNoKill(outcome);
      expect(outcome.jobserver?.style).toBe('fifo');
      expect(most).toBeGreaterThan(1);
    } else {
      expect(stderr).toContain('asks no jobserver');
      expect(outcome.jobserver?.style).toBe('pipe');
    }
    await expectNothingLeft();
  });
});

const JOBS = "pgrep -f '^python3 /opt/rlimit/fixtures'";
const states = `ps -o state= -p "$(${JOBS} -d,)" | sort -u | tr -d "\\n"`;
const untilFrozen = `until ${states} 2>&- | grep -q T; do sleep 0.05; done`;

describe('a build with stopped jobs', () => {
  if (isHome)
    it('stands still at Ctrl-Z, and goes on with fg', async () => {
      await build(6, 100, 3);
      const shell = await machine.spawn(['bash', '--norc', '-i'], {
        tty: true,
        env: { TERM: 'dumb' },
        cwd: place,
      });
      shell.write(`PS1=; ${run} -q -p MemoryMax=300M -- make\n`);
      await machine.exec('until [ $(wc -l <counts) -ge 3 ]; do sleep 0.1; done', { cwd: place });
      shell.write('\x1a');
      await expect
        .poll(async () => (await machine.exec(states)).stdout, { timeout: 20_000 })
        .toBe('T');
      shell.write('fg; echo "status $?"\n');
      await shell.waitForOutput('status 0', 120_000);
      shell.write('exit\n');
      await shell.wait();
      await expectNothingLeft();
    });

  if (isHome)
    it('is ended whole by rlimit kill', async () => {
      // No job grows further once one is stopped: nothing ends before `rlimit kill` has started.
      const job = `python3 /opt/rlimit/fixtures/until.py ${place}/enough 5`;
      await machine.exec(`rm -rf ${place}; mkdir ${place}`);
      await machine.writeFile(`${place}/Makefile`, `all: a b c\na b c:\n\t@${job}\n`);
      const started = await machine.spawn(
        `exec ${run} -q --unit frozen -p MemoryMax=300M -- make`,
        { cwd: place },
      );
      await machine.exec(`${untilFrozen}; touch ${place}/enough`);
      expect(await machine.exec('rlimit kill frozen.scope')).toMatchObject({ status: 0 });
      expect((await started.wait()).status).not.toBe(0);
      expect((await machine.exec(JOBS)).stdout).toBe('');
      await expectNothingLeft();
    });

  if (isWhole)
    it('loses one to rlimit instead of the kernel where the profile says so', async () => {
      await machine.writeFile(
        '/home/dev/.config/rlimit/profiles/kills.yaml',
        'extends: mine\njobs: {on-danger: kill}\n',
      );
      // Slowly, so that looks of a busy machine are in time.
      await build(3, 200, 10);
      const { stderr } = await machine.exec(
        'rlimit run --jobs auto kills -p MemoryMax=300M --json -- make -k',
        { cwd: place, timeoutMs: 240_000 },
      );
      const { outcome } = await outcomeOf(stderr);
      expect(outcome.figures.oomKills).toBe(0);
      expect(outcome.jobserver?.kills).toBeGreaterThan(0);
      expect(outcome.status).toBe(2);
      await expectNothingLeft();
    });
});

describe('two builds under one budget', () => {
  if (isHome)
    it('share what memory there is', async () => {
      await machine.exec('rlimit budget set -p MemoryMax=360M');
      await build(8, 60, 1);
      const both = ['one', 'two'].map((unit) =>
        machine.spawn(
          `cp -r ${place} ${place}-${unit}; cd ${place}-${unit}; ` +
            `exec ${run} --unit ${unit} -p MemoryMax=180M --json -- make`,
        ),
      );
      for (const started of both) {
        const { stderr } = await (await started).wait(180_000);
        expectNoKill(JSON.parse(stderr.trim().split('\n').at(-1) ?? ''));
      }
      await machine.exec(`rlimit budget clear; rm -rf ${place}-*`);
      await expectNothingLeft();
    });
});

describe('an rlimit that is killed in the middle of a build', () => {
  if (isHome)
    it('leaves no job frozen, and the build goes on', async () => {
      await build(8, 120, 2);
      const started = await machine.spawn(
        `exec ${run} -q --unit orphan -p MemoryMax=350M -- sh -c 'make; echo $? >status'`,
        { cwd: place },
      );
      const states = 'ps -o state= -C python3 | sort -u | tr -d "\\n"';
      await machine.exec(`until ${states} | grep -q T || [ -e status ]; do sleep 0.05; done`, {
        cwd: place,
      });
      // Nobody follows memory afterwards: there has to be enough of it.
      started.kill('SIGSTOP');
      await machine.exec('systemctl --user set-property --runtime orphan.scope MemoryMax=1500M');
      started.kill('SIGKILL');
      await started.wait();
      await machine.exec('until [ -e status ]; do sleep 0.1; done', {
        cwd: place,
        timeoutMs: 60_000,
      });
      expect((await machine.exec('cat status', { cwd: place })).stdout).toBe('0\n');
      expect((await machine.exec(`ps -o state= -C python3 | grep -c T`)).stdout).toBe('0\n');
      expect((await machine.exec('rlimit kill orphan.scope')).status).toBeLessThan(3);
      await machine.exec(
        'systemctl --user stop "app-rlimit-*.slice"; rm -rf $XDG_RUNTIME_DIR/rlimit/orphan*',
      );
      await expectNothingLeft();
    });
});
