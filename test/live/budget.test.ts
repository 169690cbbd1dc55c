import { afterEach, describe, expect, it } from 'vitest';
import type { BudgetReport } from '../../src/budget/index.js';
import type { GuestProcess } from './guest-process.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';
import { expectNothingLeft } from './nothing-left.js';

const isHome = isHomeSuite('bookworm');

const MEBIBYTE = 1024 ** 2;
const SLICE = 'app-rlimit.slice';
const CGROUP = `/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/${SLICE}`;
const FILE = `/home/dev/.config/systemd/user/${SLICE}.d/50-rlimit-budget.conf`;

/** What the kernel holds for the slice; `max` where it has no such file. */
async function held() {
  const files = ['memory.max', 'cpu.max', 'cpu.weight', 'pids.max'];
  const { stdout } = await machine.exec(
    `cd ${CGROUP} && for file in ${files.join(' ')}; do cat $file 2>/dev/null || echo max; done`,
  );
  const [memory = '', cpu = '', weight = '', pids = ''] = stdout.split('\n');
  return { memory, cpu: cpu.replace(/^max.*/, 'max'), weight, pids };
}

async function budget(args: string) {
  const { status, stdout, stderr } = await machine.exec(`rlimit budget ${args}`);
  return { status, stdout, stderr };
}

async function report(): Promise<BudgetReport> {
  const { stdout } = await machine.exec('rlimit budget --json');
  return JSON.parse(stdout) as BudgetReport;
}

/** Starts a run that waits for room where it must, and lasts until it is ended. */
function start(name: string, memoryMax: string, options = ''): Promise<GuestProcess> {
  return machine.spawn(
    `exec rlimit run --unit ${name} -p MemoryMax=${memoryMax} -p IOWeight= ${options} -- ` +
      `sh -c 'echo up; exec sleep 1000' 2>&1`,
  );
}

async function untilWaiting(count: number): Promise<void> {
  await expect
    .poll(async () => (await report()).waiting.length, { timeout: 60_000, interval: 500 })
    .toBe(count);
}

afterEach(async () => {
  await machine.exec(
    `echo 1 >${CGROUP}/cgroup.kill; while grep -q "populated 1" ${CGROUP}/cgroup.events; do sleep 0.1; done; ` +
      `rlimit budget clear; rm -rf ${FILE}.bak*`,
  );
});

