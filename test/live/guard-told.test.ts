import { afterEach, describe, expect, it } from 'vitest';
import type { Alert, Outcome } from '../../src/model/index.js';
import { dual590 } from '../unit/gpu/outputs.js';
import { QUIET } from './guard-settings.js';
import type { ExecOptions, GuestProcess } from './guest-process.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const root = { user: 'root' } as const;
const DIRECTORY = '/run/guard-told';
const HOG = 'python3 /opt/rlimit/fixtures/hog.py';

async function said(command: string, options: ExecOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await machine.exec(command, options);
  expect({ command, status, stderr }).toMatchObject({ status: 0 });
  return stdout.trim();
}

const spawned: { pid: number }[] = [];
async function spawn(
  command: string,
  options: Parameters<typeof machine.spawn>[1] = {},
): Promise<GuestProcess> {
  const process = await machine.spawn(command, options);
  spawned.push(process);
  return process;
}

async function startGuard(settings: object, path = ''): Promise<GuestProcess> {
  const input = JSON.stringify({ ...QUIET, ...settings });
  await said(`mkdir -p ${DIRECTORY}; cat > ${DIRECTORY}/guard.yaml`, { ...root, input });
  const guard = await spawn(
    `PATH=${path}$PATH exec rlimit guard run --config ${DIRECTORY}/guard.yaml`,
    root,
  );
  await guard.waitForOutput('"event":"started"');
  return guard;
}

async function endGuard(guard: GuestProcess): Promise<void> {
  guard.kill('SIGTERM');
  expect(await guard.wait(60_000)).toMatchObject({ status: 0 });
}

/** What `run --json` says last. */
const outcomeOf = ({ stderr }: GuestProcess): Outcome =>
  JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Outcome;

async function alertsOfGuard(): Promise<Alert[]> {
  const told = await said('rlimit monitor alerts --rule guard --json', root);
  return (JSON.parse(told) as { alerts: Alert[] }).alerts;
}

afterEach(async () => {
  for (const { pid } of spawned.splice(0)) {
    await machine.exec(`kill -CONT -- -${pid} ${pid}; kill -KILL -- -${pid} ${pid}`, root);
  }
  await machine.exec(
    `rm -rf ${DIRECTORY} /run/rlimit-guard /dev/nvidia-test /root/.local/state/rlimit/alerts.jsonl; ` +
      'echo always >/sys/kernel/mm/transparent_hugepage/enabled; ' +
      'systemctl revert oom_protector.slice; systemctl stop oom_protector.slice; true',
    root,
  );
});

