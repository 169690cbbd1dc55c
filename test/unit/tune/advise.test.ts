import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/model/index.js';
import { loadProfile, resolve } from '../../../src/profiles/index.js';
import { adviseTuning } from '../../../src/tune/index.js';
import { machineWith, nowhere, reference } from '../profiles/places.js';

describe('coq-standard on the reference machine', async () => {
  const report = await tune('coq-standard', reference);

  it('starts with the low end of the range', () => {
    expect(report.jobs).toMatchObject({ low: 4, high: 8, pick: 4, bound: 'cores' });
    expect(report.command).toBe('rlimit run coq-standard -- make -j4');
  });

  it('says why it is not one job for each core', () => {
    expect(report.whyNotCores[0]).toContain('27 jobs');
    expect(report.whyNotCores[0]).toContain('10 to 20 GB would want 270 to 540 GB');
    expect(report.whyNotCores[1]).toContain('workers of its own');
    expect(report.whyNotCores[2]).toContain('Dependencies');
  });

  it('says what to try next, with numbers', () => {
    expect(report.next.map(({ jobs }) => jobs)).toEqual([[6, 8], [3, 2], []]);
    expect(report.next[0]?.when).toContain('under 50%');
    expect(report.next[2]?.action).toContain('as in coq-aggressive');
    expect(report.next[2]?.commands).toEqual([
      'rlimit run coq-standard -p CPUQuota=3200% -p IOWeight=100 -- make -j8',
    ]);
  });
});

it('coq-aggressive has nowhere to go but down', async () => {
  const report = await tune('coq-aggressive', reference);
  expect(report.next.map(({ jobs }) => jobs)).toEqual([[6, 4]]);
});

it('one job cannot become fewer', async () => {
  const report = await tune('coq-single', machineWith({ cores: 2, memory: '8G' }));
  expect(report.jobs.pick).toBe(1);
  expect(report.next.every(({ jobs }) => jobs.length === 0)).toBe(true);
});

it('a tool that is told by its environment gets -j of rlimit', async () => {
  const report = await tune('rust-build', machineWith({ cores: 8, memory: '64G' }));
  expect(report.command).toBe('rlimit run rust-build -- cargo build');
  expect(report.next[0]?.commands[0]).toBe('rlimit run rust-build -j 4 -- cargo build');
});

it('a profile without jobs has nothing to tune', async () => {
  await expect(tune('ollama', reference)).rejects.toThrow(/says nothing of jobs/);
});

async function tune(name: string, machine: Machine) {
  const profile = await loadProfile(name, nowhere);
  return adviseTuning(profile, resolve(profile, machine), machine);
}