describe('the limits', () => {
  it('are in the kernel at once, through a reload of systemd, and gone again after clear', async () => {
    const set = await budget('set --json');
    expect(set).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(set.stdout)).toMatchObject({ written: FILE, removed: [], backups: [] });
    const total = Number((await machine.exec("awk '/MemTotal/ {print $2}' /proc/meminfo")).stdout);
    // Half of 2G, cut to two digits of GiB and whole MiB; two processors, one of which stays free.
    const half = Math.floor((Math.floor(((total / 1024 ** 2) * 50) / 1) / 100) * 1024) * MEBIBYTE;
    const expected = { cpu: '100000 100000', weight: '50', pids: 'max' };
    expect(await held()).toMatchObject(expected);
    expect(Number((await held()).memory)).toBeLessThanOrEqual(half);
    expect(Number((await held()).memory)).toBeGreaterThan(half * 0.9);
    await machine.exec('systemctl --user daemon-reload');
    expect(await held()).toMatchObject(expected);
    const shown = await budget('');
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/^MemoryMax +(\d+M) +\1 +50% of memory$/m);
    const clear = await budget('clear');
    expect(clear).toMatchObject({ status: 0, stderr: '' });
    expect(clear.stdout).toContain(`Removed ${FILE}`);
    expect(clear.stdout).toContain('No budget is set');
    expect(await held()).toMatchObject({ memory: 'max', cpu: 'max', pids: 'max' });
    const { stdout } = await machine.exec(
      `ls -A $XDG_RUNTIME_DIR/systemd/user.control ${FILE} 2>&1`,
    );
    expect(stdout).not.toContain(`${SLICE}.d\n`);
  });

  if (isWhole)
    it('that are set again replace all former ones', async () => {
      await budget('set -p MemoryMax=600M -p CPUQuota=50% -p TasksMax=900');
      expect(await held()).toMatchObject({ memory: String(600 * MEBIBYTE), pids: '900' });
      expect((await budget("set -p MemoryMax='20% of memory' -p CPUQuota=60%")).status).toBe(0);
      const now = await held();
      expect(now).toMatchObject({ cpu: '60000 100000', pids: 'max' });
      expect(Number(now.memory)).toBeLessThan(600 * MEBIBYTE);
      expect((await machine.readFile(FILE)).toString()).toContain('# 20% of memory: 20% of 1.9');
    });

  if (isWhole)
    it('until the next boot go over those for good, and give way to them again', async () => {
      await budget('set -p MemoryMax=600M');
      expect((await budget('set --runtime -p MemoryMax=500M -p TasksMax=900')).status).toBe(0);
      expect(await held()).toMatchObject({ memory: String(500 * MEBIBYTE), pids: '900' });
      expect((await budget('clear --runtime')).status).toBe(0);
      expect(await held()).toMatchObject({ memory: String(600 * MEBIBYTE), pids: 'max' });
      await budget('set --runtime -p MemoryMax=500M');
      expect((await budget('set -p MemoryMax=700M')).stdout).toContain('Removed /run/user/1000/');
      expect(await held()).toMatchObject({ memory: String(700 * MEBIBYTE) });
    });

  if (isWhole)
    it('edited by hand are kept as a backup', async () => {
      await budget('set -p MemoryMax=600M');
      await machine.exec(`echo 'TasksMax=77' >>${FILE}`);
      expect((await budget('set -p MemoryMax=500M')).stdout).toContain(`kept as ${FILE}.bak`);
      expect((await machine.readFile(`${FILE}.bak`)).toString()).toContain('TasksMax=77');
      expect((await budget('set -p MemoryMax=400M')).stdout).not.toContain('kept as');
    });

  if (isHome)
    it('that systemd was not told of are seen not to be in force', async () => {
      await budget('set -p MemoryMax=600M');
      await machine.exec(`sed -i s/600M/300M/ ${FILE}`);
      const { status, stdout } = await budget('');
      expect(status).toBe(1);
      expect(stdout).toMatch(/^MemoryMax +300M +600M!$/m);
      expect(stdout).toContain('problem: MemoryMax');
    });

  if (isHome)
    it('below what is in use are refused, since the kernel would kill', async () => {
      const hog = await machine.spawn(
        'exec rlimit run -q -p MemoryMax=400M -- python3 /opt/rlimit/fixtures/hog.py 150 1000',
      );
      await hog.waitForOutput('holding');
      const refused = await budget('set -p MemoryMax=100M');
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('--force');
      expect(await held()).toMatchObject({ memory: 'max' });
      expect((await budget('set -p MemoryMax=300M')).status).toBe(0);
      expect(hog.stderr).toBe('');
      const { stdout } = await machine.exec('rlimit inspect');
      // Promised before there was a budget: more than there is.
      expect(stdout).toMatch(/^budget {2}400M of 300M promised, 0B free$/m);
    });

  if (isHome)
    it('hold all runs together: a hog without a limit of its own dies at them', async () => {
      await budget('set -p MemoryMax=100M -p MemorySwapMax=0');
      const hog = await machine.exec(
        'rlimit run -q -p MemoryMax= -- python3 /opt/rlimit/fixtures/hog.py 200',
      );
      expect(hog).toMatchObject({ signal: 'SIGKILL', stdout: '' });
      await expectNothingLeft();
    });
});

if (isHome)
  describe('a run that does not fit', () => {
    it('is refused with who holds what, and starts when there is room', async () => {
      await budget('set -p MemoryMax=300M');
      const first = await start('first', '200M', '-q');
      await first.waitForOutput('up');
      const second = await machine.exec('rlimit run -p MemoryMax=200M -- touch ran');
      expect(second.status).toBe(125);
      expect(second.stderr).toContain('it wants 200M, and 100M of 300M are free');
      expect(second.stderr).toMatch(/first\.scope holds 200M for \d.* now: sh -c/);
      expect(second.stderr).toContain('--wait');
      expect((await machine.exec('ls ran')).status).toBe(2);
      const json = await machine.exec('rlimit run --json -p MemoryMax=200M -- true');
      expect(JSON.parse(json.stderr)).toMatchObject({
        error: { id: 'budget', details: { budget: { holders: [{ unit: 'first.scope' }] } } },
      });
      expect((await machine.exec('rlimit run -q -p MemoryMax=100M -- true')).status).toBe(0);
      first.kill('SIGTERM');
      await first.wait();
      expect((await machine.exec('rlimit run -q -p MemoryMax=200M -- true')).status).toBe(0);
      await expectNothingLeft();
    });

    if (isWhole)
      it('into the whole budget is refused always, also before there is a slice', async () => {
        await budget('set -p MemoryMax=300M');
        await machine.exec(`systemctl --user stop ${SLICE}`);
        expect((await report()).active).toBe(false);
        const { status, stderr } = await machine.exec(
          'rlimit run --wait -p MemoryMax=400M -- true',
        );
        expect(status).toBe(125);
        expect(stderr).toContain('larger than the whole budget');
        expect((await machine.exec('rlimit run -q -p MemoryMax=300M -- true')).status).toBe(0);
        // The first run made the slice, with its limits.
        expect(await held()).toMatchObject({ memory: String(300 * MEBIBYTE) });
      });

    it('is never let in because two came at once', async () => {
      await budget('set -p MemoryMax=300M');
      const { stdout } = await machine.exec(
        'for n in 1 2 3 4 5; do ' +
          'rlimit run -q -p MemoryMax=200M -- sh -c "echo in; exec sleep 1000" & ' +
          'done 2>/tmp/at-once; wait -n; wait -n; wait -n; wait -n; ' +
          `ls -d ${CGROUP}/*/*.scope | wc -l; grep -c "no room" /tmp/at-once`,
        { timeoutMs: 120_000 },
      );
      expect(stdout).toBe('in\n1\n4\n');
    });
  });

