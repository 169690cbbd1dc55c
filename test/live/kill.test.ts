import { afterEach, describe, expect, it } from 'vitest';
import type { KillReport } from '../../src/kill/index.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';

const isHome = isHomeSuite('bookworm');

const TASKS_MAX = 40;
/** Forks without end, and neither it nor its children heed SIGTERM. */
const BOMB = [
  "trap '' TERM",
  'bomb() { while :; do (sleep 600) & done; }',
  'bomb 2>/dev/null & bomb 2>/dev/null & wait',
].join('\n');

/** No way to the user manager: 252 goes by either of these variables. */
const UNREACHABLE = 'unset DBUS_SESSION_BUS_ADDRESS; XDG_RUNTIME_DIR=/nowhere';

async function start(unit: string, script: string, properties = `-p TasksMax=${TASKS_MAX}`) {
  const process = await machine.spawn([
    'sh',
    '-c',
    `exec rlimit run -q default --unit ${unit} ${properties} -- bash -c "$1"`,
    'sh',
    `echo up\n${script}`,
  ]);
  await process.waitForOutput('up');
  return process;
}

async function kill(args: string) {
  const { status, stdout, stderr } = await machine.exec(`rlimit kill --json ${args}`);
  expect(stderr).toBe('');
  return { status, report: JSON.parse(stdout) as KillReport };
}

async function cgroupOf(unit: string): Promise<string> {
  const { stdout } = await machine.exec(
    `systemctl --user show --property=ControlGroup --value ${unit}`,
  );
  return `/sys/fs/cgroup${stdout.trim()}`;
}

const isAlive = async (pid: number) => (await machine.exec(`kill -0 ${pid}`)).status === 0;
const endsOf = ({ units }: KillReport) =>
  units.flatMap(({ processes }) => processes.map(({ comm, end }) => `${comm} ${end}`));

afterEach(async () => {
  await machine.exec(
    "systemctl --user kill --signal=KILL 'rlimit-*.scope'; " +
      'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" | grep -q .; ' +
      'do sleep 0.1; done',
  );
});

describe('kill --scope', () => {
  it('ends a forking bomb at its TasksMax, which heeds no SIGTERM', async () => {
    const bomb = await start('rlimit-bomb-1', BOMB);
    const cgroup = await cgroupOf('rlimit-bomb-1.scope');
    await expect
      .poll(async () => (await machine.exec(`cat ${cgroup}/pids.current`)).stdout, {
        timeout: 30_000,
      })
      .toBe(`${TASKS_MAX}\n`);
    const { status, report } = await kill('--scope --timeout 1');
    expect(status).toBe(0);
    expect(report.survived).toBe(0);
    expect(report.ended).toBeGreaterThanOrEqual(TASKS_MAX);
    expect(endsOf(report)).toContain('bash killed');
    await bomb.wait();
    expect((await machine.exec(`cat ${cgroup}/cgroup.procs`)).stdout).toBe('');
  });

  it('ends every scope of ours, says how each process ended, and forgets the units', async () => {
    await start('rlimit-polite-1', 'exec sleep 600');
    await start('named-otherwise', "trap '' TERM; while :; do sleep 1; done");
    const { status, stdout } = await machine.exec('rlimit kill --scope --timeout 1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/sleep +ended by SIGTERM/);
    expect(stdout).toMatch(/bash +had to be killed/);
    expect(stdout).toMatch(/Ended [34] processes, .*M of memory\./);
    const { stdout: left } = await machine.exec('ls $XDG_RUNTIME_DIR/rlimit');
    expect(left.trim()).toBe('systemd-version.json');
  });

  if (isHome)
    it('has nothing to do where nothing of ours is', async () => {
      const { status, stdout } = await machine.exec('rlimit kill --scope');
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: 'There is nothing of rlimit to kill.\n',
      });
    });

  if (isHome)
    it('ends a stopped and a frozen scope as well', async () => {
      await start('rlimit-stopped-1', 'kill -STOP $$; sleep 600');
      await start('rlimit-frozen-1', 'sleep 600');
      await machine.exec(`echo 1 >${await cgroupOf('rlimit-frozen-1.scope')}/cgroup.freeze`);
      const { status, report } = await kill('--scope --timeout 1');
      expect({ status, survived: report.survived }).toEqual({ status: 0, survived: 0 });
    });

  if (isHome)
    it('finds scopes in the tree when systemd cannot be asked', async () => {
      const run = await start('rlimit-orphan-1', 'exec sleep 600');
      const { status, stdout } = await machine.exec(`${UNREACHABLE} rlimit kill --scope`);
      expect(status).toBe(0);
      expect(stdout).toContain('rlimit-orphan-1.scope');
      expect(await run.wait()).toMatchObject({ signal: 'SIGTERM' });
    });

  if (isHome)
    it('spares rlimit itself until it has said what it did', async () => {
      // What is said after the end of the run's command goes to nobody: here, to a file.
      const run = await start(
        'rlimit-inside-1',
        'sleep 600 & rlimit kill --scope --timeout 1 >/tmp/inside.log; sleep 600',
      );
      expect(await run.wait()).toMatchObject({ signal: 'SIGTERM' });
      const said = async () => (await machine.exec('cat /tmp/inside.log')).stdout;
      await expect.poll(said, { timeout: 30_000 }).toMatch(/is rlimit itself[\s\S]*Ended/);
    });
});

