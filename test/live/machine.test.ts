import { describe, expect, it } from 'vitest';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('trixie');

const facts = suiteFacts[machine.suite];

describe('the machine', () => {
  it('runs the systemd and the Node of its suite', async () => {
    const systemd = await machine.exec('systemctl --version');
    const node = await machine.exec(['node', '-p', 'process.versions.node']);

    expect(systemd.stdout).toMatch(`systemd ${facts.systemd} `);
    expect(node.stdout).toMatch(`${facts.node}.`);
  });

  it('came up without a failed unit', async () => {
    const { stdout } = await machine.exec('systemctl --failed --plain --no-legend');

    expect(stdout).toBe('');
  });

  it('has cgroup v2 with the controllers that Debian delegates to a user', async () => {
    const { stdout } = await machine.exec(
      'cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers',
    );

    expect(stdout).toBe('cpu memory pids\n');
  });

  it('has a user manager for dev that starts scopes', async () => {
    const state = await machine.exec('systemctl --user is-system-running');
    const scope = await machine.exec(
      'systemd-run --user --scope --quiet -p MemoryMax=100M cat /proc/self/cgroup',
    );

    expect(state.stdout).toBe('running\n');
    expect(scope).toMatchObject({ status: 0, stderr: '' });
    expect(scope.stdout).toMatch(/user@1000\.service\/app\.slice\/run-.*\.scope$/m);
  });

  if (isHome)
    it('compiles a proof that uses the standard library', async () => {
      await machine.writeFile(
        '/home/dev/proof.v',
        'Require Import Arith.\nGoal forall n m, n + m = m + n.\nProof. exact Nat.add_comm. Qed.\n',
      );

      const { status, stderr } = await machine.exec('coqc proof.v');

      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect((await machine.exec('ls proof.vo')).status).toBe(0);
    });

  it('carries the built product', async () => {
    const { stdout } = await machine.exec('realpath "$(command -v rlimit)"');

    expect(stdout).toBe('/usr/local/lib/node_modules/rlimit/bin/run.js\n');
  });
});

if (isHome)
  describe('a command in the machine', () => {
    it('ends with its own exit status', async () => {
      expect(await machine.exec('exit 42')).toMatchObject({ status: 42, signal: null });
    });

    it('ends with the signal that killed it', async () => {
      expect(await machine.exec('kill -SEGV $$')).toMatchObject({
        status: null,
        signal: 'SIGSEGV',
      });
    });

    it('is not found, as in a shell', async () => {
      expect(await machine.exec(['no-such-program'])).toMatchObject({ status: 127 });
    });

    it('gets its arguments as they are', async () => {
      const { stdout } = await machine.exec(['printf', '<%s>', 'a b', '$HOME', "'", 'é\n']);

      expect(stdout).toBe("<a b><$HOME><'><é\n>");
    });

    it('reads its input to the end', async () => {
      expect((await machine.exec('tr a-z A-Z', { input: 'quiet' })).stdout).toBe('QUIET');
      expect((await machine.exec('cat')).stdout).toBe('');
    });

    it('takes and gives back more bytes than a pipe holds, every value of them', async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));

      const { stdoutBytes } = await machine.exec(['cat'], { input: bytes });

      expect(stdoutBytes.equals(bytes)).toBe(true);
    });

    it('keeps what it says and what it complains about apart', async () => {
      const result = await machine.exec('echo said; echo complained >&2');

      expect(result).toMatchObject({ stdout: 'said\n', stderr: 'complained\n' });
    });

    it('is of dev, or of root, in the directory and environment asked for', async () => {
      const report = 'echo "$(id -un) $PWD $COLOUR $XDG_RUNTIME_DIR"';

      const dev = await machine.exec(report, { env: { COLOUR: 'red' } });
      const root = await machine.exec(report, { user: 'root', cwd: '/tmp' });

      expect(dev.stdout).toBe('dev /home/dev red /run/user/1000\n');
      expect(root.stdout).toBe('root /tmp  \n');
    });

    it('starts with the signal handling, limits and score of an ordinary process', async () => {
      const { stdout } = await machine.exec(
        'grep -E "Sig(Ign|Blk)" /proc/self/status; ulimit -Sn; cat /proc/self/oom_score_adj',
      );

      expect(stdout).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n1024\n0\n');
    });

    it('is killed with its children when it takes too long', async () => {
      const running = machine.exec('echo begun; sleep 1000 & sleep 1001', { timeoutMs: 1500 });

      await expect(running).rejects.toThrow(/took too long.*begun/s);
      expect((await machine.exec('pgrep sleep')).stdout).toBe('');
    });

    it('runs beside others', async () => {
      const results = await Promise.all([1, 2, 3].map((n) => machine.exec(`sleep 0.5; echo ${n}`)));

      expect(results.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n']);
    });

    it('does not keep the test waiting for what it left behind', async () => {
      const { stdout } = await machine.exec('sleep 1000 & echo $!');

      expect((await machine.exec(`kill ${stdout}`)).status).toBe(0);
    });
  });

