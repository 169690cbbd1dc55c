/** Each way in which a limit silently does nothing, provoked, named, and mended as was said. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InspectedUnit, Inspection } from '../../src/inspect/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const isHome = isHomeSuite('forky');

const CONFIG = '/home/dev/.config/systemd/user';
const CGROUPS = '/sys/fs/cgroup';
const ASKED = ['-p', 'MemoryMax=100M', '-p', 'TasksMax=40'];

async function start(unit: string, properties: string[], command = 'sleep 600') {
  const process = await machine.spawn(
    `exec rlimit run -q default --unit ${unit} ${properties.join(' ')} -- sh -c 'echo up; exec ${command}'`,
  );
  await process.waitForOutput('up');
}

async function inspect(args: string, user: 'dev' | 'root' = 'dev') {
  const { status, stdout } = await machine.exec(`rlimit inspect --json ${args}`, { user });
  return { status, ...(JSON.parse(stdout) as Inspection) };
}

async function inspectOne(args: string, user: 'dev' | 'root' = 'dev') {
  const { status, units } = await inspect(args, user);
  expect(units).toHaveLength(1);
  return { status, ...(units[0] as InspectedUnit) };
}

/** The finding on a property, or the one of a name. */
const found = ({ findings }: InspectedUnit, sign: string) =>
  findings.find(({ id, property }) => id === sign || property === sign);

/** Runs remedies as they are printed; root needs no sudo, and the machine has none. */
async function mend(unit: InspectedUnit, signs: string[], user: 'dev' | 'root' = 'dev') {
  for (const sign of signs) {
    const remedy = found(unit, sign)?.remedy ?? 'exit 77';
    const script = user === 'root' ? remedy.replaceAll('sudo ', '') : remedy;
    expect(await machine.exec(script, { user })).toMatchObject({ status: 0, stderr: '' });
  }
}

const sh = async (script: string, user: 'dev' | 'root' = 'dev') => {
  const { status, stdout, stderr } = await machine.exec(script, { user });
  expect({ script, status, stderr }).toEqual({ script, status: 0, stderr: '' });
  return stdout.trim();
};

const END =
  "systemctl --user kill --signal=KILL 'rlimit-*.scope' 2>/dev/null; " +
  'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" | grep -q .; ' +
  'do sleep 0.1; done';

afterEach(async () => {
  await machine.exec(END);
});

describe('what systemd holds', () => {
  it('is overridden by a drop-in, by set-property, by the share of a slice', async () => {
    const file = `${CONFIG}/rlimit-over-.scope.d/10-site.conf`;
    await sh(`mkdir -p ${CONFIG}/rlimit-over-.scope.d`);
    await machine.writeFile(
      file,
      '# ours\n[Scope]\nMemoryMax=\nMemoryMax = \\\n 300M\nTasksMax=30\n',
    );
    await sh('systemctl --user daemon-reload');
    await start('rlimit-over-1', [...ASKED, '-p', 'AllowedCPUs=0', '-p', 'IOWeight=70']);
    const over = await inspectOne('rlimit-over-1.scope');
    expect(over.status).toBe(1);
    expect(found(over, 'MemoryMax')).toMatchObject({
      id: 'overridden-by-drop-in',
      severity: 'problem',
      observed: '300M',
      where: `${file}:4`,
    });
    expect(found(over, 'TasksMax')).toMatchObject({
      id: 'overridden-by-drop-in',
      severity: 'warning',
      where: `${file}:6`,
    });
    for (const property of ['AllowedCPUs', 'IOWeight']) {
      expect(found(over, property)).toMatchObject({ id: 'controller-not-delegated', where: '/' });
      expect(found(over, property)?.cause).toContain(
        'the root cgroup is the first not to pass it on',
      );
    }
    await mend(over, ['MemoryMax', 'TasksMax']);
    const mended = await inspectOne('rlimit-over-1.scope');
    expect(mended.findings.map(({ property }) => property)).toEqual(['AllowedCPUs', 'IOWeight']);

    await sh('systemctl --user set-property --runtime rlimit-over-1.scope MemoryMax=400M');
    const changed = await inspectOne('rlimit-over-1.scope');
    expect(found(changed, 'MemoryMax')).toMatchObject({ id: 'changed-since', observed: '400M' });
    expect(found(changed, 'MemoryMax')?.where).toMatch(/50-MemoryMax\.conf:\d+$/);
    expect(found(changed, 'MemoryMax')?.cause).toContain('set-property --runtime, kept in /run/');
    await mend(changed, ['MemoryMax']);
    expect(found(await inspectOne('rlimit-over-1.scope'), 'MemoryMax')).toBeUndefined();
    await sh(`rm -r ${CONFIG}/rlimit-over-.scope.d; systemctl --user daemon-reload`);
  });

  if (isHome)
    it('is a percentage of the machine, below a slice that is tighter', async () => {
      await sh(
        'systemctl --user set-property --runtime rltest-small.slice MemoryMax=200M TasksMax=35',
      );
      await machine.spawn(
        'systemd-run --user --scope -q --slice=rltest-small.slice --unit=rlimit-pct-1 ' +
          '-p MemoryMax=60% -p TasksMax=50 sleep 600',
      );
      await sh('until systemctl --user is-active -q rlimit-pct-1.scope; do sleep 0.2; done');
      const unit = await inspectOne('rlimit-pct-1.scope');
      const row = unit.properties.find(({ property }) => property === 'MemoryMax');
      expect(row).toMatchObject({
        ancestor: { unit: 'rltest-small.slice', value: '200M', file: 'memory.max' },
        rule: expect.stringMatching(/^60% of 1\.9\dG installed$/),
        setting: { source: 'transient unit' },
      });
      expect(unit.findings.map(({ id, property }) => `${id} ${property}`)).toEqual([
        'percent-of-machine MemoryMax',
        'ancestor-tighter MemoryMax',
        'ancestor-tighter TasksMax',
      ]);
      const { stdout } = await machine.exec('rlimit inspect rlimit-pct-1.scope');
      expect(stdout).toContain('above    rltest-small.slice allows MemoryMax 200M, TasksMax 35\n');
      await sh(unit.findings[0]?.remedy ?? 'exit 77');
      await sh(unit.findings[2]?.remedy ?? 'exit 77');
      const mended = await inspectOne('rlimit-pct-1.scope');
      expect(mended.findings).toEqual([]);
      expect(mended.properties[0]).toMatchObject({ kernel: '120M', inForce: true });
      await sh('systemctl --user set-property --runtime rltest-small.slice MemoryMax= TasksMax=');
    });

  it('is not held where a unit above disables the controller', async () => {
    await sh('systemctl --user set-property --runtime rltest-off.slice DisableControllers=pids');
    await machine.spawn(
      'systemd-run --user --scope -q --slice=rltest-off.slice --unit=rlimit-off-1 ' +
        '-p TasksMax=50 sleep 600',
    );
    await sh('until systemctl --user is-active -q rlimit-off-1.scope; do sleep 0.2; done');
    const unit = await inspectOne('rlimit-off-1.scope');
    expect(unit).toMatchObject({ status: 1 });
    expect(found(unit, 'TasksMax')).toMatchObject({ id: 'controller-not-enabled' });
    expect(found(unit, 'TasksMax')?.cause).toContain('rltest-off.slice has DisableControllers=');
    await mend(unit, ['TasksMax']);
    expect(found(await inspectOne('rlimit-off-1.scope'), 'TasksMax')).toBeUndefined();
  });
});

