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
    ['rlimit-x.scope', /takes a profile/],
    ['ollama', /says nothing of jobs/],
    ['nobody', /there is no profile/],
  ])('%s ends with 2', async (name, message) => {
    const { status, stderr } = await desk().rlimit(['tune', name, ...REFERENCE]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
