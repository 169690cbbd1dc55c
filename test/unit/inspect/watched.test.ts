import { describe, expect, it } from 'vitest';
import {
  nicenessFor,
  type WatchedView,
  watchedFindings,
  watchedLimits,
} from '../../../src/inspect/watched.js';

const GIB = 1024 ** 3;
const machine = { cpus: 8, memory: 16 * GIB, swap: 0 };
const view = (more: Partial<WatchedView> = {}): WatchedView => ({
  machine,
  watching: true,
  ...more,
});

/** `PROPERTY id severity` of what is found. */
const found = (properties: Record<string, string>, more: Partial<WatchedView> = {}) =>
  watchedFindings(properties, view(more)).findings.map(
    ({ property, id, severity }) => `${property} ${id} ${severity}`,
  );

describe('watchedLimits', () => {
  it('takes memory, tasks and the policy', () => {
    const properties = { MemoryMax: '1G', TasksMax: '300', OOMPolicy: 'stop' };
    expect(watchedLimits(properties, machine)).toEqual({
      memory: GIB,
      tasks: 300,
      policy: 'all',
      swap: false,
    });
  });

  it('has none where none are', () => {
    const none = { policy: 'continue', swap: false };
    expect(watchedLimits({}, machine)).toEqual(none);
    expect(watchedLimits({ MemoryMax: 'infinity', TasksMax: '' }, machine)).toEqual(none);
  });

  it('knows a share of memory', () => {
    expect(watchedLimits({ MemoryMax: '50%' }, machine).memory).toBe(8 * GIB);
  });

  it('counts memory and swap together where swap is bounded', () => {
    const properties = { MemoryMax: '1G', MemorySwapMax: '1G' };
    const withSwap = { ...machine, swap: GIB };
    expect(watchedLimits(properties, withSwap)).toMatchObject({ memory: 2 * GIB, swap: true });
    expect(watchedLimits(properties, machine)).toMatchObject({ memory: GIB, swap: false });
  });
});

describe('watchedFindings', () => {
  it('says nothing of what is watched, and lists it', () => {
    const properties = { MemoryMax: '1G', TasksMax: '300', OOMPolicy: 'continue' };
    expect(watchedFindings(properties, view())).toEqual({
      findings: [],
      watched: ['MemoryMax', 'TasksMax', 'OOMPolicy'],
    });
  });

  it('says that nobody watches any more', () => {
    expect(found({ MemoryMax: '1G', TasksMax: '300' }, { watching: false })).toEqual([
      'MemoryMax watcher-gone problem',
      'TasksMax watcher-gone problem',
    ]);
  });

  it('needs nobody for what holds anyway', () => {
    const properties = {
      MemoryMax: 'infinity',
      MemoryLow: '0',
      MemorySwapMax: '0',
      CPUQuota: '800%',
      CPUWeight: '100',
      TasksMax: 'infinity',
      OOMPolicy: 'kill',
    };
    expect(watchedFindings(properties, view())).toEqual({ findings: [], watched: [] });
  });

  it.each([
    ['whole CPUs', '200%', [0, 1], 'held-by-affinity warning'],
    ['a part of a CPU', '150%', [0, 1], 'held-by-affinity problem'],
    ['more CPUs than it may', '200%', [0, 1, 2], 'no-cgroup problem'],
    ['as many CPUs as there are', '750%', [0, 1, 2, 3, 4, 5, 6, 7], 'no-cgroup problem'],
    ['CPUs that could not be seen', '200%', undefined, 'no-cgroup problem'],
  ])('CPUQuota with %s', (_, CPUQuota, cpus, expected) => {
    expect(found({ CPUQuota }, cpus ? { cpus } : {})).toEqual([`CPUQuota ${expected}`]);
  });

  it('AllowedCPUs is held by affinity, where that was seen', () => {
    expect(found({ AllowedCPUs: '0-3' }, { cpus: [2, 3] })).toEqual([
      'AllowedCPUs held-by-affinity warning',
    ]);
    expect(found({ AllowedCPUs: '0-3' }, { cpus: [3, 4] })).toEqual([
      'AllowedCPUs no-cgroup warning',
    ]);
  });

  it('CPUWeight is held by niceness, where it is low', () => {
    expect(found({ CPUWeight: '50' }, { nice: 3 })).toEqual(['CPUWeight held-by-niceness warning']);
    expect(found({ CPUWeight: '50' }, { nice: 0 })).toEqual(['CPUWeight no-cgroup warning']);
    expect(found({ CPUWeight: '500' }, { nice: 0 })).toEqual(['CPUWeight no-cgroup warning']);
  });

  it.each([
    ['MemoryHigh', '1G', 'warning'],
    ['IOWeight', '50', 'warning'],
    ['RuntimeMaxSec', '10s', 'warning'],
    ['IOReadBandwidthMax', '/dev/vda 10M', 'warning'],
  ])('%s=%s is not in force', (name, value, severity) => {
    expect(found({ [name]: value })).toEqual([`${name} no-cgroup ${severity}`]);
  });

  it('swap is a problem of its own where memory is not bounded', () => {
    expect(found({ MemorySwapMax: '0' }, { machine: { ...machine, swap: GIB } })).toEqual([
      'MemorySwapMax no-cgroup problem',
    ]);
  });
});

describe('nicenessFor', () => {
  it.each([
    ['idle', 19],
    ['1', 19],
    ['20', 7],
    ['50', 3],
    ['99', 1],
    ['100', undefined],
    ['1000', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s', (weight, nice) => {
    expect(nicenessFor(weight)).toBe(nice);
  });
});
