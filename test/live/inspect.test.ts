import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InspectedUnit, Inspection } from '../../src/inspect/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('forky');

const { systemd } = suiteFacts[machine.suite];
const ASKED = ['-p', 'MemoryMax=100000001', '-p', 'CPUQuota=50.34%', '-p', 'TasksMax=40'];

/** Starts `rlimit run` with a name and properties, and waits for its scope. */
async function start(unit: string, properties: string[], command = 'sleep 600') {
  const process = await machine.spawn(
    `exec rlimit run default --unit ${unit} ${properties.join(' ')} -- sh -c 'echo up; exec ${command}'`,
  );
  await process.waitForOutput('up');
  return process;
}

async function inspect(args = ''): Promise<{ status: number | null; units: InspectedUnit[] }> {
  const { status, stdout, stderr } = await machine.exec(`rlimit inspect --json ${args}`);
  expect(stderr).toBe('');
  return { status, units: (JSON.parse(stdout) as Inspection).units };
}

async function inspectOne(unit: string) {
  const { status, units } = await inspect(unit);
  expect(units).toHaveLength(1);
  return { status, ...(units[0] as InspectedUnit) };
}

const findingsOf = ({ findings }: InspectedUnit) =>
  findings.map(({ id, property, severity }) => `${severity} ${id} ${property}`);
const INERT_IO = 'warning controller-not-delegated IOWeight';

/** Ends what is left of a test, without rlimit's own help. */
async function endAll() {
  await machine.exec(
    "systemctl --user kill --signal=KILL 'rlimit-*.scope'; " +
      'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" | grep -q .; ' +
      'do sleep 0.1; done',
  );
}

describe('nothing of ours', () => {
  it('is one friendly line', async () => {
    await endAll();
    const { status, stdout } = await machine.exec('rlimit inspect');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'No units of rlimit are running.\n' });
    expect(await inspect()).toEqual({ status: 0, units: [] });
  });
});

describe('a run', () => {
  beforeAll(async () => {
    await start('rlimit-back-1', ASKED, 'python3 /opt/rlimit/fixtures/hog.py 30 600');
  });
  afterAll(endAll);

  it('has its limits read back from systemd and the kernel as they were asked for', async () => {
    const unit = await inspectOne('rlimit-back-1.scope');
    const row = (property: string) => unit.properties.find((one) => one.property === property);
    // systemd keeps the bytes, the kernel cuts them to pages.
    expect(row('MemoryMax')).toMatchObject({
      property: 'MemoryMax',
      asked: '100000001',
      systemd: '100000001',
      shown: 'MemoryMax=100000001',
      kernel: '97656K',
      setting: { text: '100000001', source: 'transient unit' },
      inForce: true,
    });
    expect(row('CPUQuota')).toMatchObject({ systemd: '50.34%', kernel: '50.34%', inForce: true });
    expect(row('TasksMax')).toMatchObject({ systemd: '40', kernel: '40', inForce: true });
    expect(row('MemorySwapMax')).toMatchObject({ asked: '0', kernel: '0', inForce: true });
    expect(unit).toMatchObject({ profile: 'default', state: 'active', usage: { tasks: 1 } });
    expect(findingsOf(unit)).toEqual([INERT_IO]);
    expect(unit.status).toBe(0);
  });

  it('has an inert IOWeight, which is explained; --strict fails for it', async () => {
    const { status, stdout } = await machine.exec('rlimit inspect');
    expect(status).toBe(0);
    expect(stdout).toMatch(/IOWeight +50 +50 +none!/);
    expect(stdout).toContain('io controller is not delegated');
    expect(stdout).toContain('Delegate=cpu cpuset io memory pids');
    const wide = stdout.split('\n').filter((line) => line.length > 80);
    expect(wide.filter((line) => !/^ {2}(mend|sudo|printf)/.test(line))).toEqual([]);
    expect((await machine.exec('rlimit inspect --strict')).status).toBe(1);
  });

  if (isHome)
    it('has processes, the largest first', async () => {
      const memory = async () =>
        (await inspectOne('rlimit-back-1.scope --processes')).processes?.[0]?.memory;
      await expect.poll(memory, { timeout: 60_000 }).toBeGreaterThan(30 * 1024 ** 2);
      const { stdout } = await machine.exec('rlimit inspect --processes');
      expect(stdout).toMatch(/PID +MEMORY +CPU TIME +PROCESS\n +\d+ .* python3/);
    });

  if (isHome)
    it('is found by its profile, and by a name that is nearly right', async () => {
      expect((await inspect('default')).units).toHaveLength(1);
      const wrong = await machine.exec('rlimit inspect rlimit-bakc-1.scope');
      expect(wrong.status).toBe(2);
      expect(wrong.stderr).toContain('Did you mean rlimit-back-1.scope');
    });
});

