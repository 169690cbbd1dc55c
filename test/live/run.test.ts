import { describe, expect, it } from 'vitest';
import type { GuestProcess } from './guest-process.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { expectNothingLeft } from './nothing-left.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('trixie');

const { systemd } = suiteFacts[machine.suite];
const ours =
  '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/app-rlimit.slice';
/** Reads a file of the cgroup a command runs in, from inside. */
const ownFile = (file: string) => `cat /sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup)/${file}`;

describe('limits of a run', () => {
  it('are in the kernel before the command begins', async () => {
    const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max'].map(ownFile).join(';');
    const { stdout, stderr, status } = await machine.exec([
      ...['rlimit', 'run', 'coq-standard', '-p', 'MemoryMax=600M', '--', 'sh', '-c', files],
    ]);
    expect(status).toBe(0);
    // Two processors that are one core each: 75 % of two cores, rounded down to whole cores.
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      String(600 * 1024 ** 2),
      '0',
      '100000 100000',
      '300',
    ]);
    expect(stderr).toMatch(/^rlimit: rlimit-coq-standard-\w+\.scope in force: MemoryMax=600M/);
    await expectNothingLeft();
  });

  it('that are not in force are said: the io controller is not delegated to users', async () => {
    const { stderr } = await machine.exec('rlimit run coq-standard -- true');
    expect(stderr).toContain('warning: IOWeight=50 is not in force');
    expect(stderr.replace(/\s+/g, ' ')).toContain('io controller is not delegated');
  });

  it('that are not in force keep --strict from starting anything', async () => {
    const { status, stderr } = await machine.exec('rlimit run coq-standard --strict -- touch ran');
    expect(status).toBe(125);
    expect(stderr).toContain('IOWeight=50 is not in force');
    expect((await machine.exec('ls ran')).status).toBe(2);
    await expectNothingLeft();
  });

  it('end a hog, while a bystander lives', async () => {
    const bystander = await machine.spawn(
      'rlimit run -q -- python3 /opt/rlimit/fixtures/hog.py 20 600',
    );
    await bystander.waitForOutput('holding');
    const hog = await machine.exec(
      'rlimit run -q -p MemoryMax=64M -- python3 /opt/rlimit/fixtures/hog.py 200',
    );
    expect(hog).toMatchObject({ status: null, signal: 'SIGKILL', stdout: '' });
    const { stdout } = await machine.exec('pgrep -f "hog.py 20 600" | wc -l');
    expect(Number(stdout)).toBeGreaterThan(0);
    bystander.kill('SIGTERM');
    expect(await bystander.wait()).toMatchObject({ signal: 'SIGTERM' });
    await expectNothingLeft();
  });

  it('that killed one job leave the rest of the build to the build tool', async () => {
    await machine.exec('mkdir -p /tmp/oom');
    await machine.writeFile(
      '/tmp/oom/Makefile',
      'all: big small\nbig:\n\tpython3 /opt/rlimit/fixtures/hog.py 200\nsmall:\n\t@sleep 3; echo small\n',
    );
    const { status, signal, stderr } = await machine.exec(
      'rlimit run default -p MemoryMax=64M -- make -k -j2 2>&1 >out | cat >&2; exit ${PIPESTATUS[0]}',
      { cwd: '/tmp/oom' },
    );
    if (systemd >= 253) {
      expect({ status, signal }).toEqual({ status: 2, signal: null });
      expect(stderr).toMatch(/\[Makefile:3: big\] Killed/);
    } else {
      // systemd 252 stops the whole scope, and cannot be told otherwise.
      expect(stderr).toContain('OOMPolicy=continue left out: needs systemd 253');
      expect(status).not.toBe(0);
    }
    await expectNothingLeft();
  });

  if (isHome)
    it('hold for a real Coq build under coq-standard', async () => {
      await machine.exec('cp -r /opt/rlimit/examples/proofs . && make -C proofs clean');
      const build = await machine.spawn('rlimit run coq-standard -- make -j2', {
        cwd: '/home/dev/proofs',
        timeoutMs: 300_000,
      });
      await build.waitForOutput('coqc', 120_000);
      const inspected = await machine.exec('rlimit inspect --json');
      expect(inspected.status).toBe(0);
      const total = Number(
        (await machine.exec("awk '/MemTotal/ {print $2}' /proc/meminfo")).stdout,
      );
      const { stdout: limit } = await machine.exec(
        `cat ${ours}/*/rlimit-coq-standard-*.scope/memory.max`,
      );
      // 60 % of what the guest has, cut to two digits of GiB and whole MiB.
      const share = Math.floor(((total * 0.6) / 1024 ** 2) * 10) / 10;
      expect(Number(limit)).toBe(Math.floor(share * 1024) * 1024 ** 2);
      expect(inspected.stdout).toContain('controller-not-delegated');
      expect(await build.wait()).toMatchObject({ status: 0 });
      expect((await machine.exec('ls proofs/Everything.vo')).status).toBe(0);
      await expectNothingLeft();
    }, 400_000);

  if (isHome)
    it('stay when rlimit is killed, and kill still finds the scope', async () => {
      const run = await machine.spawn(
        'exec rlimit run -q -p TasksMax=50 -- sh -c "echo up; exec sleep 1000"',
      );
      await run.waitForOutput('up');
      const scope = await untilScope();
      run.kill('SIGKILL');
      await run.wait();
      expect((await machine.exec(`cat ${ours}/*/${scope}/pids.max`)).stdout).toBe('50\n');
      const killed = await machine.exec(`rlimit kill ${scope}`);
      expect(killed.status).toBe(0);
      await expectNothingLeft();
    });
});

