import { afterEach, describe, expect, it } from 'vitest';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('forky');

const { systemd } = suiteFacts[machine.suite];
const asRoot = { user: 'root' } as const;
const hog = 'python3 /opt/rlimit/fixtures/hog.py';
/** Reads files of the cgroup above the one that a command runs in: the run's own. */
const limitsInside = (...files: string[]) =>
  `cd /sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup)/.. && cat ${files.join(' ')}`;
const outcomeIn = (stderr: string) =>
  JSON.parse(stderr.split('\n').find((l) => l[0] === '{') ?? '');

async function expectNothingLeft() {
  const left = await machine.exec(
    'ls -d /sys/fs/cgroup/rlimit /sys/fs/cgroup/rlimit-* 2>/dev/null; ls /run/rlimit | grep scope; true',
    asRoot,
  );
  expect(left.stdout).toBe('');
}

afterEach(async () => {
  await machine.exec('rlimit kill --scope --timeout 0', asRoot);
});

describe('--launcher cgroup, as root at the top of the tree', () => {
  it('holds every limit in the kernel, io and cpuset as well', async () => {
    const limits = ['MemoryMax=300M', 'CPUQuota=50%', 'TasksMax=60', 'AllowedCPUs=0'];
    const properties = [...limits, 'IOWriteBandwidthMax=/dev/nvme0n1 10M', 'CPUWeight=50'];
    const options = properties.flatMap((property) => ['-p', property]);
    const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max', 'cpuset.cpus'];
    const script = limitsInside(...files, 'cpu.weight', 'io.max', 'io.weight');
    const result = await machine.exec(
      ['rlimit', 'run', '--launcher', 'cgroup', ...options, '--', 'sh', '-c', script],
      asRoot,
    );
    expect(result.status).toBe(0);
    const [memory, swap, cpu, pids, cpus, weight, io, ioWeight] = result.stdout.split('\n');
    expect([memory, swap, cpu, pids, cpus, weight]).toEqual([
      String(300 * 1024 ** 2),
      '0',
      '50000 100000',
      '60',
      '0',
      '50',
    ]);
    expect(io).toMatch(/^\d+:\d+ rbps=max wbps=10000000 riops=max wiops=max$/);
    expect(ioWeight).toBe('default 50');
    const said = result.stderr.replace(/\s+/g, ' ');
    expect(said).toContain('in force: MemoryMax=300M');
    expect(said).toContain('AllowedCPUs=0');
    expect(said).not.toMatch(/(problem|warning): (?!IOWeight)/);
    await expectNothingLeft();
  });

  if (isHome)
    it('ends a hog at its limit, counts it, and lets a bystander live', async () => {
      const bystander = await machine.spawn(
        `rlimit run -q --launcher cgroup -- ${hog} 20 600`,
        asRoot,
      );
      await bystander.waitForOutput('holding');
      const result = await machine.exec(
        `rlimit run -q --json --launcher cgroup -p MemoryMax=64M -- ${hog} 200`,
        asRoot,
      );
      expect(result).toMatchObject({ status: null, signal: 'SIGKILL' });
      expect(outcomeIn(result.stderr)).toMatchObject({
        figures: { memoryPeak: 64 * 1024 ** 2, oomKills: 1 },
        verdict: { id: 'memory-max' },
      });
      bystander.kill('SIGTERM');
      expect(await bystander.wait()).toMatchObject({ signal: 'SIGTERM' });
      await expectNothingLeft();
    });

  if (isHome)
    it.each([
      ['continue', { status: 0, signal: null, stdout: 'went on\n' }],
      ['kill', { status: null, signal: 'SIGKILL', stdout: '' }],
      ['stop', { status: null, signal: 'SIGTERM', stdout: '' }],
    ])('does after an OOM kill what OOMPolicy=%s says', async (policy, expected) => {
      const result = await machine.exec(
        `rlimit run -q --launcher cgroup -p MemoryMax=64M -p OOMPolicy=${policy} -- ` +
          `sh -c '${hog} 200; sleep 3; echo went on'`,
        asRoot,
      );
      expect(result).toMatchObject(expected);
      await expectNothingLeft();
    });

  if (isHome)
    it('keeps a run inside a run under the limits of both', async () => {
      const inner = `rlimit run -p MemoryMax=32M -p TasksMax=50 -- cat /proc/self/cgroup`;
      const result = await machine.exec(
        `rlimit run -q --launcher cgroup -p MemoryMax=200M -p TasksMax=40 -- ${inner}`,
        asRoot,
      );
      expect(result.status).toBe(0);
      expect(result.stdout).toMatch(
        /^0::\/rlimit\/rlimit-default-\w+\/rlimit-default-\w+\/main\n$/,
      );
      const said = result.stderr.replace(/\s+/g, ' ');
      expect(said).toContain('in force: MemoryMax=32M');
      expect(said).toMatch(/TasksMax=50: rlimit-default-\w+, above this unit, has pids.max 40/);
      await expectNothingLeft();
    });

  if (isHome)
    it('leaves the limits when rlimit is killed; inspect and kill find the run', async () => {
      const run = await machine.spawn(
        'exec rlimit run -q --launcher cgroup --unit rlimit-left-1 -p TasksMax=50 -- sh -c "echo up; sleep 1000"',
        asRoot,
      );
      await run.waitForOutput('up');
      run.kill('SIGKILL');
      await run.wait();
      const cgroup = '/sys/fs/cgroup/rlimit/rlimit-left-1';
      const { stdout: max } = await machine.exec(`cat ${cgroup}/pids.max`, asRoot);
      expect(max).toBe('50\n');
      const inspected = await machine.exec('rlimit inspect rlimit-left-1 --json', asRoot);
      const [unit] = JSON.parse(inspected.stdout).units;
      expect(unit).toMatchObject({ launcher: 'cgroup', cgroup: '/rlimit/rlimit-left-1' });
      expect(unit.properties).toContainEqual({
        property: 'TasksMax',
        asked: '50',
        kernel: '50',
        inForce: true,
      });
      const killed = await machine.exec('rlimit kill rlimit-left-1 --json', asRoot);
      expect(JSON.parse(killed.stdout)).toMatchObject({ ended: 2, survived: 0 });
      await expectNothingLeft();
    });
});