describe('inspect', () => {
  afterEach(endAll);

  it('finds a limit changed by set-property', async () => {
    await start('rlimit-set-1', ASKED);
    await machine.exec('systemctl --user set-property --runtime rlimit-set-1.scope MemoryMax=300M');
    const looser = await inspectOne('rlimit-set-1.scope');
    expect(findingsOf(looser)).toEqual(['problem changed-since MemoryMax', INERT_IO]);
    expect(looser.status).toBe(1);
    await machine.exec('systemctl --user set-property --runtime rlimit-set-1.scope MemoryMax=50M');
    const tighter = await inspectOne('rlimit-set-1.scope');
    expect(findingsOf(tighter)).toEqual(['warning changed-since MemoryMax', INERT_IO]);
    expect(tighter.status).toBe(0);
  });

  it('finds a limit changed in the kernel, and the remedy mends it', async () => {
    await start('rlimit-echo-1', ASKED);
    const { cgroup } = await inspectOne('rlimit-echo-1.scope');
    await machine.exec(`echo max >/sys/fs/cgroup${cgroup}/memory.max`);
    const unit = await inspectOne('rlimit-echo-1.scope');
    expect(findingsOf(unit)).toEqual(['problem kernel-differs MemoryMax', INERT_IO]);
    expect(unit.status).toBe(1);
    await machine.exec(unit.findings[0]?.remedy ?? 'false');
    expect(findingsOf(await inspectOne('rlimit-echo-1.scope'))).toEqual([INERT_IO]);
  });

  it('names the ancestor that is tighter', async () => {
    await start('rlimit-under-1', ASKED);
    await machine.exec('systemctl --user set-property --runtime app-rlimit.slice MemoryMax=90M');
    const unit = await inspectOne('rlimit-under-1.scope');
    await machine.exec('systemctl --user revert app-rlimit.slice');
    await machine.exec('systemctl --user set-property --runtime app-rlimit.slice MemoryMax=');
    const finding = unit.findings.find(({ id }) => id === 'ancestor-tighter');
    expect(finding).toMatchObject({ property: 'MemoryMax', observed: '90M' });
    expect(finding?.cause).toContain('app-rlimit.slice');
    expect(unit.status).toBe(0);
  });

  it('sees the livelock between MemoryHigh and MemoryMax without swap', async () => {
    await machine.spawn(
      'systemd-run --user --scope --quiet --unit=rlimit-stall-1.scope -p MemoryHigh=40M ' +
        '-p MemoryMax=200M -p MemorySwapMax=0 python3 /opt/rlimit/fixtures/hog.py 150 600',
    );
    await expect
      .poll(async () => findingsOf(await inspectOne('rlimit-stall-1.scope')), { timeout: 60_000 })
      .toContain('problem livelock MemoryHigh');
  });

  it('describes units that rlimit did not make, the system’s among them', async () => {
    const { units } = await inspect('systemd-journald user.slice');
    expect(units.map(({ unit, manager }) => [unit, manager])).toEqual(
      expect.arrayContaining([
        ['systemd-journald.service', 'system'],
        ['user.slice', 'system'],
      ]),
    );
  });

  if (isHome)
    it('forgets records of units that are gone, reports broken ones, and goes on', async () => {
      await start('rlimit-kept-1', ASKED);
      const old = { version: 1, slice: '', profile: 'x', properties: {}, command: [], cwd: '/' };
      const record = JSON.stringify({ ...old, unit: 'gone.scope', started: 0 });
      await machine.exec(
        `cd $XDG_RUNTIME_DIR/rlimit && cat >gone.scope.json && echo { >bad.scope.json`,
        {
          input: record,
        },
      );
      const { stdout, status } = await machine.exec('rlimit inspect; ls $XDG_RUNTIME_DIR/rlimit');
      expect(status).toBe(0);
      expect(stdout).toMatch(/warning: .*bad\.scope\.json cannot be used/);
      expect(stdout).not.toContain('gone.scope');
      expect(stdout).toContain('rlimit-kept-1.scope.json');
      await machine.exec('rm $XDG_RUNTIME_DIR/rlimit/bad.scope.json');
    });

  if (isHome)
    it('cannot be led astray by a description', async () => {
      await machine.spawn([
        ...['systemd-run', '--user', '--scope', '--quiet', '--unit=rlimit-evil-1.scope'],
        '--description=\u001b[31mred\n\nId=other.scope\nMemoryMax=1',
        ...['sleep', '600'],
      ]);
      await expect.poll(async () => (await inspect()).units.length, { timeout: 30_000 }).toBe(1);
      const { stdout } = await machine.exec('rlimit inspect');
      expect(stdout).not.toContain('\u001b');
      expect(stdout).not.toContain('other.scope\n');
    });
});