describe('the world of a command', () => {
  it('is as without rlimit', async () => {
    const script = (prefix: string, out: string) => `
      cd /tmp && umask 027 && ulimit -Sn 512 && ulimit -Sc 8
      trap '' HUP USR1
      export ODD='$HOME %h' EMPTY=
      f() { :; }; export -f f
      exec 5</etc/passwd 7>/dev/null 12<>/dev/null
      ${prefix} /opt/rlimit/fixtures/probe.sh ${out} '$$' '\${HOME}' '%h' 'a b' $'a\\nb' '' 'ü€' -- -c '*' </dev/null
      true`;
    const without = await machine.exec(script('', '/tmp/world'));
    const within = await machine.exec(script('rlimit run -q default --', '/tmp/world2'));
    expect([without.status, within.status]).toEqual([0, 0]);
    const read = async (file: string) => {
      const text = (await machine.readFile(file)).toString();
      // Each of the two was given pipes of its own.
      return text.replaceAll('world2', 'world').replace(/pipe:\[\d+\]/g, 'pipe');
    };
    const environment = async (file: string) => {
      const entries = (await read(file)).split('\0').filter(Boolean);
      // Documented: ours, and the invocation id that systemd-run sets. bash puts into `_` what it runs.
      return entries.filter((entry) => !/^(RLIMIT_\w+|INVOCATION_ID|_)=/.test(entry)).sort();
    };
    expect(await environment('/tmp/world2.environ')).toEqual(
      await environment('/tmp/world.environ'),
    );
    expect(await read('/tmp/world2.cmdline')).toBe(await read('/tmp/world.cmdline'));
    for (const part of ['signals', 'limits', 'fd', 'misc']) {
      expect(await read(`/tmp/world2.${part}`), part).toBe(await read(`/tmp/world.${part}`));
    }
  });

  if (isHome)
    it('has three variables more', async () => {
      const { stdout } = await machine.exec(
        'rlimit run -q -j3 coq-single -- env | grep ^RLIMIT_ | sort',
      );
      expect(stdout).toMatch(
        /^RLIMIT_JOBS=3\nRLIMIT_PROFILE=coq-single\nRLIMIT_UNIT=rlimit-coq-single-\w+\.scope\n$/,
      );
    });

  if (isHome)
    it('gets 100 MB through stdin and stdout unharmed', async () => {
      const { stdout } = await machine
        .exec(
          'head -c 100000000 /dev/urandom | tee >(md5sum >&2) | rlimit run -q -- cat | md5sum',
          {
            timeoutMs: 240_000,
          },
        )
        .then(({ stdout, stderr }) => ({ stdout: `${stdout}${stderr}` }));
      const [first, second] = stdout.trim().split('\n');
      expect(first).toBe(second);
    });

  if (isHome)
    it.each([
      ['exit 0', '0'],
      ['exit 1', '1'],
      ['exit 125', '125'],
      ['exit 255', '255'],
      ['kill -TERM $$', '143'],
      ['kill -KILL $$', '137'],
      ['kill -SEGV $$', '139'],
      ['kill -INT $$', '130'],
      ['kill -USR1 $$', '138'],
    ])('ends as the command does: %s', async (script, status) => {
      const { stdout } = await machine.exec(`rlimit run -q -- sh -c '${script}'; echo $?`);
      expect(stdout).toBe(`${status}\n`);
      expect((await machine.exec('ls core* 2>/dev/null')).stdout).toBe('');
    });

  if (isHome)
    it('hears the signals that rlimit gets', async () => {
      const run = await machine.spawn([
        'rlimit',
        'run',
        '-q',
        '--',
        'sh',
        '-c',
        'trap "echo hup" HUP; trap "echo usr1" USR1; trap "echo term; exit 9" TERM; echo up; while :; do sleep 0.1; done',
      ]);
      await run.waitForOutput('up');
      run.kill('SIGHUP');
      await run.waitForOutput('hup');
      run.kill('SIGUSR1');
      await run.waitForOutput('usr1');
      run.kill('SIGTERM');
      expect(await run.wait()).toMatchObject({ status: 9, stdout: 'up\nhup\nusr1\nterm\n' });
    });

  if (isHome)
    it('is niced where that is asked for', async () => {
      expect((await machine.exec('rlimit run -q --nice 7 -- nice')).stdout).toBe('7\n');
    });
});

