import { describe, expect, it } from 'vitest';
import {
  guessFromWords,
  isFinal,
  isOfSlurm,
  parseSacct,
  parseScontrol,
} from '../../../src/slurm/index.js';
import { SACCT, SCONTROL, WORDS } from './recorded.js';

describe('scontrol', () => {
  it.each([
    [SCONTROL.oom, 'OUT_OF_MEMORY', 'OutOfMemory'],
    [SCONTROL.sigkill, 'FAILED', 'RaisedSignal:9(Killed)'],
    [SCONTROL.status2, 'FAILED', 'NonZeroExitCode'],
    [SCONTROL.completed, 'COMPLETED', undefined],
    [SCONTROL.cancelled, 'CANCELLED', undefined],
    [SCONTROL.timeout, 'TIMEOUT', 'TimeLimit'],
    [SCONTROL.nodeFail, 'NODE_FAIL', 'NodeDown'],
  ])('tells how a job ended: %s', (text, state, reason) => {
    const found = parseScontrol(text);
    expect(found).toMatchObject({ state, ...(reason === undefined ? {} : { reason }) });
    expect(found && isFinal(found)).toBe(true);
    expect(found?.says).toMatch(/^scontrol: JobState=\w+ Reason=\S+ ExitCode=\d+:\d+$/);
  });

  it('knows that a job goes on', () => {
    const running = parseScontrol(SCONTROL.running);
    expect(running && isFinal(running)).toBe(false);
    const completing = parseScontrol('JobId=1 JobState=COMPLETING Reason=None');
    expect(completing && isFinal(completing)).toBe(false);
  });

  it('says nothing of a job that slurmctld has forgotten', () => {
    expect(parseScontrol('')).toBeUndefined();
    expect(parseScontrol('slurm_load_jobs error: Invalid job id specified')).toBeUndefined();
  });

  it('does not take the name of a job for its state', () => {
    expect(parseScontrol('JobId=1 JobName=JobState JobState=COMPLETED Reason=None')?.state).toBe(
      'COMPLETED',
    );
  });
});

describe('sacct', () => {
  it.each([
    [SACCT.oom, '2.0', { state: 'OUT_OF_MEMORY', maxRss: 65160 * 1024 }],
    [SACCT.completed, '7.0', { state: 'COMPLETED', maxRss: 620 * 1024 }],
    [SACCT.cancelled, '12.0', { state: 'CANCELLED', cancelledBy: 1000 }],
    [SACCT.terminated, '11.0', { state: 'FAILED', cancelledBy: 1000 }],
    // The step is CANCELLED there; only the job knows why.
    [SACCT.timeout, '16.0', { state: 'TIMEOUT' }],
    [SACCT.nodeFail, '17.0', { state: 'NODE_FAIL' }],
    // Inside of an allocation that goes on, the step is all there is.
    [SACCT.inside, '39.0', { state: 'OUT_OF_MEMORY', maxRss: 65000 * 1024 }],
    [SACCT.inside, '39.1', { state: 'FAILED' }],
  ])('tells how a step ended: %j', (text, step, expected) => {
    expect(parseSacct(text, step)).toMatchObject(expected);
  });

  it('has no figure where none was sampled, and nothing of a job it does not know', () => {
    expect(parseSacct(SACCT.nodeFail, '17.0')).not.toHaveProperty('maxRss');
    expect(parseSacct('', '17.0')).toBeUndefined();
    expect(parseSacct('Slurm accounting storage is disabled\n', '17.0')).toBeUndefined();
    expect(parseSacct(SACCT.oom, '222.0')).toBeUndefined();
  });
});

describe('the words of srun', () => {
  it.each([
    [WORDS.oom, 'OUT_OF_MEMORY'],
    [WORDS.cancelled, 'CANCELLED'],
    [WORDS.timeout, 'TIMEOUT'],
    [WORDS.nodeFail, 'NODE_FAIL'],
    [WORDS.status2, undefined],
    [[], undefined],
  ])('are the last resort: %j', (lines, state) => {
    expect(guessFromWords(lines)?.state).toBe(state);
  });

  it('are told from those of the command', () => {
    for (const line of Object.values(WORDS).flat()) expect(isOfSlurm(line)).toBe(true);
    expect(isOfSlurm('error: srun: no')).toBe(false);
    expect(isOfSlurm('slurmstepd is a daemon')).toBe(false);
  });
});