describe('kill --process', () => {
  it('ends only processes inside our scopes: a bystander of that name lives', async () => {
    const bystander = await machine.spawn(['sleep', '601']);
    await start('rlimit-inner-1', 'sleep 602 & exec tail -f /dev/null');
    const status602 = async () => (await machine.exec('pgrep -xf "sleep 602"')).status;
    await expect.poll(status602, { timeout: 30_000 }).toBe(0);
    const { status, report } = await kill('--process sleep');
    expect(status).toBe(0);
    expect(endsOf(report)).toEqual(['sleep signal']);
    expect(await isAlive(bystander.pid)).toBe(true);
    expect((await machine.exec('pgrep -xf "tail -f /dev/null"')).status).toBe(0);
    bystander.kill('SIGKILL');
  });

  if (isWhole)
    it('takes the exact name', async () => {
      await start('rlimit-exact-1', 'exec sleep 600');
      expect((await machine.exec('rlimit kill --process slee')).status).toBe(1);
      expect((await machine.exec('rlimit inspect')).stdout).toContain('rlimit-exact-1.scope');
    });

  it('breaks a livelock: without the hog, the others go on', async () => {
    const run = await start(
      'rlimit-stall-2',
      'python3 /opt/rlimit/fixtures/hog.py 100 600 & while sleep 1; do echo tick; done',
      '-p MemoryHigh=40M -p MemoryMax=200M -p MemorySwapMax=0 --force',
    );
    const cgroup = await cgroupOf('rlimit-stall-2.scope');
    await expect
      .poll(
        async () => {
          const { stdout } = await machine.exec(`cat ${cgroup}/memory.pressure`);
          return Number(/full avg10=([\d.]+)/.exec(stdout)?.[1]);
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(20);
    const { report } = await kill('--process python3 --timeout 2 rlimit-stall-2.scope');
    expect(report).toMatchObject({ ended: 1, survived: 0 });
    await run.waitForOutput('tick');
  });
});

describe('kill UNIT', () => {
  if (isHome)
    it('with --dry-run ends nothing', async () => {
      const run = await start('rlimit-dry-1', 'exec sleep 600');
      const { status, report } = await kill('--dry-run rlimit-dry-1.scope');
      expect(status).toBe(0);
      expect(endsOf(report)).toEqual(['sleep none']);
      expect((await machine.exec('rlimit inspect')).stdout).toContain('rlimit-dry-1.scope');
      run.kill('SIGTERM');
    });

  if (isHome)
    it('with --signal sends that one first', async () => {
      const run = await start(
        'rlimit-int-1',
        "trap 'echo interrupted; exit 7' INT; while :; do sleep 0.1; done",
      );
      expect((await kill('--signal INT rlimit-int-1')).status).toBe(0);
      expect(await run.wait()).toMatchObject({ status: 7 });
      expect(run.stdout).toContain('interrupted');
    });

  if (isHome)
    it('ends a service for good, though systemd would start it again', async () => {
      await machine.exec(
        'systemd-run --user --unit=again.service -p Restart=always -p RestartSec=0 sleep 600',
      );
      expect((await kill('again.service')).status).toBe(0);
      const { stdout } = await machine.exec('sleep 1; systemctl --user is-active again.service');
      expect(stdout.trim()).toBe('inactive');
    });

  if (isWhole)
    it('refuses what would end a session or the system', async () => {
      for (const unit of ['user@1000.service', 'init.scope', 'user.slice', 'app.slice']) {
        const { status, stderr } = await machine.exec(`rlimit kill ${unit}`);
        expect({ status, stderr }).toMatchObject({ status: 2 });
        expect(stderr).toContain('is not killed');
      }
    });

  if (isHome)
    it('says so when another user’s processes may not be signalled', async () => {
      await machine.exec('systemd-run --unit=roots.service sleep 600', { user: 'root' });
      const { status, stdout } = await machine.exec('rlimit kill roots.service --timeout 0');
      expect(status).toBe(1);
      expect(stdout).toContain('you may not signal it');
      expect((await machine.exec('rlimit kill roots.service', { user: 'root' })).status).toBe(0);
    });

  if (isHome)
    it('names the nearest unit for a wrong name', async () => {
      await start('rlimit-right-1', 'exec sleep 600');
      const { status, stderr } = await machine.exec('rlimit kill rlimit-rigth-1.scope');
      expect(status).toBe(2);
      expect(stderr).toContain('Did you mean rlimit-right-1.scope');
    });
});

if (isHome)
  it('without a user manager there is nothing to ask', async () => {
    const { status } = await machine.exec(`${UNREACHABLE} rlimit kill --scope`);
    expect(status).toBe(3);
  });
