import { afterEach, describe, expect, it } from 'vitest';
import type { ChangeReport } from '../../src/change/index.js';
import type { Inspection } from '../../src/inspect/index.js';
import type { UnitRecord } from '../../src/model/index.js';
import type { ExecOptions, GuestProcess } from './guest-process.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('forky');

const { systemd } = suiteFacts[machine.suite];
const MiB = 1024 ** 2;
const hog = '/opt/rlimit/fixtures/hog.py';
const runs: GuestProcess[] = [];

async function start(unit: string, properties: string, command: string) {
  const run = await machine.spawn(
    `exec rlimit run -q default --unit ${unit} ${properties} -- ${command}`,
  );
  runs.push(run);
  return run;
}

/** A unit with nothing in it but a sleeper. */
async function idle(unit: string, properties: string) {
  const run = await start(unit, properties, "sh -c 'echo up; exec sleep 600'");
  await run.waitForOutput('up');
  return run;
}

async function tune(args: string, options: ExecOptions = {}) {
  const { status, stdout, stderr } = await machine.exec(`rlimit tune ${args} --json`, options);
  return { status, stderr, report: JSON.parse(stdout || '{}') as ChangeReport };
}

async function refusal(args: string, options: ExecOptions = {}) {
  const { status, stdout, stderr } = await machine.exec(`rlimit tune ${args}`, options);
  expect(stdout).toBe('');
  return { status, said: stderr.replace(/\s+/g, ' ') };
}

async function file(unit: string, name: string): Promise<string> {
  const { stdout } = await machine.exec(
    `cat /sys/fs/cgroup$(systemctl --user show -p ControlGroup --value ${unit})/${name}`,
  );
  return stdout.trim();
}

async function recordOf(unit: string): Promise<UnitRecord> {
  const { stdout } = await machine.exec(`cat $XDG_RUNTIME_DIR/rlimit/${unit}.json`);
  return JSON.parse(stdout);
}

/** Ids of what `inspect` finds wrong with a unit, the weight that never binds here left out. */
async function findingsOf(unit: string): Promise<string[]> {
  const { stdout } = await machine.exec(`rlimit inspect --json ${unit}`);
  const { units } = JSON.parse(stdout) as Inspection;
  return (units[0]?.findings ?? [])
    .map(({ id }) => id)
    .filter((id) => !id.startsWith('controller'));
}

afterEach(async () => {
  await machine.exec(
    "systemctl --user kill --signal=KILL 'rlimit-*.scope'; " +
      'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" | grep -q .; ' +
      'do sleep 0.1; done; systemctl --user reset-failed',
  );
  for (const run of runs.splice(0)) await run.wait();
});