describe('processes', () => {
  it('that were moved out of their cgroup are found, and put back', async () => {
    await start('rlimit-move-1', ASKED, 'sh -c "sleep 601 & exec sleep 602"');
    await machine.spawn('systemd-run --user --scope -q --unit=elsewhere-1 sleep 600');
    await sh('until systemctl --user is-active -q elsewhere-1.scope; do sleep 0.2; done');
    const home = await inspectOne('rlimit-move-1.scope --processes');
    expect(home.findings.map(({ id }) => id)).not.toContain('process-outside');
    const pids = (home.processes ?? []).map(({ pid }) => pid);
    expect(pids).toHaveLength(2);
    const elsewhere = await sh('systemctl --user show -P ControlGroup elsewhere-1.scope');
    const move = (pid?: number) => sh(`echo ${pid} >${CGROUPS}${elsewhere}/cgroup.procs`);
    await move(pids[0]);
    const moved = await inspectOne('rlimit-move-1.scope');
    expect(moved).toMatchObject({
      status: 1,
      strays: [{ pid: pids[0], comm: 'sleep', cgroup: elsewhere }],
    });
    await mend(moved, ['process-outside']);
    expect((await inspectOne('rlimit-move-1.scope')).strays).toBeUndefined();

    // With the last one the scope itself ends, and the run goes on without any limit.
    await move(pids[0]);
    await move(pids[1]);
    await sh('while systemctl --user is-active -q rlimit-move-1.scope; do sleep 0.2; done');
    const { status, units } = await inspect('');
    const gone = units.find(({ unit }) => unit === 'rlimit-move-1.scope');
    expect({ status, strays: gone?.strays?.length }).toEqual({ status: 1, strays: 2 });
    expect(gone?.properties.some(({ inForce }) => inForce)).toBe(false);
    expect((await inspectOne('rlimit-move-1.scope')).status).toBe(1);
    await mend(gone as InspectedUnit, ['process-outside']);
    const after = (await inspect('')).units.flatMap(({ strays = [] }) => strays);
    expect(after).toEqual([]);
    await sh('systemctl --user kill --signal=KILL elsewhere-1.scope');
  });
});