describe('at a terminal', () => {
  it('Ctrl-C reaches the command once, and ends rlimit as it ends the command', async () => {
    const shell = await interactiveShell();
    shell.write(
      'PS1=; rlimit run -q -- sh -c \'trap "echo caught; exit 3" INT; echo up; while :; do sleep 0.1; done\'; echo "status $?"\n',
    );
    await shell.waitForOutput('\nup');
    shell.write('\x03');
    await shell.waitForOutput('status 3');
    expect(shell.stdout.match(/caught\r\n/g)).toHaveLength(1);
    shell.write("rlimit run -q -- sh -c 'echo up; exec sleep 100'\n");
    await shell.waitForOutput('\nup');
    await expectDeathByCtrlC(shell);
  });

  it('Ctrl-Z stops it and fg goes on', async () => {
    const shell = await interactiveShell();
    shell.write(
      'PS1=; rlimit run -q -- sh -c \'echo up; while :; do read -r line && echo "got $line"; done\'\n',
    );
    await shell.waitForOutput('\nup');
    shell.write('\x1a');
    await shell.waitForOutput('Stopped');
    shell.write('jobs\n');
    await shell.waitForOutput('Stopped');
    shell.write('fg\n');
    shell.write('hello\n');
    await shell.waitForOutput('got hello');
    await expectDeathByCtrlC(shell);
  });

  it('the command has the terminal itself', async () => {
    const run = await machine.spawn(['rlimit', 'run', '-q', '--', 'sh', '-c', 'tty; stty size'], {
      tty: { rows: 31, cols: 93 },
    });
    const { stdout } = await run.wait();
    expect(stdout).toMatch(/\/dev\/pts\/\d+\r\n31 93/);
  });
});

describe('--json', () => {
  if (isHome)
    it('tells how it ended, in one line on stderr', async () => {
      const { status, stdout, stderr } = await machine.exec(
        "rlimit run -q --json coq-single -- sh -c 'echo out; exit 3'",
      );
      expect({ status, stdout }).toEqual({ status: 3, stdout: 'out\n' });
      expect(JSON.parse(stderr)).toMatchObject({
        version: 1,
        unit: expect.stringMatching(/^rlimit-coq-single-\w+\.scope$/),
        profile: 'coq-single',
        command: ['sh', '-c', 'echo out; exit 3'],
        cwd: '/home/dev',
        launcher: 'user',
        status: 3,
        elapsedMs: expect.any(Number),
        limits: expect.objectContaining({ MemorySwapMax: '0' }),
        figures: { cpuUsec: expect.any(Number), memoryPeak: expect.any(Number) },
        verdict: { id: 'failed', says: expect.stringContaining('status 3') },
      });
    });
});

