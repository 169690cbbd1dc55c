import { afterEach, describe, expect, it } from 'vitest';
import type { GuardStatus } from '../../src/guard/index.js';
import { QUIET } from './guard-settings.js';
import type { ExecOptions, GuestProcess } from './guest-process.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const isHome = isHomeSuite('forky');

const root = { user: 'root' } as const;
const DIRECTORY = '/run/guard-test';
const SLICE = '/sys/fs/cgroup/oom_protector.slice';

const outputOf = async (command: string, options: ExecOptions = {}) =>
  (await machine.exec(command, options)).stdout.trim();
const cgroupOf = (pid: number) => outputOf(`sed s/^0::// /proc/${pid}/cgroup`);
const scoreOf = (pid: number) => outputOf(`cat /proc/${pid}/oom_score_adj`);

/** JSON is YAML. */
async function configure(settings: object): Promise<void> {
  await machine.exec(`mkdir -p ${DIRECTORY}; cat > ${DIRECTORY}/guard.yaml`, {
    ...root,
    input: JSON.stringify({ ...QUIET, ...settings }),
  });
}

const spawned: { pid: number }[] = [];
async function spawn(command: string | string[], options: ExecOptions = {}) {
  const process = await machine.spawn(command, options);
  spawned.push(process);
  return process;
}

async function startGuard(word = '"event":"started"'): Promise<GuestProcess> {
  const guard = await spawn(`exec rlimit guard run --config ${DIRECTORY}/guard.yaml`, root);
  await guard.waitForOutput(word);
  return guard;
}

/** A program with a name of its own, as a user runs it: it sleeps, or holds memory. */
async function namedProgram(name: string, of = '/bin/sleep'): Promise<string> {
  await machine.exec(
    `mkdir -p ${DIRECTORY}; cp "$(readlink -f ${of})" '${DIRECTORY}/${name}'`,
    root,
  );
  return `${DIRECTORY}/${name}`;
}

afterEach(async () => {
  for (const { pid } of spawned.splice(0)) {
    await machine.exec(`kill -CONT -- -${pid} ${pid}; kill -KILL -- -${pid} ${pid}`, root);
  }
  await machine.exec(
    `rm -rf ${DIRECTORY} /run/rlimit-guard; systemctl revert oom_protector.slice; ` +
      'systemctl stop oom_protector.slice; systemctl reset-failed',
    root,
  );
});