describe('a service that rlimit did not make', () => {
  const unit = 'nix-daemon.service';
  const directory = '/etc/systemd/system';
  const verify = () =>
    inspectOne(`${unit} --profile nix-daemon --machine cores=8,memory=16G,swap=4G`);

  beforeAll(async () => {
    await machine.writeFile(
      `${directory}/${unit}`,
      '[Service]\nExecStart=/bin/sleep infinity\nCPUQuota=400%\nMemoryMax=8G\nMemoryHigh=6G\nTasksMax=9000\n',
      { owner: 'root' },
    );
    await sh(`systemctl daemon-reload && systemctl start ${unit}`, 'root');
  });
  afterAll(async () => {
    await sh(
      `systemctl stop ${unit}; systemctl revert ${unit} 2>&1; ` +
        `rm -rf ${directory}/${unit} ${directory}/${unit}.d; systemctl daemon-reload`,
      'root',
    );
  });

  if (isHome)
    it('is verified against a profile, and given what it has not', async () => {
      const first = await verify();
      const pairs = first.properties.filter(({ inForce }) => inForce).map(({ shown }) => shown);
      expect(pairs).toEqual(
        expect.arrayContaining([
          'CPUQuotaPerSecUSec=4s',
          'MemoryMax=8589934592',
          'MemoryHigh=6442450944',
        ]),
      );
      expect(first.status).toBe(1);
      const differing = first.findings.filter(({ id }) => id === 'differs-from-profile');
      expect(differing.map(({ property }) => property)).toEqual(['TasksMax', 'OOMPolicy']);
      await mend(first, ['TasksMax', 'OOMPolicy'], 'root');
      const second = await verify();
      expect(second.findings.filter(({ id }) => id === 'differs-from-profile')).toEqual([]);
      expect(second.status).toBe(0);
    });

  if (isHome)
    it('that a drop-in, or a file not read again, keeps from the profile is told so', async () => {
      const dropIn = `${directory}/${unit}.d/90-more.conf`;
      await sh(`mkdir -p ${directory}/${unit}.d`, 'root');
      await machine.writeFile(dropIn, '[Service]\n\nMemoryMax=12G\n', { owner: 'root' });
      await sh('systemctl daemon-reload', 'root');
      const overridden = await verify();
      expect(found(overridden, 'MemoryMax')).toMatchObject({
        id: 'differs-from-profile',
        observed: '12G',
        where: `${dropIn}:3`,
      });
      await sh(`rm ${dropIn}`, 'root');
      const stale = await verify();
      expect(found(stale, 'MemoryMax')).toMatchObject({
        id: 'daemon-reload-missing',
        where: `${directory}/${unit}:4`,
      });
      await mend(stale, ['MemoryMax'], 'root');
      await sh(`systemctl stop ${unit}`, 'root');
      const stopped = await verify();
      expect(found(stopped, 'MemoryMax')).toBeUndefined();
      expect(stopped).toMatchObject({
        partial: ['it does not run, so that the kernel holds nothing for it'],
      });
    });
});

describe('what cannot be found out', () => {
  if (isHome)
    it('is said: another user’s unit, a file that may not be read', async () => {
      await start('rlimit-dark-1', ASKED);
      const asRoot = await inspectOne('rlimit-dark-1.scope', 'root');
      expect(asRoot).toMatchObject({
        status: 3,
        partial: [expect.stringContaining('a unit of user 1000')],
      });
      expect(asRoot.properties.find(({ property }) => property === 'MemoryMax')).toMatchObject({
        kernel: '100M',
        unchecked: true,
        inForce: false,
      });
      await sh('systemctl start user@0.service', 'root');
      const theirs = 'XDG_RUNTIME_DIR=/run/user/0 systemd-run --user -q --unit=theirs sleep 600';
      await sh(`until ${theirs} 2>/dev/null; do sleep 0.5; done`, 'root');
      expect(await inspectOne('theirs.service')).toMatchObject({
        status: 3,
        partial: [expect.stringContaining('a unit of user 0')],
      });
      await sh('systemctl stop user@0.service', 'root');

      const { cgroup } = await inspectOne('rlimit-dark-1.scope');
      await sh(`chmod 000 ${CGROUPS}${cgroup}/memory.max`);
      const dark = await inspectOne('rlimit-dark-1.scope');
      expect(dark).toMatchObject({
        status: 3,
        partial: ['memory.max cannot be read: permission denied'],
      });
      expect(found(dark, 'MemoryMax')).toMatchObject({ id: 'unreadable-kernel-file' });
      expect(dark.properties.find(({ property }) => property === 'MemoryMax')?.inForce).toBe(false);
    });

  if (isHome)
    it('is never made up of runs that come and go', async () => {
      await machine.spawn(
        'for n in $(seq 24); do systemd-run --user --scope -q --unit=rlimit-flash-$n ' +
          '-p MemoryMax=50M -p TasksMax=9 sleep 0.1; done',
      );
      for (let look = 0; look < 2; look += 1) {
        const { status, units } = await inspect('');
        expect([0, 3]).toContain(status);
        const flashes = units.filter(({ unit }) => unit.startsWith('rlimit-flash-'));
        expect(flashes.flatMap(({ findings }) => findings)).toEqual([]);
        for (const { properties, state, partial } of flashes) {
          const isWhole = state === 'active' && partial === undefined;
          expect(properties.every(({ inForce }) => inForce)).toBe(isWhole);
        }
      }
    });
});
