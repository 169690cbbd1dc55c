import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/model/index.js';
import type { TimerStatus } from '../../src/timers/index.js';
import type { GuestProcess } from './guest-process.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { expectNothingLeft } from './nothing-left.js';

const isHome = isHomeSuite('forky');

/** What the emulator makes of the machine is no matter here; memory tells that the watch has begun. */
const SETTINGS = `
rules:
  memory: {warning: 0.01%, critical: 99%}
  cpu: off
  disk: off
  swap: off
  pressure: off
  unit-pressure: off
sinks:
  desktop: off
`;

/** Takes MIB under a name that tries everything, and says so. */
const HOG = `
import sys, time
open('/proc/self/comm', 'w').write('x\\n\\x1b[31m<b>')
blocks = [b'x' * (1 << 20) + bytes([i % 256]) for i in range(int(sys.argv[1]))]
print('up', flush=True)
time.sleep(1000)
`;

type User = 'dev' | 'root';

async function watch(user: User = 'dev'): Promise<GuestProcess> {
  await machine.exec('mkdir -p ~/.config/rlimit && cat >~/.config/rlimit/alerts.yaml', {
    input: SETTINGS,
    user,
  });
  await machine.exec('cat >/tmp/alert-hog.py', { input: HOG });
  const watching = await machine.spawn('exec rlimit monitor alerts --run --interval 1s --json', {
    user,
  });
  await watching.waitForOutput('"rule":"memory"');
  return watching;
}

/** The next line that it prints of a rule. */
async function next(watching: GuestProcess, rule: string): Promise<Alert> {
  return JSON.parse(
    await watching.waitForOutput(new RegExp(`^.*"rule":"${rule}".*$`, 'm')),
  ) as Alert;
}

const linesOf = ({ stdout }: GuestProcess, rule: string) =>
  stdout.split('\n').filter((line) => line.includes(`"rule":"${rule}"`));

