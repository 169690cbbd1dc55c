import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/index.js';
import type { ExecOptions } from './guest-process.js';
import { endKillers } from './killers.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('trixie');

const { systemd } = suiteFacts[machine.suite];
const hog = 'python3 /opt/rlimit/fixtures/hog.py';
const MIB = 1024 ** 2;

/** Runs under `rlimit run OPTIONS` and gives the report on how it ended. */
async function outcomeOf(argv: string, options: ExecOptions = {}): Promise<Outcome> {
  await machine.exec(`rm -f report; rlimit run --report report ${argv}`, {
    timeoutMs: 240_000,
    ...options,
  });
  return JSON.parse((await machine.readFile('/home/dev/report')).toString()) as Outcome;
}

/** The same, of a run that something is done to once it says `up`. */
async function outcomeWhen(argv: string, act: string): Promise<Outcome> {
  await machine.exec('rm -f report');
  const run = await machine.spawn(`exec rlimit run --report report ${argv}`);
  await run.waitForOutput('up');
  await machine.exec(act);
  await run.wait();
  return JSON.parse((await machine.readFile('/home/dev/report')).toString()) as Outcome;
}

const says = (outcome: Outcome) => `${outcome.verdict.id}: ${outcome.verdict.says}`;

/** A line of bash's `times`, user and system together: `0m4.012s 0m0.030s`. */
function secondsOf(line: string): number {
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

describe('figures', () => {
  it.each([64, 256, 512])('a program that takes %i MB is reported within 5 %%', async (mib) => {
    const { figures, verdict } = await outcomeOf(
      `-p MemoryMax=1G -- dd if=/dev/zero of=/dev/null bs=${mib}M count=${Math.ceil(8000 / mib)}`,
    );
    expect(verdict.id).toBe('finished');
    expect(figures.memoryPeak).toBeGreaterThan(mib * MIB);
    expect(figures.memoryPeak).toBeLessThan(mib * MIB * 1.05);
    expect(figures.anonPeak).toBeGreaterThan(mib * MIB * 0.95);
    expect(figures.anonPeak).toBeLessThan(mib * MIB * 1.05);
  });

  it('CPU time is what the program itself counts, within 5 %', async () => {
    // What is under `rlimit run` became bash in place: bash's own count has the way there in it.
    const burn = 'import time\nwhile time.process_time() < 4: pass';
    const { stdout } = await machine.exec(
      `rlimit run -q --report report -- bash -c 'python3 -c "${burn}"; times'`,
    );
    const [shell = 0, children = 0] = stdout.trim().split('\n').map(secondsOf);
    const { figures } = JSON.parse((await machine.readFile('/home/dev/report')).toString());
    expect(children).toBeGreaterThan(4);
    expect(figures.cpuUsec / 1e6).toBeGreaterThan(children * 0.95);
    expect(figures.cpuUsec / 1e6).toBeLessThan((shell + children) * 1.05);
  });

  if (isHome)
    it('tasks are counted at their most', async () => {
      const { figures } = await outcomeOf("-- sh -c 'for i in 1 2 3 4; do sleep 2 & done; wait'");
      expect(figures.tasksPeak).toBe(5);
    });

  it('are all there when the whole scope was killed', async () => {
    const { figures, verdict, signal } = await outcomeOf(
      `-p MemoryMax=64M -p OOMPolicy=kill -- sh -c '${hog} 200 & sleep 100'`,
    );
    expect(verdict.id).toBe('memory-max');
    expect(figures.oomKills).toBeGreaterThan(0);
    expect(figures.memoryPeak).toBeGreaterThan(63 * MIB);
    expect(signal).toBe(systemd >= 253 ? 'SIGKILL' : 'SIGTERM');
  });
});

describe('the verdict', () => {
  it('finished', async () => {
    const { stderr } = await machine.exec('rlimit run -- true');
    expect(stderr.split('\n').at(-2)).toMatch(
      /^rlimit: finished in \S+: peak \S+( \(anonymous \S+\))?, CPU \S+$/,
    );
  });

  if (isHome)
    it('is silenced by --quiet', async () => {
      expect((await machine.exec('rlimit run -q -- true')).stderr).toBe('');
    });

  it('failed by itself', async () => {
    const outcome = await outcomeOf("-- sh -c 'exit 7'");
    expect(says(outcome)).toMatch(/^failed: failed by itself: status 7 after /);
    expect(says(await outcomeOf("-- sh -c 'kill -SEGV $$'"))).toMatch(
      /^failed: failed by itself: SIGSEGV after /,
    );
  });

  it('killed at its own MemoryMax, with the one who was, and a larger limit to try', async () => {
    const { verdict, figures } = await outcomeOf(`-p MemoryMax=64M -- ${hog} 200`);
    expect(verdict).toMatchObject({
      id: 'memory-max',
      says: expect.stringMatching(/^killed at its own MemoryMax=64M: python3.*; peak 64/),
      advice: '-p MemoryMax=96M',
    });
    expect(figures.oomKills).toBe(1);
  });

  if (isHome)
    it('says so too when only a job was killed and the command itself ended well', async () => {
      const { status, verdict } = await outcomeOf(
        `-p MemoryMax=64M -- sh -c '${hog} 200; sleep 1; exit 0'`,
      );
      expect(verdict.id).toBe('memory-max');
      if (systemd >= 253) {
        expect(status).toBe(0);
        expect(verdict.says).toMatch(
          /^ended with status 0, but .* was killed at the run's own MemoryMax=64M/,
        );
      }
    });

  if (isHome)
    it('recommends fewer jobs where the command has some and memory is all there is', async () => {
      const { verdict } = await outcomeOf(`-p MemoryMax=1100M -- sh -c '${hog} 1300; exit 2' -j8`);
      expect(verdict).toMatchObject({ id: 'memory-max', advice: '-j4' });
    });

  it('names the process that was killed by what the kernel says, where that may be read', async () => {
    await machine.exec('usermod -aG adm dev', { user: 'root' });
    // A user's manager has the groups of its start: a login gets them.
    const { stdout } = await machine.exec(
      `runuser -u dev -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/dev sh -c 'cd && rlimit run --report report -p MemoryMax=64M -- sh -c "${hog} 200; exit 3"; cat report'`,
      { user: 'root' },
    );
    await machine.exec('gpasswd -d dev adm', { user: 'root' });
    const { verdict } = JSON.parse(stdout) as Outcome;
    expect(verdict.says).toMatch(/python3 at [56]\d(\.\d+)?M; peak 64M?/);
  });

  it('killed at the limit of a cgroup above', async () => {
    await machine.exec(
      'systemctl --user start small.slice; systemctl --user set-property --runtime small.slice MemoryMax=100M',
    );
    try {
      const { verdict } = await outcomeOf(`--slice small -p MemoryMax=500M -- ${hog} 300`);
      expect(verdict).toMatchObject({
        id: 'ancestor-memory-max',
        says: expect.stringContaining('at the limit of small.slice MemoryMax=100M'),
        advice: '-p MemoryMax=80M',
      });
    } finally {
      await machine.exec('systemctl --user stop small.slice; systemctl --user revert small.slice');
    }
  });

  if (isHome)
    it("killed by the machine's OOM killer", async () => {
      const { verdict } = await outcomeOf(`-p MemoryMax=infinity -- ${hog} 3000`);
      expect(verdict).toMatchObject({
        id: 'machine-oom',
        says: expect.stringMatching(/the whole machine was out of memory: python3/),
        advice: expect.stringMatching(/^-p MemoryMax=\d+M$/),
      });
    });

  if (isHome)
    it('killed by earlyoom', async () => {
      await asRoot('rm -f /etc/systemd/system/earlyoom.service; systemctl daemon-reload');
      await asRoot(
        'systemctl start earlyoom; until pgrep -x earlyoom; do sleep 0.1; done; sleep 1',
      );
      try {
        const outcome = await outcomeOf(`-p MemoryMax=infinity -- ${hog} 3000 30`);
        expect(outcome.verdict.id).toBe('earlyoom');
        expect(outcome.verdict.evidence.join('\n')).toMatch(/earlyoom runs|sending SIG/);
      } finally {
        await asRoot(endKillers);
      }
    });

  if (isHome)
    it.each(['continue', 'stop'])('killed by systemd-oomd, under OOMPolicy=%s', async (policy) => {
      await asRoot(
        'rm -f /etc/systemd/system/systemd-oomd.s*; mkdir -p /run/systemd/oomd.conf.d; ' +
          "printf '[OOM]\\nDefaultMemoryPressureDurationSec=2s\\n' >/run/systemd/oomd.conf.d/fast.conf; " +
          'systemctl daemon-reload; systemctl start systemd-oomd',
      );
      try {
        const limits =
          '-p MemoryHigh=60M -p MemoryMax=infinity -p MemorySwapMax= -p ManagedOOMMemoryPressure=kill -p ManagedOOMMemoryPressureLimit=5%';
        const { verdict } = await outcomeOf(
          `--force -p OOMPolicy=${policy} ${limits} -- python3 /opt/rlimit/fixtures/thrash.py big 300`,
        );
        expect(verdict.id).toBe('systemd-oomd');
      } finally {
        await asRoot(`${endKillers}; rm -f /home/dev/big`);
      }
    });

  it('stopped at TasksMax', async () => {
    const { verdict, figures } = await outcomeOf(
      "-p TasksMax=8 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 2 & done; wait'",
    );
    expect(verdict).toMatchObject({
      id: 'tasks-max',
      says: expect.stringContaining('at its own TasksMax=8: fork was refused'),
      advice: '-p TasksMax=16',
    });
    expect(figures.tasksPeak).toBe(8);
    // The shell gave up and left the others behind: their slice goes when somebody looks.
    await machine.exec('sleep 2; rlimit inspect');
  });

  it('ended by a signal that the user sent through rlimit', async () => {
    const run = await machine.spawn(
      "exec rlimit run --report report -- sh -c 'echo up; exec sleep 99'",
    );
    await run.waitForOutput('up');
    run.kill('SIGTERM');
    expect(await run.wait()).toMatchObject({ signal: 'SIGTERM' });
    const outcome = JSON.parse((await machine.readFile('/home/dev/report')).toString()) as Outcome;
    expect(says(outcome)).toMatch(/^user-signal: ended by you: SIGTERM sent to rlimit after /);
  });

  it('ended by rlimit kill', async () => {
    const outcome = await outcomeWhen("-- sh -c 'echo up; exec sleep 99'", 'rlimit kill --scope');
    expect(says(outcome)).toMatch(/^user-signal: ended by you: rlimit kill \(SIGTERM\) after /);
  });

  if (isHome)
    it('ended by a signal of somebody else', async () => {
      const outcome = await outcomeWhen(
        "--unit foreign -- sh -c 'echo up; exec sleep 99'",
        'systemctl --user kill --signal=KILL foreign.scope',
      );
      expect(says(outcome)).toMatch(/^foreign-signal: ended by SIGKILL from somebody else after /);
    });

  if (isHome)
    it('throttled for most of its time', async () => {
      const burn = 'import time\nwhile time.process_time() < 1.5: pass';
      const { verdict, figures } = await outcomeOf(`-p CPUQuota=25% -- python3 -c '${burn}'`);
      expect(verdict).toMatchObject({
        id: 'throttled',
        says: expect.stringMatching(/held back by CPUQuota=25% \d+% of the time/),
        advice: '-p CPUQuota=38%',
      });
      expect(figures.throttledUsec).toBeGreaterThan(1e6);
    });

  it('stalled between MemoryHigh and MemoryMax', async () => {
    const { verdict, figures } = await outcomeOf(
      `--force -p MemoryHigh=40M -p MemoryMax=200M -- timeout -s KILL 10 ${hog} 100`,
    );
    expect(verdict).toMatchObject({
      id: 'stalled',
      says: expect.stringContaining('stalled between MemoryHigh=40M and MemoryMax=200M'),
      advice: '-p MemoryHigh=infinity',
    });
    expect(figures.memoryStallUsec).toBeGreaterThan(4e6);
  });
});

describe('a report', () => {
  if (isHome)
    it('that cannot be written is said, and the status is kept', async () => {
      const result = await machine.exec('rlimit run --report /no/such/report -- sh -c "exit 4"');
      expect(result.status).toBe(4);
      expect(result.stderr).toContain('the report /no/such/report was not written');
    });
});

describe('a run inside a run', () => {
  it('stays inside the outer limits, and says so', async () => {
    const { stdout, stderr } = await machine.exec(
      `rlimit run -p MemoryMax=100M -p TasksMax=60 -- sh -c 'rlimit run -p MemoryMax=500M -- ${hog} 200; echo "inner $?"'`,
    );
    const plain = stderr.replace(/\s+/g, ' ');
    expect(plain).toMatch(/it runs inside rlimit-default-\w+\.scope, whose limits bind it as well/);
    expect(plain).toMatch(/killed at the limit of app-rlimit-\w+\.slice MemoryMax=100M/);
    expect(plain).toMatch(/killed at (its|the run's) own MemoryMax=100M/);
    if (systemd >= 253) expect(stdout).toContain('inner 137');
    expect(plain).not.toContain('still run');
    const left = await machine.exec(
      'left() { systemctl --user list-units --all --plain --no-legend "app-rlimit-*"; }; ' +
        'for i in $(seq 50); do [ "$(left)" ] || break; sleep 0.2; done; left; ' +
        'ls $XDG_RUNTIME_DIR/systemd/user.control 2>/dev/null | grep app-rlimit-; true',
    );
    expect(left.stdout).toBe('');
  });
});

describe('at a terminal', () => {
  it('a second Ctrl-C ends everything, after that was said', async () => {
    const run = await machine.spawn(
      ['rlimit', 'run', '--', 'sh', '-c', 'trap : INT; echo up; while :; do sleep 0.2; done'],
      { tty: true },
    );
    await run.waitForOutput('up');
    run.write('\x03');
    await run.waitForOutput('Ctrl-C again ends all of it');
    run.write('\x03');
    const { signal, stdout } = await run.wait();
    expect(signal).toBe('SIGKILL');
    expect(stdout).toContain('ended by you: a second Ctrl-C (SIGKILL)');
  });

  if (isHome)
    it.each([
      ['leaves nothing that ignores it', '', 0],
      ['leaves what --keep said', '--keep', 1],
    ])('that is closed %s', async (_, option, left) => {
      const close = `import pty, os, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp('rlimit', ['rlimit', 'run', *'${option}'.split(), '--', 'sh', '-c', 'trap "" HUP; echo up; exec sleep 4711'])
seen = b''
while b'up' not in seen:
    seen += os.read(terminal, 4096)
os.close(terminal)
time.sleep(12)
`;
      await machine.writeFile('/home/dev/close.py', close);
      await machine.exec('python3 close.py');
      const { stdout } = await machine.exec(
        'pgrep -fc "^sleep 4711"; rlimit kill --scope >/dev/null; true',
      );
      expect(Number(stdout)).toBe(left);
    });
});

function asRoot(command: string) {
  return machine.exec(command, { user: 'root' });
}

describe('a stall', () => {
  if (isHome)
    it('is said by the run itself, and broken where that is asked for', async () => {
      const { status, stderr } = await machine.exec(
        `rlimit run --force --break-stall -p MemoryHigh=40M -p MemoryMax=200M -- ${hog} 100`,
        { timeoutMs: 90_000 },
      );
      expect(status).toBe(0);
      const plain = stderr.replace(/\s+/g, ' ');
      expect(plain).toContain('the unit is stalled');
      expect(plain).toContain('MemoryHigh is lifted, and the run goes on');
    });
});