describe('--log', () => {
  if (isHome)
    it('keeps a copy of both streams beside the terminal, and the exit status', async () => {
      const result = await machine.exec(
        "rlimit run -q --log build.log -- sh -c 'echo out; echo err >&2; exit 4'",
      );
      expect(result).toMatchObject({ status: 4, stdout: 'out\n', stderr: 'err\n' });
      const log = (await machine.readFile('/home/dev/build.log')).toString();
      expect(log.split('\n').sort()).toEqual(['', 'err', 'out']);
    });

  if (isHome)
    it('that cannot be written is said once, and the build goes on', async () => {
      const result = await machine.exec(
        "rlimit run -q --log /dev/full -- sh -c 'seq 100000; echo done >&2'",
      );
      expect(result.status).toBe(0);
      expect(result.stdout.trim().split('\n')).toHaveLength(100_000);
      expect(result.stderr.match(/is incomplete/g)).toHaveLength(1);
    });
});

describe('--dry-run', () => {
  it('prints a line that does the same when it is pasted', async () => {
    const dry = await machine.exec(
      "rlimit run coq-single --unit pasted --dry-run -- sh -c 'echo $RLIMIT_UNIT \"$0\"' 'a  $$ b'",
    );
    expect(dry.status).toBe(0);
    expect(dry.stdout).toMatch(/^systemd-run --user --scope .*-p MemoryMax=/);
    const pasted = await machine.exec(dry.stdout);
    expect(pasted).toMatchObject({ status: 0, stdout: 'pasted.scope a  $$ b\n' });
  });
});

describe('what cannot be started', () => {
  if (isHome)
    it.each([
      ['rlimit run -q -- no-such-command', 127, 'was not found'],
      ['rlimit run -q -- /etc/passwd', 126, 'cannot be executed'],
      ["rlimit run -q -- ls $'caf\\351'", 125, 'not valid UTF-8'],
      ['rlimit run -q --', 2, 'no command'],
      ['rlimit run -q coq-standrd -- true', 2, 'coq-standard'],
      ['rlimit run -q -p MemoryMx=1G -- true', 2, 'MemoryMax'],
      ['rlimit run -q -p MemoryMax=1M -- true', 2, '16M'],
      ['rlimit run -q -p MemoryMax=1T -- true', 2, 'MemoryMax'],
      ['rlimit run -q -p MemoryHigh=100M -p MemoryMax=200M -p MemorySwapMax=0 -- true', 2, 'never'],
      [
        'env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS rlimit run -q -- true',
        125,
        'export XDG_RUNTIME_DIR',
      ],
    ])('%s: exit %i', async (command, status, words) => {
      const result = await machine.exec(command);
      expect(result.stderr).toContain(words);
      expect(result).toMatchObject({ status, stdout: '' });
    });

  if (isHome)
    it('a unit name that is taken: 125, and systemd says so', async () => {
      const first = await machine.spawn('rlimit run -q --unit taken -- sh -c "echo up; sleep 100"');
      await first.waitForOutput('up');
      const second = await machine.exec('rlimit run -q --unit taken -- true');
      expect(second.status).toBe(125);
      expect(second.stderr).toContain('taken.scope');
      const killed = await machine.exec('rlimit kill taken.scope');
      expect(killed.status).toBe(0);
      await first.wait();
      await expectNothingLeft();
    });
});

function interactiveShell(): Promise<GuestProcess> {
  return machine.spawn(['bash', '--norc', '-i'], { tty: true, env: { TERM: 'dumb' } });
}

/** Presses Ctrl-C, and sees the command die of it and leave nothing behind. */
async function expectDeathByCtrlC(shell: GuestProcess): Promise<void> {
  shell.write('\x03');
  await untilNoScope();
  // bash gives up the rest of a line whose command died of Ctrl-C, so the status is asked for apart.
  shell.write('echo "status $?"\n');
  await shell.waitForOutput('status 130');
  shell.write('exit\n');
  await shell.wait();
  await expectNothingLeft();
}

/** Waits until there is a scope of ours, and says its name. */
async function untilScope(): Promise<string> {
  const { stdout } = await machine.exec(
    `until ls -d ${ours}/*/*.scope 2>/dev/null; do sleep 0.05; done | tail -1`,
  );
  return stdout.trim().split('/').at(-1) ?? '';
}

/** Waits until the last scope of ours is gone: what is typed before a Ctrl-C is dealt with is lost. */
async function untilNoScope(): Promise<void> {
  await machine.exec(`while ls -d ${ours}/*/*.scope 2>/dev/null; do sleep 0.05; done; sleep 0.5`);
}