/** Entries of the journal with a field of ours. */
async function journal(match: string): Promise<Record<string, string>[]> {
  const { stdout } = await machine.exec(`journalctl --quiet --boot --output=json ${match}`, {
    user: 'root',
  });
  return stdout
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

async function end(watching: GuestProcess): Promise<void> {
  watching.kill('SIGINT');
  expect((await watching.wait()).status).toBe(0);
}

afterEach(async () => {
  for (const user of ['dev', 'root'] as const) {
    await machine.exec('rm -rf ~/.config/rlimit/alerts.yaml ~/.local/state/rlimit/alerts.jsonl*', {
      user,
    });
  }
});

describe('monitor alerts --run', () => {
  it('raises one alert for a scope that is full, and tells of its end and of a kill', async () => {
    const watching = await watch();
    const full = await machine.spawn(
      'exec rlimit run -q --unit al-full -p MemoryMax=100M -p MemorySwapMax=0 -- python3 /tmp/alert-hog.py 88',
    );
    const alert = await next(watching, 'unit-memory');
    expect(alert).toMatchObject({
      ...{ severity: 'WARNING', subject: { kind: 'unit', name: 'al-full.scope' }, threshold: 0.9 },
      top: { comm: 'x\n\u001b[31m<b>' },
    });
    await full.waitForOutput('up');
    // Some looks more raise nothing more.
    await machine.exec('sleep 3');
    expect(linesOf(watching, 'unit-memory')).toHaveLength(1);
    expect((await machine.exec('rlimit kill al-full.scope')).status).toBe(0);
    await full.wait();
    expect(await next(watching, 'unit-memory')).toMatchObject({
      ...{ id: alert.id, ended: expect.any(Number), facts: expect.arrayContaining(['it is gone']) },
    });
    await machine.exec(
      'rlimit run -q --unit al-oom -p MemoryMax=64M -p MemorySwapMax=0 -- python3 /opt/rlimit/fixtures/hog.py 200',
    );
    const killed = await next(watching, 'killed');
    expect(killed.says).toMatch(/ended for lack of memory by the kernel's OOM killer/);
    await end(watching);

    const entries = await journal(`RLIMIT_ALERT=${alert.id}`);
    expect(entries).toMatchObject([
      {
        ...{ RLIMIT_STATE: 'raised', RLIMIT_RULE: 'unit-memory', RLIMIT_SUBJECT: 'al-full.scope' },
        ...{ PRIORITY: '4', SYSLOG_IDENTIFIER: 'rlimit', _UID: '1000' },
        ...{ MESSAGE_ID: expect.stringMatching(/^\w{32}$/), RLIMIT_TOP_COMM: 'x\\x0a\\x1b[31m<b>' },
        MESSAGE: expect.stringMatching(
          /^unit-memory WARNING: al-full.scope: al-full.scope uses 9\d/,
        ),
      },
      { RLIMIT_STATE: 'ended', PRIORITY: '6' },
    ]);
    expect(Number(entries[0]?.RLIMIT_VALUE)).toBeGreaterThan(0.9);
    const { stdout } = await machine.exec('rlimit monitor alerts --since today --json');
    const { alerts } = JSON.parse(stdout) as { alerts: Alert[] };
    expect(
      alerts.filter(
        ({ rule, subject }) => rule === 'unit-memory' && subject.name === 'al-full.scope',
      ),
    ).toMatchObject([{ id: alert.id }]);
    expect(alerts.filter(({ rule }) => rule === 'killed')).toEqual([killed]);
    const table = await machine.exec('rlimit monitor alerts');
    expect(table.stdout).toContain('al-full.scope uses');
    await expectNothingLeft();
  });

  if (isHome)
    it('as root names who was killed, in which unit, and by whom', async () => {
      const watching = await watch('root');
      await machine.exec(
        'rlimit run -q --unit al-oom -p MemoryMax=64M -p MemorySwapMax=0 -- python3 /tmp/alert-hog.py 200',
      );
      const killed = await next(watching, 'killed');
      expect(killed).toMatchObject({
        ...{ severity: 'WARNING', subject: { kind: 'unit', name: 'al-oom.scope' }, value: 1 },
        top: { pid: expect.any(Number), bytes: expect.any(Number) },
        says: expect.stringMatching(
          /in al-oom.scope was ended .* at the unit's limit or one above it$/,
        ),
      });
      expect(killed.top?.bytes).toBeGreaterThan(50 * 1024 ** 2);
      await end(watching);
      await expectNothingLeft();
    });
});

describe('timers', () => {
  if (isHomeSuite('bookworm'))
    it('are taken by systemd, run once, tell what they found, and go without a trace', async () => {
      const files = 'find ~/.config/systemd -not -type d | sort';
      const before = await machine.exec(files);
      const installed = await machine.exec('rlimit timers install');
      expect(installed).toMatchObject({ status: 0, stderr: '' });
      const units = '~/.config/systemd/user/rlimit-*';
      const verified = await machine.exec(`systemd-analyze --user --man=no verify ${units}`);
      expect(verified).toMatchObject({ status: 0, stderr: '' });
      expect(
        (await machine.exec('rlimit timers install')).stdout.match(/is as it was/g),
      ).toHaveLength(3);

      // A unit of ours that failed is a problem.
      await machine.exec(
        'systemd-run --user --quiet --unit=rlimit-al-broken false; systemctl --user start rlimit-verify.service',
      );
      const { status, stdout } = await machine.exec('rlimit timers status --json');
      const timers = JSON.parse(stdout) as TimerStatus[];
      expect(status).toBe(1);
      expect(timers).toMatchObject([
        { name: 'verify', active: 'active', enabled: 'enabled', result: 'success', status: 1 },
        { name: 'metrics', installed: false },
        { name: 'alerts', active: 'active', enabled: 'enabled' },
      ]);
      const [verify] = timers;
      expect((verify?.next ?? 0) - (verify?.last ?? 0)).toBeGreaterThan(0);
      expect((verify?.next ?? 0) - (verify?.last ?? 0)).toBeLessThan(25 * 3_600_000);
      expect((await machine.exec('rlimit timers status')).stdout).toContain('problems found');
      expect((await journal('RLIMIT_RULE=verify')).at(-1)?.MESSAGE).toContain('own-unit-failed');
      expect((await machine.exec('rlimit monitor alerts --rule verify')).stdout).toContain(
        'own-unit-failed',
      );

      await machine.exec('systemctl --user reset-failed rlimit-al-broken');
      expect((await machine.exec('rlimit timers remove')).status).toBe(0);
      const left =
        "systemctl --user list-units --all --plain --no-legend 'rlimit-*.service' 'rlimit-*.timer'";
      expect((await machine.exec(left)).stdout).toBe('');
      expect((await machine.exec(files)).stdout).toBe(before.stdout);
    });
});
