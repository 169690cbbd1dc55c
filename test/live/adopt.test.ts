import { afterEach, describe, expect, it } from 'vitest';
import type { AdoptReport } from '../../src/adopt/index.js';
import type { ExecOptions, GuestProcess } from './guest-process.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';

const isHome = isHomeSuite('forky');
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const;

const hog = '/opt/rlimit/fixtures/hog.py';

/** Holds 10 MiB, and 100 MiB more when it is told to go on. */
const GROWING = [
  "a = bytearray(b'x' * 10 * 1024 * 1024)",
  "print('holding', flush=True)",
  'input()',
  "b = [bytearray(b'x' * 1024 * 1024) for _ in range(100)]",
  "print('grown', flush=True)",
].join('\n');

/** Doubles five times: 32 processes, each of which waits for its children and then sleeps. */
const DOUBLING = [
  'import os, time',
  "print('doubling', flush=True)",
  'for _ in range(5): os.fork(); time.sleep(0.05)',
  'time.sleep(600)',
].join('\n');

async function adopt(args: string, options: ExecOptions = {}) {
  const { status, stdout, stderr } = await machine.exec(`rlimit adopt ${args} --json`, options);
  return { status, stderr, report: JSON.parse(stdout || '{}') as AdoptReport };
}

async function refusal(args: string, options: ExecOptions = {}) {
  const { status, stdout, stderr } = await machine.exec(`rlimit adopt ${args}; exit $?`, options);
  return { status, stdout, said: stderr.replace(/\s+/g, ' ') };
}

const outputOf = async (command: string, options: ExecOptions = {}) =>
  (await machine.exec(command, options)).stdout.trim();
const cgroupOf = (pid: number) => outputOf(`sed s/^0::// /proc/${pid}/cgroup`);
const stateOf = (pid: number) => outputOf(`ps -o state= -p ${pid}`);

/** How many processes of a process group are in each cgroup, by the last part of its path. */
async function placesOf(group: number): Promise<Record<string, number>> {
  const lines = await outputOf(
    `for p in $(pgrep -g ${group}); do sed s,.*/,, /proc/$p/cgroup 2>/dev/null; done | sort | uniq -c`,
  );
  const pairs = lines.split('\n').filter(Boolean);
  return Object.fromEntries(
    pairs.map((line) => {
      const [count, place] = line.trim().split(' ');
      return [place, Number(count)];
    }),
  );
}

const spawned: GuestProcess[] = [];
async function spawn(command: string | string[], word = '', options: ExecOptions = {}) {
  const process = await machine.spawn(command, options);
  spawned.push(process);
  if (word !== '') await process.waitForOutput(word);
  return process;
}

afterEach(async () => {
  await machine.exec(
    "systemctl --user kill --signal=KILL 'rlimit-*.scope' 'adopted*.scope'; " +
      'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" "adopted*.scope" | ' +
      'grep -q .; do sleep 0.1; done',
  );
  for (const process of spawned.splice(0)) {
    await machine.exec(`kill -KILL -- -${process.pid} ${process.pid}`, { user: 'root' });
  }
});