describe('tune UNIT', () => {
  it('raises and lowers limits in the kernel, and inspect compares with the new ones', async () => {
    const unit = 'rlimit-live-1.scope';
    await idle(unit, '-p MemoryMax=100M -p TasksMax=40 -p CPUQuota=50%');
    const raised = await tune(`${unit} -p MemoryMax=200M -p CPUQuota='100% of cores'`);
    expect(raised.status).toBe(0);
    expect(raised.report.rows).toMatchObject([
      { property: 'MemoryMax', before: '100M', after: '200M', inForce: true },
      {
        property: 'CPUQuota',
        wish: '100% of cores',
        value: '200%',
        before: '50%',
        after: '200%',
        inForce: true,
      },
    ]);
    expect(await file(unit, 'memory.max')).toBe(String(200 * MiB));
    expect(await file(unit, 'cpu.max')).toBe('200000 100000');
    expect(raised.report.recorded).toBe(true);
    expect((await recordOf(unit)).properties).toMatchObject({
      MemoryMax: '200M',
      CPUQuota: '200%',
      TasksMax: '40',
    });

    const lowered = await machine.exec(`rlimit tune ${unit} -p MemoryMax=60M -p TasksMax=10`);
    expect(lowered.status).toBe(0);
    expect(lowered.stdout).toMatch(/MemoryMax +200M +60M +60M\n +TasksMax +40 +10 +10/);
    expect(await file(unit, 'memory.max')).toBe(String(60 * MiB));
    expect(await file(unit, 'pids.max')).toBe('10');
    expect(await findingsOf(unit)).toEqual([]);
  });

  if (isHome)
    it('takes a limit away with an empty value', async () => {
      const unit = 'rlimit-live-2.scope';
      await idle(unit, '-p MemoryMax=100M -p TasksMax=40 -p CPUQuota=50% -p CPUWeight=50');
      const { status, report } = await tune(
        `${unit} -p MemoryMax= -p TasksMax= -p CPUQuota= -p CPUWeight=`,
      );
      expect(status).toBe(0);
      expect(report.rows.map(({ inForce }) => inForce)).toEqual([true, true, true, true]);
      expect(report.rows[0]).toMatchObject({ before: '100M', value: '', after: 'infinity' });
      expect(await file(unit, 'memory.max')).toBe('max');
      expect(await file(unit, 'pids.max')).toBe('max');
      // systemd takes the controller away where no unit needs it any more.
      expect(['', 'max 100000']).toContain(await file(unit, 'cpu.max'));
      expect((await recordOf(unit)).properties).not.toHaveProperty('MemoryMax');
      expect(await findingsOf(unit)).toEqual([]);
    });

  if (isHome)
    it('with --dry-run prints the line and changes nothing', async () => {
      const unit = 'rlimit-live-3.scope';
      await idle(unit, '-p MemoryMax=100M');
      const { status, stdout } = await machine.exec(`rlimit tune ${unit} -p MemoryMax=64M -n`);
      expect(status).toBe(0);
      expect(stdout).toBe(`systemctl --user set-property --runtime -- ${unit} MemoryMax=64M\n`);
      expect(await file(unit, 'memory.max')).toBe(String(100 * MiB));
      expect((await machine.exec(stdout)).status).toBe(0);
      expect(await file(unit, 'memory.max')).toBe(String(64 * MiB));
      expect(await findingsOf(unit)).toContain('changed-since');
    });

  it('refuses a MemoryMax below what is in use, with who has it; forced, the kernel kills', async () => {
    const unit = 'rlimit-live-4.scope';
    const command = `sh -c 'python3 ${hog} 80 600 & wait; echo survived; sleep 600'`;
    const run = await start(
      unit,
      '-p MemoryMax=300M -p MemorySwapMax=0 -p OOMPolicy=continue',
      command,
    );
    await run.waitForOutput('holding');
    const refused = await refusal(`${unit} -p MemoryMax=40M`);
    expect(refused.status).toBe(2);
    expect(refused.said).toMatch(/uses (8|9)\d(\.\d+)?M, which is above 40M/);
    expect(refused.said).toMatch(/The largest: python3 \(\d+\) \d+/);
    expect(await file(unit, 'memory.max')).toBe(String(300 * MiB));

    const { status, report } = await tune(`${unit} -p MemoryMax=40M --force`);
    expect(report.hazards).toMatchObject([{ id: 'memory-above-max', limit: 40 * MiB }]);
    expect(report.ended.map(({ comm }) => comm)).toContain('python3');
    if (systemd < 253) {
      // It ends the whole scope after the first that is killed, and cannot be told otherwise.
      expect(await run.wait()).toMatchObject({ stdout: 'holding 80 MiB\n' });
    } else {
      expect(report.oomKills).toEqual({ before: 0, after: 1 });
      await run.waitForOutput('survived');
      expect({ status, max: await file(unit, 'memory.max') }).toEqual({
        status: 0,
        max: String(40 * MiB),
      });
    }
  });

  if (isHome)
    it('lets cached files go without a word of force', async () => {
      const unit = 'rlimit-live-5.scope';
      const read =
        'head -c 90000000 /dev/urandom >/home/dev/cached; cat /home/dev/cached >/dev/null';
      const run = await start(
        unit,
        '-p MemoryMax=300M',
        `sh -c '${read}; sync; echo read; exec sleep 600'`,
      );
      await run.waitForOutput('read');
      const { status, report } = await tune(`${unit} -p MemoryMax=50M`);
      expect(status).toBe(0);
      expect(report.hazards).toMatchObject([{ id: 'cache-above-max' }]);
      expect(report.ended).toEqual([]);
      expect(Number(await file(unit, 'memory.current'))).toBeLessThanOrEqual(50 * MiB);
      await machine.exec('rm /home/dev/cached');
    });

  if (isHome)
    it('says what a TasksMax and a MemoryHigh below use do', async () => {
      const unit = 'rlimit-live-6.scope';
      const command = `sh -c 'sleep 600 & sleep 601 & python3 ${hog} 40 600'`;
      const run = await start(unit, '-p MemoryMax=300M', command);
      await run.waitForOutput('holding');
      const { status, stdout } = await machine.exec(
        `rlimit tune ${unit} -p TasksMax=2 -p MemoryHigh=30M --force`,
      );
      expect(status).toBe(0);
      const said = stdout.replace(/\s+/g, ' ');
      expect(said).toContain('4 tasks were above TasksMax=2: none of them ends');
      expect(said).toMatch(/in use were above MemoryHigh=30M: the whole unit is slowed down/);
      expect(await file(unit, 'pids.max')).toBe('2');
    });

  if (isHome)
    it('names a cgroup above that is tighter', async () => {
      const unit = 'rlimit-live-7.scope';
      await idle(unit, '--slice rlimittest.slice -p MemoryMax=100M');
      await machine.exec('systemctl --user set-property --runtime rlimittest.slice MemoryMax=150M');
      const { status, report } = await tune(`${unit} -p MemoryMax=200M`);
      await machine.exec('systemctl --user set-property --runtime rlimittest.slice MemoryMax=');
      expect(status).toBe(0);
      expect(report.findings.map(({ id }) => id)).toEqual(['ancestor-tighter']);
      expect(report.findings[0]?.cause).toContain('rlimittest.slice');
    });

  if (isHome)
    it('changes the slice of a run along, where that has limits of its own', async () => {
      const unit = 'rlimit-live-l8.scope';
      await idle(unit, '-p MemoryMax=100M -p TasksMax=30');
      const shown = await machine.exec(`systemctl --user show --property=Slice --value ${unit}`);
      const slice = shown.stdout.trim();
      await machine.exec(`systemctl --user set-property --runtime ${slice} MemoryMax=100M`);
      const { status, report } = await tune(`${unit} -p MemoryMax=200M -p TasksMax=50`);
      expect(status).toBe(0);
      expect(report.slice).toBe(slice);
      expect(report.findings).toEqual([]);
      expect(await file(slice, 'memory.max')).toBe(String(200 * MiB));
      expect(await file(slice, 'pids.max')).not.toBe('50');
      expect(await file(unit, 'memory.max')).toBe(String(200 * MiB));
    });

  if (isHome)
    it('changes an adopted unit, and a service of root', async () => {
      const sleeper = await machine.spawn(['sleep', '600']);
      const adopted = await machine.exec(
        `rlimit adopt default --pid ${sleeper.pid} --unit rlimit-live-9 -p TasksMax=30`,
      );
      expect(adopted.status).toBe(0);
      expect((await tune('rlimit-live-9.scope -p TasksMax=60')).status).toBe(0);
      expect(await file('rlimit-live-9.scope', 'pids.max')).toBe('60');
      expect(await findingsOf('rlimit-live-9.scope')).toEqual([]);

      await machine.exec('systemd-run --unit=roots.service sleep 600', { user: 'root' });
      const mine = await refusal('roots.service -p TasksMax=60');
      expect(mine.status).toBe(3);
      expect(mine.said).toContain('sudo rlimit tune roots.service -p TasksMax=60');
      const roots = await tune('roots.service -p TasksMax=60', { user: 'root' });
      expect(roots).toMatchObject({ status: 0, report: { manager: 'system', recorded: false } });
      const { stdout } = await machine.exec(
        'cat /sys/fs/cgroup/system.slice/roots.service/pids.max',
      );
      expect(stdout).toBe('60\n');
      await machine.exec('systemctl stop roots.service', { user: 'root' });
      sleeper.kill('SIGKILL');
    });
});

