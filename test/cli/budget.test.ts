import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { desk, shapeOf } from './cli.js';

describe('rlimit budget', () => {
  it('where none is set says so, without a service manager', async () => {
    const { rlimit } = desk();
    const { status, stdout, stderr } = await rlimit(['budget'], { XDG_RUNTIME_DIR: '' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('No budget is set');
  });

  it('before the first run shows what the file says, whoever wrote it', async () => {
    const { rlimit, write } = desk();
    const file = write(
      'config/systemd/user/app-rlimit.slice.d/50-rlimit-budget.conf',
      '[Slice]\n# 50% of memory: so it is\nMemoryMax=2G\nTasksMax=300\n',
    );
    const { status, stdout } = await rlimit(['budget', '--json'], { XDG_RUNTIME_DIR: '' });
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      slice: 'app-rlimit.slice',
      active: false,
      files: [file],
      limits: [
        { property: 'MemoryMax', value: '2G', wish: '50% of memory', inForce: false },
        { property: 'TasksMax', value: '300' },
      ],
      memory: { memoryMax: 2 * 1024 ** 3, promised: 0 },
    });
    expect(shapeOf(report)).toMatchSnapshot();
  });

  it.each([
    [['-p', 'OOMPolicy=kill'], 'a slice can have'],
    [['-p', 'MemoryMax=1000T'], 'more than this machine has'],
    [['-p', 'MemoryMx=1G'], 'MemoryMax'],
    [['-p', 'MemoryMax'], 'NAME=VALUE'],
    [['-p', 'MemoryMax='], 'rlimit budget clear'],
  ])('set %j is refused', async (args, words) => {
    const { rlimit } = desk();
    const { status, stdout, stderr } = await rlimit(['budget', 'set', ...args]);
    expect(stderr).toContain(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it.each(['set', 'clear'])('%s changes nothing without a user manager', async (verb) => {
    const { rlimit, write } = desk();
    const file = write('config/systemd/user/app-rlimit.slice.d/50-rlimit-budget.conf', '[Slice]\n');
    const env = { XDG_RUNTIME_DIR: '/nonexistent', DBUS_SESSION_BUS_ADDRESS: '' };
    const { status, stderr } = await rlimit(['budget', verb], env);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^rlimit: .*\n(.*\n)*\s+mend: /);
    expect(() => mkdirSync(file)).toThrow('EEXIST');
  });
});