describe('adopt', () => {
  it('puts a family under limits that the kernel holds, and inspect and kill find it', async () => {
    const root = await spawn(['sh', '-c', 'sleep 600 & sleep 601 & echo up; wait'], 'up');
    const { status, report } = await adopt(`default --pid ${root.pid} -p MemoryMax=200M`);
    expect(status).toBe(0);
    expect(report.processes.map(({ comm, named }) => [comm, named])).toEqual([
      ['sh', true],
      ['sleep', false],
      ['sleep', false],
    ]);
    expect(report).toMatchObject({ escaped: [], strangers: [], outside: [] });
    const cgroup = await cgroupOf(root.pid);
    expect(cgroup).toBe(report.cgroup);
    expect(cgroup).toMatch(/\/app-rlimit\.slice\/rlimit-default-\w+\.scope$/);
    expect(await outputOf(`cat /sys/fs/cgroup${cgroup}/memory.max`)).toBe(String(200 * 1024 ** 2));
    expect(await placesOf(root.pid)).toEqual({ [report.unit]: 3 });

    const inspected = await machine.exec(`rlimit inspect ${report.unit}`);
    expect(inspected.status).toBe(0);
    expect(inspected.stdout).toMatch(/profile +default/);
    expect(inspected.stdout).toMatch(/MemoryMax +200M +200M +200M/);
    const killed = await machine.exec(`rlimit kill ${report.unit}`);
    expect(killed).toMatchObject({ status: 0 });
    expect(killed.stdout).toContain('Ended 3 processes');
    expect((await machine.exec('rlimit inspect')).stdout).toContain('No units');
  });

  if (isHome)
    it('reaches every process of a family that forks without a pause', async () => {
      const root = await spawn(['python3', '/opt/rlimit/fixtures/forker.py', '2000'], 'forking');
      const { status, report } = await adopt(`default --pid ${root.pid}`);
      expect(status).toBe(0);
      expect(report).toMatchObject({ escaped: [], strangers: [] });
      // Orphans were among them: those are in the family's process group only.
      expect(report.processes.length).toBeGreaterThan(2);
      for (let look = 0; look < 3; look += 1) {
        const places = await placesOf(root.pid);
        expect(Object.keys(places)).toEqual([report.unit]);
      }
    });

  if (isWhole)
    it('reaches every process of a family that doubles', async () => {
      const root = await spawn(['python3', '-c', DOUBLING], 'doubling');
      const { status, report } = await adopt(`default --pid ${root.pid}`);
      expect(status).toBe(0);
      await expect
        .poll(() => placesOf(root.pid), { timeout: 30_000 })
        .toEqual({ [report.unit]: 32 });
    });

  it('takes processes out of a login session', async () => {
    const login = await spawn(
      'exec systemd-run --quiet --scope --unit=session-x1.scope --slice=user-1000.slice ' +
        "setpriv --reuid=dev --regid=dev --init-groups sh -c 'echo up; sleep 600; :'",
      'up',
      { user: 'root' },
    );
    const pid = Number(await outputOf('pgrep -u dev -xf "sleep 600"'));
    expect(await cgroupOf(pid)).toContain('session-x1.scope');
    const { status, report } = await adopt(`default --pid ${pid} -p TasksMax=50`);
    expect(status).toBe(0);
    expect(report.processes[0]?.from).toContain('session-x1.scope');
    const cgroup = await cgroupOf(pid);
    expect(await outputOf(`cat /sys/fs/cgroup${cgroup}/pids.max`)).toBe('50');
    expect(await cgroupOf(login.pid)).not.toBe(cgroup);
  });

  if (isHome)
    it('counts from nothing: a process may grow by the whole limit, and dies there', async () => {
      const bystander = await spawn(['python3', hog, '20', '600'], 'holding');
      const growing = await spawn(['python3', '-c', GROWING], 'holding');
      const said = await machine.exec(
        `rlimit adopt default --pid ${growing.pid} -p MemoryMax=64M -p MemorySwapMax=0`,
      );
      expect(said.status).toBe(0);
      expect(said.stdout.replace(/\s+/g, ' ')).toContain('they count as nothing');
      const cgroup = await cgroupOf(growing.pid);
      const used = Number(await outputOf(`cat /sys/fs/cgroup${cgroup}/memory.current`));
      expect(used).toBeLessThan(2 * 1024 ** 2);
      growing.write('\n');
      expect(await growing.wait()).toMatchObject({ signal: 'SIGKILL', stdout: 'holding\n' });
      expect(await stateOf(bystander.pid)).toBe('S');
    });

  if (isHome)
    it('leaves what was stopped stopped, and lets everything else go on', async () => {
      const root = await spawn(['sh', '-c', 'sleep 600 & echo $!; exec sleep 601'], '\n');
      const child = Number(root.stdout);
      await machine.exec(`kill -STOP ${child}`);
      const { status, report } = await adopt(`default --pid ${root.pid}`);
      expect(status).toBe(0);
      expect(report.processes.map(({ stopped }) => stopped)).toEqual([false, true]);
      expect([await stateOf(root.pid), await stateOf(child)]).toEqual(['S', 'T']);
    });

  if (isWhole)
    it('does not disturb the shell whose foreground job it takes', async () => {
      const shell = await machine.spawn(['bash', '--norc', '-i'], {
        tty: true,
        env: { TERM: 'dumb' },
      });
      spawned.push(shell);
      shell.write('PS1=; sh -c \'echo up; sleep 600; :\'; echo "status $?"\n');
      await shell.waitForOutput('\nup');
      const pid = Number(await outputOf(`pgrep -P ${shell.pid} -x sh`));
      const { status, report } = await adopt(`default --pid ${pid}`);
      expect(status).toBe(0);
      expect(await placesOf(pid)).toEqual({ [report.unit]: 2 });
      shell.write('\x03');
      await expect
        .poll(() => machine.exec(`kill -0 ${pid}`), { timeout: 20_000 })
        .toMatchObject({
          status: 1,
        });
      shell.write('echo "status $?"\n');
      await shell.waitForOutput('status 130');
      expect(shell.stdout).not.toContain('Stopped');
    });

  if (isHome)
    it('does not disturb a shell that it takes, nor the job of that one', async () => {
      const shell = await machine.spawn(['bash', '--norc', '-i'], {
        tty: true,
        env: { TERM: 'dumb', PS1: '' },
      });
      spawned.push(shell);
      shell.write('PS1=; bash --norc -i\n');
      shell.write("PS1=; sh -c 'echo inner up; sleep 600; :'\n");
      await shell.waitForOutput('\ninner up');
      const inner = Number(await outputOf(`pgrep -P ${shell.pid} -x bash`));
      const { status, report } = await adopt(`default --pid ${inner}`);
      expect(status).toBe(0);
      expect(report.processes.map(({ comm }) => comm)).toEqual(['bash', 'sh', 'sleep']);
      expect(await placesOf(inner)).toEqual({ [report.unit]: 1 });
      shell.write('\x03');
      await expect
        .poll(() => machine.exec(`pgrep -P ${inner}`), { timeout: 20_000 })
        .toMatchObject({ status: 1 });
      shell.write('echo "status $?"\n');
      await shell.waitForOutput('status 130');
      expect(shell.stdout).not.toContain('Stopped');
    });

  if (isWhole)
    it('leaves a descendant that is under limits of its own where it is', async () => {
      const root = await spawn(
        [
          'sh',
          '-c',
          'rlimit run -q default --unit rlimit-inner-1 -- sh -c "echo up; sleep 600; :"; :',
        ],
        'up',
      );
      const { status, report } = await adopt(`default --pid ${root.pid}`);
      expect(status).toBe(0);
      expect(report.outside).toEqual([
        { pid: expect.any(Number), comm: 'sh', why: 'limited-already' },
      ]);
      const places = await placesOf(root.pid);
      expect(places['rlimit-inner-1.scope']).toBe(2);
      expect(places[report.unit]).toBeGreaterThanOrEqual(2);
    });

  if (isHome)
    it('prints a line that does the same when it is pasted', async () => {
      const root = await spawn(['sleep', '600']);
      const dry = await machine.exec(
        `rlimit adopt default --pid ${root.pid} --unit adopted-1 -p MemoryMax=100M -n`,
      );
      expect(dry.status).toBe(0);
      expect(dry.stdout).toMatch(/^busctl --user call .* adopted-1\.scope fail /);
      expect(await cgroupOf(root.pid)).not.toContain('adopted-1.scope');
      expect(await machine.exec(dry.stdout)).toMatchObject({ status: 0 });
      await expect.poll(() => cgroupOf(root.pid)).toMatch(/\/app-rlimit\.slice\/adopted-1\.scope$/);
    });

  if (isHome)
    it('says when the name is taken', async () => {
      const [first, second] = [await spawn(['sleep', '600']), await spawn(['sleep', '601'])];
      expect((await adopt(`default --pid ${first.pid} --unit adopted-2`)).status).toBe(0);
      const taken = await refusal(`default --pid ${second.pid} --unit adopted-2`);
      expect(taken).toMatchObject({ status: 2 });
      expect(taken.said).toContain('there is a unit adopted-2.scope already');
    });
});