if (isHome)
  describe('a command that the test lives with', () => {
    it('answers line by line and ends with its input', async () => {
      const running = await machine.spawn('while read -r line; do echo "<$line>"; done; exit 5');

      running.write('one\n');
      await running.waitForOutput('<one>\n');
      running.write('two\n');
      await running.waitForOutput('<two>\n');
      running.end();

      expect(await running.wait()).toMatchObject({ status: 5, stdout: '<one>\n<two>\n' });
    });

    it('gets a signal alone, or with its whole group', async () => {
      const script = "trap 'echo caught; exit 3' TERM; echo ready; sleep 1000 & wait";
      const alone = await machine.spawn(script);
      await alone.waitForOutput('ready');
      alone.kill('SIGTERM');
      const group = await machine.spawn('echo ready; sleep 1000; echo over');
      await group.waitForOutput('ready');
      group.kill('SIGKILL', { group: true });

      expect(await alone.wait()).toMatchObject({ status: 3, stdout: 'ready\ncaught\n' });
      expect(await group.wait()).toMatchObject({ signal: 'SIGKILL', stdout: 'ready\n' });
      await machine.exec('pkill sleep');
    });

    it('has a terminal whose Ctrl-C interrupts it', async () => {
      const running = await machine.spawn('tty; stty size; echo ready; sleep 1000', {
        tty: { rows: 30, cols: 100 },
      });
      await running.waitForOutput(/\/dev\/pts\/\d+\r\n30 100\r\nready/);

      running.write('\x03');

      expect(await running.wait()).toMatchObject({ status: null, signal: 'SIGINT' });
    });

    it('has a shell with job control', async () => {
      const shell = await machine.spawn(['bash', '--norc'], { tty: true, env: { PS1: '> ' } });
      await shell.waitForOutput('> ');

      shell.write('sleep 1000\n');
      await shell.waitForOutput('sleep 1000\r\n');
      await machine.exec('until pgrep -x sleep; do sleep 0.05; done');
      shell.write('\x1a');
      await shell.waitForOutput('Stopped');
      shell.write('exit 7\n');
      await shell.waitForOutput('There are stopped jobs.');
      shell.write('exit 7\n');

      expect((await shell.wait()).status).toBe(7);
    });
  });

if (isHome)
  describe('a file in the machine', () => {
    it('has the content, mode and owner it was written with', async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 128]);

      await machine.writeFile('/tmp/bytes', bytes, { mode: 0o750, owner: 'root' });

      expect((await machine.readFile('/tmp/bytes')).equals(bytes)).toBe(true);
      expect((await machine.exec('stat -c "%a %U" /tmp/bytes')).stdout).toBe('750 root\n');
    });

    it('is missed loudly', async () => {
      await expect(machine.readFile('/no/such/file')).rejects.toThrow('FileNotFoundError');
    });
  });
