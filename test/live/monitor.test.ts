import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { MachineSample } from '../../src/model/index.js';
import { promtool } from '../setup/promtool.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const SHOW = '\u001b[?25h';

/** Starts a limited run and waits for its scope. */
async function start(unit: string, script: string) {
  const run = await machine.spawn([
    'sh',
    '-c',
    `exec rlimit run -q default --unit ${unit} -p MemoryMax=64M -p TasksMax=40 -- sh -c "$1"`,
    'sh',
    `echo up; ${script}`,
  ]);
  await run.waitForOutput('up');
  return run;
}

it('a limited scope is seen with its limits, and its metrics are accepted', async () => {
  // No quote, backslash or line end may leave its label.
  await start('rlimit-mon-1', `printf 'a"} 1\\nb 2\\\\' >/proc/$$/comm; sleep 600; true`);
  const seen = await machine.exec('rlimit monitor --json');
  const sample = JSON.parse(seen.stdout) as MachineSample;
  // What systemd limits by itself is no limit that anybody knows of.
  expect(sample.units).toHaveLength(1);
  expect(sample.units[0]).toMatchObject({
    unit: 'rlimit-mon-1.scope',
    ours: true,
    profile: 'default',
    use: { tasks: 2, memory: expect.any(Number), cores: expect.any(Number) },
    limits: { memoryMax: 64 * 1024 ** 2, tasksMax: 40 },
    events: { oomKill: 0 },
  });
  expect(sample.disks[0]).toMatchObject({ mount: '/', device: expect.stringContaining('/dev/') });
  expect(sample.pressure.memory).toHaveProperty('some');
  expect(sample.processes.some(({ comm }) => comm === 'a"} 1\nb 2\\')).toBe(true);

  // Root sees the runs of users, with what their records tell.
  const asRoot = await machine.exec('rlimit monitor --prometheus --processes 1000', {
    user: 'root',
  });
  expect(asRoot).toMatchObject({ status: 0, stderr: '' });
  expect(asRoot.stdout).toMatch(
    /^rlimit_unit_info\{unit="rlimit-mon-1\.scope",.*profile="default"\} 1$/m,
  );
  expect(asRoot.stdout).toMatch(
    /^rlimit_unit_memory_max_bytes\{unit="rlimit-mon-1\.scope",[^}]*\} 67108864$/m,
  );
  expect(asRoot.stdout).toContain(String.raw`name="a\"} 1\nb 2\\"`);
  const checked = await execa(await promtool(), ['check', 'metrics'], {
    input: asRoot.stdout,
    reject: false,
  });
  expect(checked).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
  await machine.exec('rlimit kill rlimit-mon-1.scope');
});

if (isHomeSuite('forky'))
  describe('on a terminal', () => {
    it('keys change and end a scope, and the terminal is as it was', async () => {
      const run = await start('rlimit-mon-2', 'exec sleep 600');
      const watch = await machine.spawn(['sh', '-c', 'rlimit monitor --watch=0.5; stty -a'], {
        tty: { rows: 30, cols: 100 },
        env: { TERM: 'xterm', NO_COLOR: '1' },
      });
      await watch.waitForOutput('> rlimit-mon-2.scope');
      watch.write('rMemoryMax=48M\r');
      await watch.waitForOutput(/MemoryMax 64M -> 48M/);
      const { stdout: max } = await machine.exec(
        'cat "/sys/fs/cgroup$(systemctl --user show -P ControlGroup rlimit-mon-2.scope)/memory.max"',
      );
      expect(max.trim()).toBe(String(48 * 1024 ** 2));
      watch.write('k');
      await watch.waitForOutput('End rlimit-mon-2.scope with all its processes? [y/N]');
      watch.write('y');
      await watch.waitForOutput('Ended 1 process');
      expect(await run.wait()).toMatchObject({ signal: 'SIGTERM' });
      await watch.waitForOutput('No unit has a limit of its own.');
      watch.write('q');
      const { status, stdout } = await watch.wait();
      expect(status).toBe(0);
      const [, after = ''] = stdout.split(SHOW);
      expect(after).toMatch(/[^-]icanon/);
      expect(after).toMatch(/[^-]echo\b/);
    });
  });