if (isHome)
  describe('what is not adopted', () => {
    it.each([
      ['--pid 1', "the system's first process"],
      ['--pid 2', 'a thread of the kernel'],
      ['--pid 4194303', 'there is no process'],
      ['--pid 0', 'not a process ID'],
      ['--pid abc', 'not a process ID'],
      ['--pid $$', 'what you work in'],
      ['--pid $(pgrep -u dev -xo systemd)', 'a service manager'],
      ['--pid $(pgrep -u dev -o ^dbus)', 'a message bus'],
      ['--pid $(pgrep -u root -xo systemd-journal)', 'belongs to user 0'],
    ])('%s: exit 2', async (args, words) => {
      const { status, stdout, said } = await refusal(`default ${args}`);
      expect(said).toContain(words);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    });

    it('a process whose PID changed hands', async () => {
      const root = await spawn(['sleep', '600']);
      const ticks = Number(await outputOf(`awk '{print $22}' /proc/${root.pid}/stat`));
      const wrong = await refusal(`default --pid ${root.pid}:${ticks + 1}`);
      expect(wrong).toMatchObject({ status: 2 });
      expect(wrong.said).toContain('the PID has changed hands');
      expect(await cgroupOf(root.pid)).not.toContain('rlimit-default');
      expect((await adopt(`default --pid ${root.pid}:${ticks}`)).status).toBe(0);
    });

    it('a zombie, a thread, and the leader of a terminal', async () => {
      const zombie = await spawn(
        [
          'python3',
          '-c',
          'import os,time\np=os.fork()\nif p==0: os._exit(0)\nprint(p,flush=True)\ntime.sleep(600)',
        ],
        '\n',
      );
      expect((await refusal(`default --pid ${Number(zombie.stdout)}`)).said).toContain('a zombie');
      const threads = await spawn(
        [
          'python3',
          '-c',
          'import threading,time\nt=threading.Thread(target=time.sleep,args=(600,))\nt.start()\nprint(t.native_id,flush=True)',
        ],
        '\n',
      );
      expect((await refusal(`default --pid ${Number(threads.stdout)}`)).said).toContain(
        `a thread of process ${threads.pid}`,
      );
      const shell = await machine.spawn(['bash', '--norc', '-i'], { tty: true });
      spawned.push(shell);
      expect((await refusal(`default --pid ${shell.pid}`)).said).toContain('leads the session');
      expect((await adopt(`default --pid ${shell.pid} --force`)).status).toBe(0);
    });

    it('one that rlimit limits already, unless forced', async () => {
      const root = await spawn(['sleep', '600']);
      const first = await adopt(`default --pid ${root.pid}`);
      const again = await refusal(`default --pid ${root.pid}`);
      expect(again).toMatchObject({ status: 2 });
      expect(again.said).toContain(`rlimit tune ${first.report.unit}`);
      const forced = await adopt(`default --pid ${root.pid} --force`);
      expect(forced.status).toBe(0);
      expect(await cgroupOf(root.pid)).toBe(forced.report.cgroup);
    });

    it('the shell that rlimit runs in, unless forced: then it goes along, and nothing hangs', async () => {
      const { status, stdout } = await machine.exec(
        'rlimit adopt default --pid $$ --force >/dev/null; echo $?; cat /proc/self/cgroup',
      );
      expect(status).toBe(0);
      expect(stdout).toMatch(/^0\n.*rlimit-default-\w+\.scope\n$/);
    });
  });

