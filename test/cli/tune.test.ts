import { describe, expect, it } from 'vitest';
import { desk, shapeOf } from './cli.js';

const REFERENCE = ['--machine', 'cores=36,cpus=72,memory=252G,swap=8G'];

describe('rlimit tune', () => {
  it('explains the number, and what to try next', async () => {
    const { status, stdout } = await desk().rlimit(['tune', 'coq-standard', ...REFERENCE]);
    expect(status).toBe(0);
    expect(stdout).toMatchSnapshot();
  });

  it.each([
    ['coq-standard', 36, '4'],
    ['coq-conservative', 36, '2'],
    ['coq-aggressive', 36, '8'],
    ['coq-single', 36, '1'],
    ['coq-standard', 24, '3'],
    ['coq-standard', 16, '2'],
    ['coq-standard', 8, '2'],
  ])('--jobs-only: %s on %d cores is %s', async (profile, cores, jobs) => {
    const machine = `cores=${cores},memory=${cores * 7}G`;
    const args = ['tune', profile, '--jobs-only', '--machine', machine];
    expect(await desk().rlimit(args)).toEqual({ status: 0, stdout: jobs, stderr: '' });
  });

  it('--json', async () => {
    const { stdout } = await desk().rlimit(['tune', 'coq-standard', '--json', ...REFERENCE]);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it.each([
    ['rlimit-x.scope', /--machine is for profiles/],
    ['ollama', /says nothing of jobs/],
    ['nobody', /there is no profile/],
  ])('%s ends with 2', async (name, message) => {
    const { status, stderr } = await desk().rlimit(['tune', name, ...REFERENCE]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.each([
    [['rlimit-x.scope'], /nothing to change.*/],
    [['rlimit-x.scope', '-p', 'MemoryMax'], /is not NAME=VALUE/],
    [['coq-standard', '-p', 'MemoryMax=1G'], /is a profile: only a running unit is changed/],
    [['coq-standard', '--dry-run'], /is a profile/],
  ])('%j ends with 2', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(['tune', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
