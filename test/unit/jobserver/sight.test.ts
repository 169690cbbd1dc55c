import { describe, expect, it } from 'vitest';
import type { Job, JobLook } from '../../../src/jobs/index.js';
import { type Room, RunSight } from '../../../src/jobserver/index.js';

const job = (key: string, memory: number, more: Partial<Job> = {}): Job => ({
  ...{ key, root: 1, pids: [1], comm: 'cc1', memory, peak: memory, startTicks: 100 },
  frozen: false,
  ...more,
});

function sightOf(looks: Partial<JobLook>[], room?: Room) {
  const added: unknown[] = [];
  let at = 0;
  const sight = new RunSight({
    looker: { look: () => ({ at, jobs: [], anon: 77, dissolved: [], ...looks[at++] }) },
    census: { add: (_, tokens) => added.push(tokens) },
    readRoom: () => room,
    otherwise: () => ({ limit: 500, free: 'infinity', available: 9 }),
    tokens: () => 3,
    sinceBoot: () => 5000,
  });
  return { sight, added };
}

describe('what is seen of a run', () => {
  it('is its jobs with their ages, and the room that the kernel tells of', () => {
    const { sight, added } = sightOf([{ jobs: [job('a', 50)] }], {
      limit: 1000,
      free: 1,
      used: 60,
    });
    expect(sight.see()).toEqual({
      ...{ limit: 1000, free: 1, used: 60, finished: [] },
      jobs: [{ key: 'a', comm: 'cc1', memory: 50, ageMs: 4000, stopped: false }],
    });
    expect(added).toEqual([3]);
  });

  it('without a cgroup counts the memory of its processes', () => {
    expect(sightOf([{}]).sight.see()).toMatchObject({ limit: 500, used: 77, available: 9 });
  });

  it('tells once of a job that ended, at its most', () => {
    const { sight } = sightOf([
      { jobs: [job('a', 50), job('b', 5)] },
      { jobs: [job('a', 30, { peak: 90 }), job('b', 5)] },
      { dissolved: ['b'] },
      {},
    ]);
    expect([1, 2, 3, 4].map(() => sight.see().finished)).toEqual([[], [], [90], []]);
  });

  it('also of one that ended while another was looked for', () => {
    const { sight } = sightOf([
      { jobs: [job('a', 50), job('b', 5, { pids: [4, 5] })] },
      { jobs: [job('b', 5, { pids: [4, 5, 6] })] },
      {},
    ]);
    sight.see();
    expect(sight.membersOf('b')).toEqual([4, 5, 6]);
    expect(sight.see().finished).toEqual([50, 5]);
    expect(sight.membersOf('b')).toEqual([]);
  });
});
