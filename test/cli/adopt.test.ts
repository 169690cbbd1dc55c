import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { desk, shapeOf } from './cli.js';

function sleeper(): number {
  const child = spawn('sleep', ['600']);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child.pid ?? 0;
}

describe('rlimit adopt', () => {
  it('--dry-run prints the call, and what would be adopted beside it', async () => {
    const pid = sleeper();
    const { status, stdout, stderr } = await desk().rlimit([
      ...['adopt', 'default', '--pid', `${pid}`, '--unit', 'mine', '-p', 'MemoryMax=64M', '-n'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^busctl --user call .* mine\\.scope fail \\d+ PIDs au 1 ${pid} Slice s app-rlimit`,
      ),
    );
    expect(stdout).toContain('MemoryMax t 67108864');
    expect(stdout.split('\n')).toHaveLength(1);
    expect(stderr).toContain('mine.scope  would adopt 1 process');
    expect(stderr).toMatch(new RegExp(`${pid} +\\S+ +sleep`));
  });

  it('--json', async () => {
    const { stdout } = await desk().rlimit([
      ...['adopt', 'default', '--pid', `${sleeper()}`, '-n', '--json'],
    ]);
    expect(shapeOf(JSON.parse(stdout))).toMatchObject({
      dryRun: 'boolean',
      unit: 'string',
      slice: 'string',
      processes: [{ pid: 'number', startTicks: 'number', named: 'boolean', stopped: 'boolean' }],
      memory: 'number',
      findings: [],
      argv: ['string'],
    });
  });

  it.each([
    [['adopt', 'default'], /Missing required flag pid/],
    [['adopt', 'defualt', '--pid', '1'], /there is no profile/],
    [['adopt', 'default', '--pid', 'x'], /not a process ID/],
    [['adopt', 'default', '--pid', '1'], /the system's first process/],
    [['adopt', 'default', '--pid', '4194304'], /there is no process/],
    [['adopt', 'default', '--pid', '1', '-p', 'MemoryMax=1M'], /16M/],
  ])('%j ends with 2', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