if (isHome)
  describe('waiting', () => {
    it('is in order, with the place shown, also for a small one behind a large one', async () => {
      await budget('set -p MemoryMax=300M');
      const holder = await start('holder', '200M', '-q');
      await holder.waitForOutput('up');
      const large = await start('large', '300M', '--wait');
      await large.waitForOutput(/waiting for 300M of 300M: place 1; held by\s+holder.scope 200M/);
      const small = await start('small', '50M', '--wait');
      await small.waitForOutput('waiting for 50M of 300M: place 2; held by');
      const late = await machine.exec('rlimit run -p MemoryMax=50M -- true');
      expect(late).toMatchObject({ status: 125 });
      expect(late.stderr).toContain('not its turn');
      expect((await budget('')).stdout).toMatch(
        /^large\.scope +1 +300M .*\nsmall\.scope +2 +50M /m,
      );
      holder.kill('SIGTERM');
      await large.waitForOutput('up');
      await small.waitForOutput('place 1');
      expect(small.stdout).not.toContain('up');
      large.kill('SIGTERM');
      await small.waitForOutput('up');
      small.kill('SIGTERM');
      await Promise.all([holder, large, small].map((run) => run.wait()));
      await expectNothingLeft();
    });

    if (isWhole)
      it('goes on for the next when one in front is killed, who leaves nothing behind', async () => {
        await budget('set -p MemoryMax=300M');
        const holder = await start('holder', '200M', '-q');
        await holder.waitForOutput('up');
        const killed = await start('killed', '300M', '--wait -q');
        await untilWaiting(1);
        const next = await start('next', '100M', '--wait');
        await next.waitForOutput('place 2');
        killed.kill('SIGKILL');
        await next.waitForOutput('up');
        const { stdout } = await machine.exec('ls $XDG_RUNTIME_DIR/rlimit');
        expect(stdout).not.toMatch(/waiting|killed/);
        for (const run of [holder, next]) run.kill('SIGTERM');
        await Promise.all([holder, next].map((run) => run.wait()));
        await expectNothingLeft();
      });

    it('ends by Ctrl-C at a terminal, and leaves nothing', async () => {
      await budget('set -p MemoryMax=300M');
      const holder = await start('holder', '200M', '-q');
      await holder.waitForOutput('up');
      const shell = await machine.spawn(['bash', '--norc', '-i'], {
        tty: true,
        env: { TERM: 'dumb' },
      });
      shell.write('PS1=; rlimit run --wait -p MemoryMax=200M -- touch /tmp/ran-after-ctrl-c\n');
      await shell.waitForOutput('place 1');
      shell.write('\x03');
      await untilWaiting(0);
      shell.write('echo "status $?"\n');
      await shell.waitForOutput('status 130');
      shell.write('exit\n');
      await shell.wait();
      holder.kill('SIGTERM');
      await holder.wait();
      expect((await machine.exec('ls /tmp/ran-after-ctrl-c')).status).toBe(2);
      await expectNothingLeft();
    });

    if (isWhole)
      it('knows that the command of a killed rlimit still has its room', async () => {
        await budget('set -p MemoryMax=300M');
        const orphan = await start('orphan', '200M', '-q');
        await orphan.waitForOutput('up');
        orphan.kill('SIGKILL');
        await orphan.wait();
        const refused = await machine.exec('rlimit run -p MemoryMax=200M -- true');
        expect(refused.status).toBe(125);
        expect(refused.stderr).toContain('orphan.scope holds 200M');
        const next = await start('next', '200M', '--wait');
        await next.waitForOutput('place 1');
        expect((await machine.exec('rlimit kill orphan.scope')).status).toBe(0);
        await next.waitForOutput('up');
        next.kill('SIGTERM');
        await next.wait();
        await expectNothingLeft();
      });
  });