describe('however it ends, no process is left standing', () => {
  /** A busctl of the test's own, in front of the real one. */
  async function withBusctl(script: string): Promise<ExecOptions> {
    await machine.exec('mkdir -p /tmp/shim');
    await machine.writeFile('/tmp/shim/busctl', `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { env: { PATH: '/tmp/shim:/usr/local/bin:/usr/bin:/bin' } };
  }
  const family = () => spawn(['sh', '-c', 'sleep 600 & sleep 601 & echo up; wait'], 'up');
  const states = async (group: number) => outputOf(`ps -o state= -g ${group} | sort | uniq -c`);

  it('the manager refuses', async () => {
    const root = await family();
    const records = await outputOf('ls $XDG_RUNTIME_DIR/rlimit');
    const shim = await withBusctl("echo 'Call failed: Not today' >&2; exit 1");
    const { status, said } = await refusal(`default --pid ${root.pid}`, shim);
    expect(status).toBe(3);
    expect(said).toContain('Not today');
    expect(await states(root.pid)).toMatch(/^3 S$/);
    expect(await outputOf('ls $XDG_RUNTIME_DIR/rlimit')).toBe(records);
  });

  if (isHome)
    it.each(isWhole ? SIGNALS : (['SIGTERM', 'SIGKILL'] as const))(
      'rlimit gets %s while they stand',
      async (signal) => {
        const root = await family();
        const shim = await withBusctl('sleep 4; exit 1');
        const rlimit = await spawn(
          ['rlimit', 'adopt', 'default', '--pid', `${root.pid}`],
          '',
          shim,
        );
        await expect.poll(() => states(root.pid), { timeout: 20_000 }).toMatch(/^3 T$/);
        rlimit.kill(signal);
        expect(await rlimit.wait()).toMatchObject({ signal });
        await expect.poll(() => states(root.pid), { timeout: 3000 }).toMatch(/^3 S$/);
      },
    );

  if (isHome)
    it('the manager does not answer', async () => {
      const root = await family();
      const shim = await withBusctl('sleep 12; exit 1');
      const rlimit = await spawn(['rlimit', 'adopt', 'default', '--pid', `${root.pid}`], '', shim);
      await expect.poll(() => states(root.pid), { timeout: 20_000 }).toMatch(/^3 T$/);
      await expect.poll(() => states(root.pid), { timeout: 8000 }).toMatch(/^3 S$/);
      expect(await rlimit.wait()).toMatchObject({ status: 3 });
    });
});