if (isHome)
  describe('what is refused', () => {
    it('values and combinations that harm', async () => {
      const unit = 'rlimit-live-10.scope';
      await idle(unit, '-p MemoryMax=100M -p MemorySwapMax=0');
      for (const [args, words] of [
        ['-p MemoryHigh=50M', 'is a trap'],
        ['-p MemoryMax=1M', '16M'],
        ['-p MemoryMax=1T', 'more than this machine has'],
        ['-p MemoryMax=lots', 'is not a size'],
        ['-p MemoryMx=1G', 'MemoryMax'],
        ['-p OOMPolicy=kill', 'cannot be changed while a unit runs'],
        ['', 'nothing to change'],
        ['-p MemoryMax=50M --jobs-only', 'for profiles'],
      ] as const) {
        const { status, said } = await refusal(`${unit} ${args}`);
        expect(said).toContain(words);
        expect(status).toBe(2);
      }
      expect(await file(unit, 'memory.max')).toBe(String(100 * MiB));
      expect((await tune(`${unit} -p MemoryHigh=50M --force`)).status).toBe(0);
      expect(await file(unit, 'memory.high')).toBe(String(50 * MiB));
      // And the other way round: the unit has a MemoryHigh, and swap is taken away.
      const combined = await refusal(`${unit} -p MemoryMax=120M`);
      expect(combined.said).toContain('MemoryHigh=50M (as the unit has it)');
      expect((await tune(`${unit} -p MemoryHigh=`)).status).toBe(0);
      expect(await file(unit, 'memory.high')).toBe('max');
    });

    it('units that are not there, and profiles', async () => {
      await idle('rlimit-live-11.scope', '-p MemoryMax=100M');
      const wrong = await refusal('rlimit-lvie-11.scope -p MemoryMax=100M');
      expect(wrong).toMatchObject({ status: 2 });
      expect(wrong.said).toContain('Did you mean rlimit-live-11.scope');
      const profile = await refusal('default -p MemoryMax=100M');
      expect(profile).toMatchObject({ status: 2 });
      expect(profile.said).toContain('is a profile');
      const gone = await refusal('dbus-org.freedesktop.hostname1.service -p MemoryMax=100M');
      expect(gone.status).toBeGreaterThanOrEqual(2);
    });
  });