describe('--launcher cgroup, as a user', () => {
  const delegated = 'systemd-run --user --scope --quiet -p Delegate=yes';

  if (isHome)
    it('is not possible in a session, and that is explained', async () => {
      const { status, stderr } = await machine.exec('rlimit run --launcher cgroup -- true');
      expect(status).toBe(125);
      expect(stderr.replace(/\s+/g, ' ')).toContain('Delegate=yes');
      expect(stderr.replace(/\s+/g, ' ')).toContain('Possible here: user, watched');
    });

  if (isHome)
    it('makes room for itself in a scope that it was given', async () => {
      const result = await machine.exec(
        `${delegated} rlimit run -q --json --launcher cgroup -p MemoryMax=64M -- ${hog} 200`,
      );
      expect(result).toMatchObject({ status: null, signal: 'SIGKILL' });
      expect(outcomeIn(result.stderr).figures).toMatchObject({ oomKills: 1 });
    });

  if (isHome)
    it('moves nobody else aside', async () => {
      const { status, stderr } = await machine.exec(
        `${delegated} sh -c 'rlimit run --launcher cgroup -- true; exit $?'`,
      );
      expect(status).toBe(125);
      expect(stderr).toContain('no cgroup can be made here');
    });

  if (isHome)
    it('uses the unit above a cgroup that was made inside, and what RLIMIT_CGROUP names', async () => {
      // What DelegateSubgroup= (254 and later) does, by hand: it works on 252 as well.
      const script = [
        'own=$(sed s/^0::// /proc/self/cgroup)',
        'mkdir /sys/fs/cgroup$own/shell && echo $$ >/sys/fs/cgroup$own/shell/cgroup.procs',
        `rlimit run -q --launcher cgroup -p MemoryMax=64M -- sh -c '${limitsInside('memory.max')}'`,
        'mkdir /sys/fs/cgroup$own/mine',
        'export RLIMIT_CGROUP=/sys/fs/cgroup$own/mine',
        'rlimit run -q --launcher cgroup -p MemoryMax=64M -- cat /proc/self/cgroup',
        'ls -d /sys/fs/cgroup$own/*/ /sys/fs/cgroup$own/mine/*/ | sed "s:.*/\\([^/]*\\)/$:\\1:"',
      ].join('\n');
      // From a file: systemd-run of 262 expands what looks like a variable in an argument.
      await machine.writeFile('/tmp/inside.sh', script);
      const result = await machine.exec(`${delegated} sh /tmp/inside.sh`);
      const lines = result.stdout.trim().split('\n');
      expect(lines[0]).toBe(String(64 * 1024 ** 2));
      expect(lines[1]).toMatch(/\/mine\/rlimit-default-\w+\/main$/);
      expect(lines.slice(2)).toEqual(['mine', 'shell']);
    });
});

describe('--launcher watched', () => {
  it('ends a hog, though systemd is there', async () => {
    const result = await machine.exec(
      `rlimit run -q --json --launcher watched -p CPUQuota= -p MemoryMax=64M -- ${hog} 500 600`,
    );
    expect(result).toMatchObject({ status: null, signal: 'SIGKILL' });
    expect(outcomeIn(result.stderr)).toMatchObject({
      verdict: { id: 'memory-max', says: expect.stringContaining('ended by rlimit') },
    });
  });
});

describe('auto', () => {
  it('takes the user’s manager for a user', async () => {
    const { stdout } = await machine.exec('rlimit run -q -- cat /proc/self/cgroup');
    expect(stdout).toMatch(/app-rlimit\.slice\/.*rlimit-default-\w+\.scope/);
    expect(systemd).toBeGreaterThan(0);
  });
});