describe('the guard of the machine', () => {
  it('protects, marks, leaves word when it is killed, and puts everything back', async () => {
    const editor = await namedProgram('wordsmith');
    const hog = await namedProgram('gu\u001b[31mzz\nler', '/usr/bin/python3');
    await configure({
      managed_processes: ['wordsmith'],
      dynamic_adjustment: { enabled: true, count: 1, score: 600 },
    });
    // In a scope of their own each, as a desktop starts them.
    const inScope = (name: string, command: string) =>
      spawn(`exec systemd-run --user --scope --quiet --unit=${name} -- ${command}`);
    const first = await inScope('first', `sh -c 'sleep 600 & exec ${editor} 600'`);
    const large = await spawn([hog, '/opt/rlimit/fixtures/hog.py', '150', '600']);
    await large.waitForOutput('holding');
    await expect.poll(() => cgroupOf(first.pid), { timeout: 30_000 }).toContain('first.scope');
    const from = await cgroupOf(first.pid);

    const guard = await startGuard('protect wordsmith');
    expect(await cgroupOf(first.pid)).toBe('/oom_protector.slice/oom_protector-processes.scope');
    expect(await outputOf(`cat ${SLICE}/memory.low ${SLICE}/cpu.weight`)).toBe('209715200\n150');
    expect(await scoreOf(large.pid)).toBe('600');
    // A name may hurt neither a terminal nor whoever reads JSON by lines.
    expect(guard.stdout).toContain('gu\\\\x1b[31mzz');
    expect(guard.stdout).not.toContain('\u001b');

    const second = await inScope('second', `sh -c 'sleep 600 & exec ${editor} 600'`);
    await guard.waitForOutput(`(PID ${second.pid})`);
    expect(await cgroupOf(second.pid)).toBe(await cgroupOf(first.pid));

    const other = await machine.exec('rlimit guard run', root);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining(`${guard.pid}`) });
    // A file that is wrong changes nothing, and is told.
    await machine.exec(
      `echo 'intervall: 1' > ${DIRECTORY}/guard.yaml; kill -HUP ${guard.pid}`,
      root,
    );
    await guard.waitForOutput('the old settings stay in force');
    await configure({
      managed_processes: ['wordsmith'],
      dynamic_adjustment: { enabled: true, count: 1, score: 600 },
    });

    await machine.exec(`kill -KILL ${guard.pid}`, root);
    await guard.wait();
    const status = await machine.exec('rlimit guard status --json', root);
    expect(status.status).toBe(1);
    const [left] = JSON.parse(status.stdout) as GuardStatus[];
    expect(Object.values(left?.journal?.state.protected ?? {})).toHaveLength(2);
    expect(await scoreOf(large.pid)).toBe('600');

    const next = await startGuard('"resumed":true');
    await machine.exec(`kill -TERM ${next.pid}`, root);
    expect(await next.wait()).toMatchObject({ status: 0 });
    expect(await cgroupOf(first.pid)).toBe(from);
    expect(await scoreOf(large.pid)).toBe('0');
    expect(await outputOf(`cat ${SLICE}/memory.low || echo gone`)).toMatch(/^(0|gone)$/);
    expect((await machine.exec('rlimit guard status', root)).status).toBe(3);
  });

  if (isHome)
    it('ends the hog and nobody else', async () => {
      const hog = await namedProgram('guzzler', '/usr/bin/python3');
      const available = Number(
        await outputOf(
          "awk '/MemTotal/ {t=$2} /MemAvailable/ {a=$2} END {print int(100 * a / t)}' /proc/meminfo",
        ),
      );
      await configure({
        backstop: {
          enabled: true,
          term_percent: available - 5,
          kill_percent: 1,
          // Everybody else on this machine is smaller, and stays.
          least_percent: 6,
          prefer: ['guzzler'],
        },
      });
      const bystander = await spawn(['sleep', '600']);
      const guard = await startGuard();
      const large = await spawn([hog, '/opt/rlimit/fixtures/hog.py', '300', '600']);
      expect(await large.wait(60_000)).toMatchObject({ signal: 'SIGTERM' });
      await guard.waitForOutput(`end guzzler (PID ${large.pid}) with SIGTERM`);
      expect(guard.stdout.match(/"event":"action"/g)).toHaveLength(1);
      expect(await outputOf(`cat /proc/${bystander.pid}/comm`)).toBe('sleep');
    });

  if (isHome)
    it('freezes the youngest run for a while, takes tokens, and ends a run whole', async () => {
      const graduated = {
        ...{ enabled: true, warn_percent: 99, tokens_percent: 99, freeze_percent: 99 },
        ...{ freeze_seconds: 3, freeze_pause_seconds: 60 },
      };
      await configure({ graduated });
      const run = await spawn(
        'exec rlimit run default -p MemoryMax=300M -- python3 /opt/rlimit/fixtures/hog.py 150 600',
      );
      await run.waitForOutput('holding');
      const scope = await outputOf(
        'for i in $(seq 100); do ls -d /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/' +
          'app.slice/app-rlimit.slice/app-rlimit-*/rlimit-*.scope 2>/dev/null && break; sleep 0.2; done',
      );
      const guard = await startGuard('freeze rlimit-default');
      expect(await outputOf(`cat ${scope}/cgroup.freeze`)).toBe('1');
      expect(await outputOf('cat /run/rlimit-guard/tokens.json')).toContain('"most":0');
      await guard.waitForOutput('thaw rlimit-default');
      expect(await outputOf(`cat ${scope}/cgroup.freeze`)).toBe('0');

      const backstop = { enabled: true, term_percent: 99, kill_percent: 99, least_percent: 5 };
      const preview = { ...QUIET, graduated: { enabled: false }, backstop };
      await machine.exec(`cat > ${DIRECTORY}/preview.yaml`, {
        ...root,
        input: JSON.stringify(preview),
      });
      const dry = await machine.exec(
        `rlimit guard run --dry-run --config ${DIRECTORY}/preview.yaml`,
        root,
      );
      expect(dry.stdout.replace(/\s+/g, ' ')).toContain('would end rlimit-default');
      expect(await outputOf(`cat ${scope}/cgroup.freeze`)).toBe('0');

      await machine.exec(`kill -TERM ${guard.pid}`, root);
      expect(await guard.wait()).toMatchObject({ status: 0 });
      expect(await outputOf('ls /run/rlimit-guard')).toBe('deeds.json\nlock');
      await machine.exec(`kill -TERM ${run.pid}`);
      await run.wait();
      expect(run.stderr).toMatch(/^rlimit: guard: frozen for \d/m);
    });
});
