import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Member } from '../../../src/cgroup/index.js';
import { jobSource, watchJobs } from '../../../src/run/jobs.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] }));
afterEach(() => void vi.useRealTimers());

function member(pid: number, ppid: number, comm: string): Member {
  const none = { threads: 1, ownTicks: 0, childTicks: 0 };
  return { pid, ppid, comm, startTicks: pid, state: 'S', residentPages: 100, ...none };
}

/** A run of two jobs, and how often it was looked at. */
function run(members = [member(1, 0, 'make'), member(2, 1, 'cc1'), member(3, 1, 'cc1')]) {
  const look = vi.fn(() => members);
  return { look, source: jobSource({ members: look }) };
}

describe('watchJobs', () => {
  it('tells at the end what it has seen, and looks no more', () => {
    const { look, source } = run();
    const watch = watchJobs(source, [], () => 0);
    vi.advanceTimersByTime(3000);
    expect(look.mock.calls.length).toBeGreaterThan(10);
    const { jobFigures, series } = watch.stop();
    expect(jobFigures).toMatchObject({ seen: 2, names: { cc1: 2 } });
    expect(series?.jobs.slice(0, 2)).toEqual([2, 2]);
    const looks = look.mock.calls.length;
    vi.advanceTimersByTime(10_000);
    expect(look.mock.calls.length).toBe(looks);
  });

  it('has nothing to tell where there was no job, or no look', () => {
    const watch = watchJobs(run([member(1, 0, 'sleep')]).source, [], () => 0);
    vi.advanceTimersByTime(1000);
    expect(watch.stop()).toEqual({});
    expect(watchJobs(run().source, [], () => 0).stop()).toEqual({});
  });

  it('goes on after a look that failed', () => {
    const { look, source } = run();
    look.mockImplementationOnce(() => {
      throw new Error('EMFILE: too many open files');
    });
    const watch = watchJobs(source, [], () => 0);
    vi.advanceTimersByTime(1000);
    expect(watch.stop().jobFigures?.seen).toBe(2);
  });

  it('looks seldom where the share is spent, but looks', () => {
    const { look, source } = run();
    const watch = watchJobs(source, [], () => 1e9);
    vi.advanceTimersByTime(60_000);
    watch.stop();
    expect(look.mock.calls.length).toBeGreaterThan(20);
    expect(look.mock.calls.length).toBeLessThanOrEqual(30);
  });
});