describe('without a user manager', () => {
  if (isHome)
    it('explains what is missing, with the command that mends it', async () => {
      const bare = 'unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS;';
      const { status, stderr } = await machine.exec(`${bare} rlimit inspect`);
      expect(status).toBe(3);
      expect(stderr).toContain('export XDG_RUNTIME_DIR=/run/user/$(id -u)');
      const mended = await machine.exec(
        `${bare} export XDG_RUNTIME_DIR=/run/user/$(id -u); rlimit inspect`,
      );
      expect(mended.status).toBe(0);
    });

  if (isHome)
    it('tells root, who came by sudo, to stay who he was', async () => {
      const { status, stderr } = await machine.exec('rlimit inspect', {
        user: 'root',
        env: { SUDO_USER: 'dev', XDG_RUNTIME_DIR: '/run/user/1000' },
      });
      expect(status).toBe(3);
      expect(stderr).toContain('without sudo as dev');
    });
});

describe('with all controllers delegated', () => {
  it('IOWeight and AllowedCPUs reach the kernel', async () => {
    const root = { user: 'root', timeoutMs: 90_000 } as const;
    await start('rlimit-remedy-1', ['-p', 'IOWeight=50', '-p', 'AllowedCPUs=0']);
    const before = await inspectOne('rlimit-remedy-1.scope');
    const remedy = before.findings.find(({ property }) => property === 'IOWeight')?.remedy ?? '';
    // root needs no sudo, and the machine has none.
    const script = remedy.split('\n').slice(1).join('\n').replaceAll('sudo ', '');
    expect((await machine.exec(script, root)).status).toBe(0);
    await machine.exec('until systemctl is-active -q user@1000; do sleep 0.2; done', root);
    await start('rlimit-remedy-2', ['-p', 'IOWeight=50', '-p', 'AllowedCPUs=0']);
    const after = await inspectOne('rlimit-remedy-2.scope');
    await endAll();
    await machine.exec(
      'rm /etc/systemd/system/user@.service.d/delegate.conf; systemctl daemon-reload; ' +
        'systemctl restart user@1000; until systemctl is-active -q user@1000; do sleep 0.2; done',
      root,
    );
    const held = Object.fromEntries(
      after.properties.map(({ property, kernel }) => [property, kernel]),
    );
    expect(held).toMatchObject({ AllowedCPUs: '0', IOWeight: '50' });
    expect(after.findings.filter(({ id }) => id === 'controller-not-delegated')).toEqual([]);
  });
});

it('knows the version of systemd in the machine', async () => {
  await machine.exec('rlimit run -q -- true');
  const { stdout } = await machine.exec('cat $XDG_RUNTIME_DIR/rlimit/systemd-version.json');
  expect(JSON.parse(stdout)).toMatchObject({ version: systemd });
});