describe('what the guard does', () => {
  it('ends a whole run by cgroup.kill, of which its verdict, alerts and metrics tell', async () => {
    const available = Number(
      await said(
        "awk '/MemTotal/ {t=$2} /MemAvailable/ {a=$2} END {print int(100 * a / t)}' /proc/meminfo",
      ),
    );
    const percent = available - 8;
    const guard = await startGuard({
      backstop: { enabled: true, term_percent: percent, kill_percent: percent, least_percent: 6 },
    });
    // It hears no SIGTERM, and has children that no signal to it alone would reach.
    const run = await spawn(
      `exec rlimit run default --json -p MemoryMax=900M -- sh -c 'trap "" TERM; ` +
        `sleep 600 & sleep 600 & exec ${HOG} 300 600'`,
    );
    await run.wait(120_000);
    const outcome = outcomeOf(run);
    expect(outcome).toMatchObject({
      signal: 'SIGKILL',
      guard: { ended: { of: 'machine', whole: true, signal: 'SIGKILL', reason: 'memory' } },
      verdict: { id: 'guard', advice: expect.stringContaining('-p MemoryMax=') },
    });
    expect(outcome.verdict.says).toMatch(
      /^ended by rlimit's guard with SIGKILL: \d+(\.\d)?% of memory was available; peak /,
    );
    expect(outcome.verdict.evidence.join('\n')).toContain('the guard of the machine sent SIGKILL');
    await guard.waitForOutput(`end ${outcome.unit} with SIGKILL`);
    expect((await machine.exec('pgrep -x sleep -u dev')).stdout).toBe('');

    await expect
      .poll(alertsOfGuard, { timeout: 60_000 })
      .toMatchObject([{ severity: 'CRITICAL', subject: { kind: 'unit', name: outcome.unit } }]);
    const entry = await said('journalctl -q -b -o json RLIMIT_RULE=guard | tail -n 1', root);
    expect(JSON.parse(entry)).toMatchObject({ RLIMIT_SUBJECT: outcome.unit, _UID: '0' });

    // Anybody may read the counts, and they outlive the guard.
    const metrics = () => said('rlimit monitor --prometheus');
    expect(await metrics()).toContain('\nrlimit_guard_up{guard="machine"} 1\n');
    await endGuard(guard);
    const after = await metrics();
    expect(after).toContain('\nrlimit_guard_up{guard="machine"} 0\n');
    expect(after).toContain('\nrlimit_guard_actions_total{guard="machine",action="kill"} 1\n');
    const next = await startGuard({});
    expect(await metrics()).toContain(
      '\nrlimit_guard_actions_total{guard="machine",action="kill"} 1\n',
    );
    await endGuard(next);
  });

  if (isHomeSuite('trixie'))
    it('breaks a stall, clears a full GPU, and puts back what was born with its score', async () => {
      const parent = await spawn(
        'sh -c \'x=$(head -c 60000000 /dev/zero | tr "\\\\0" x); echo up; read go; sleep 600 & echo born $!; read on\'',
        { tty: true },
      );
      await parent.waitForOutput('up');
      // A real process has a real device open; which one nvidia-smi names is up to the recorded output.
      await said('touch /dev/nvidia-test; chmod 644 /dev/nvidia-test', root);
      const large = await spawn('exec sleep 600 < /dev/nvidia-test');
      const small = await spawn('exec sleep 600 < /dev/nvidia-test');
      const smaller = { pid: small.pid, name: '/usr/bin/small', memory: '900 MiB' };
      const full = dual590(
        [{ pid: large.pid, name: '/usr/bin/large', memory: '6500 MiB' }, smaller],
        [],
      );
      const put = (name: string, input: string) =>
        said(`mkdir -p ${DIRECTORY}/bin; cat > ${DIRECTORY}/${name}`, { ...root, input });
      await put('full.xml', full);
      await put('low.xml', dual590([smaller], [], [900, 1]));
      await put(
        'bin/nvidia-smi',
        `#!/bin/sh\n[ "$1" = -q ] || exit 1\ncd ${DIRECTORY}\n` +
          `if [ -e /proc/${large.pid} ]; then cat full.xml; else cat low.xml; fi\n`,
      );
      await said(`chmod +x ${DIRECTORY}/bin/nvidia-smi`, root);
      // With huge pages a slow machine would be through the zone before anybody looks.
      await said('echo never >/sys/kernel/mm/transparent_hugepage/enabled', root);
      const guard = await startGuard(
        {
          dynamic_adjustment: { enabled: true, count: 1, score: 600 },
          livelock: { enabled: true, after_seconds: 2, action: 'raise' },
          gpu_protection: { enabled: true, memory_threshold_percent: 90 },
        },
        `${DIRECTORY}/bin:`,
      );
      const run = await spawn(
        'exec rlimit run default --json --force -p MemoryHigh=40M -p MemoryMax=200M ' +
          `-p MemorySwapMax=0 -- ${HOG} 100`,
      );
      const scoreOf = (pid: number | string) => said(`cat /proc/${pid}/oom_score_adj`);
      await expect.poll(() => scoreOf(parent.pid), { timeout: 60_000 }).toBe('600');
      parent.write('\n');
      const born = /born (\d+)/.exec(await parent.waitForOutput(/born \d+/))?.[1] ?? '';
      expect(await scoreOf(born)).toBe('600');

      expect(await large.wait(120_000)).toMatchObject({ signal: 'SIGTERM' });
      await run.wait(120_000);
      const outcome = outcomeOf(run);
      expect(outcome).toMatchObject({ status: 0, guard: { raised: true } });
      await guard.waitForOutput(`lift MemoryHigh of ${outcome.unit}`);
      // It would be ended by now as well, had it been chosen: nvidia-smi was asked again meanwhile.
      expect(await said(`cat /proc/${small.pid}/comm`)).toBe('sleep');
      const told = await alertsOfGuard();
      expect(told.map(({ severity, subject }) => `${severity} ${subject.name}`).sort()).toEqual([
        'CRITICAL /usr/bin/large',
        `WARNING ${outcome.unit}`,
      ]);
      await endGuard(guard);
      expect([await scoreOf(parent.pid), await scoreOf(born)]).toEqual(['0', '0']);
      const metrics = await said('rlimit monitor --prometheus');
      expect(metrics).toContain('\nrlimit_guard_actions_total{guard="machine",action="gpu"} 1\n');
      expect(metrics).toContain(
        '\nrlimit_guard_actions_total{guard="machine",action="livelock"} 1\n',
      );
    });

  if (isHomeSuite('trixie'))
    it('leaves nothing of a user’s guard that had nothing to do', async () => {
      await said(`mkdir -p ${DIRECTORY}; cat > ${DIRECTORY}/guard.yaml`, {
        ...root,
        input: JSON.stringify(QUIET),
      });
      const guard = await spawn(`exec rlimit guard run --config ${DIRECTORY}/guard.yaml`);
      await guard.waitForOutput('"event":"started"');
      const files = () => said('ls $XDG_RUNTIME_DIR/rlimit/guard 2>&1 || true');
      await expect.poll(files).toContain('lock');
      await endGuard(guard);
      expect(await files()).toContain('No such file');
    });
});
