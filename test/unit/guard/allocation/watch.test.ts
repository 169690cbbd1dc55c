import { describe, expect, it } from 'vitest';
import {
  eventsOfSample,
  eventsOfTrace,
  watchAllocations,
} from '../../../../src/guard/allocation/index.js';
import type { Tracer, TracerState } from '../../../../src/guard/allocation/tracer.js';
import type { ProcessSample } from '../../../../src/model/machine-sample.js';

const MIB = 1024 * 1024;

function process(pid: number, comm: string, more: Partial<ProcessSample> = {}): ProcessSample {
  return { pid, comm, startTicks: pid * 10, ppid: 1, rss: 0, ...more };
}

describe('growth that the kernel told', () => {
  const seen = [{ pid: 5, bytes: 120 * MIB, overMs: 300 }];

  it('is of a watched process, by its exact name', () => {
    const processes = [process(5, 'coqc')];
    expect(eventsOfTrace(seen, processes, ['coqc'])).toEqual([
      { pid: 5, startTicks: 50, comm: 'coqc', bytes: 120 * MIB, overMs: 300, source: 'ebpf' },
    ]);
    expect(eventsOfTrace(seen, processes, ['coq'])).toEqual([]);
    expect(
      eventsOfTrace(seen, [process(5, 'node', { argv0: '/usr/bin/code' })], ['code']),
    ).toHaveLength(1);
  });

  it('has the name it had when the news came, also when it has ended since', () => {
    const named = [{ ...seen[0], pid: 5, process: { pid: 5, comm: 'ld', startTicks: 1 } }];
    expect(eventsOfTrace(named as never, [], ['ld'])).toMatchObject([{ pid: 5, comm: 'ld' }]);
  });

  it('of a process that nobody knows is told only where all are watched', () => {
    expect(eventsOfTrace(seen, [], ['coqc'])).toEqual([]);
    expect(eventsOfTrace(seen, [], 'all')).toEqual([
      { pid: 5, bytes: 120 * MIB, overMs: 300, source: 'ebpf' },
    ]);
  });

  it('told twice between two questions is one event, the larger', () => {
    const twice = [200, 300, 150].map((size) => ({ pid: 5, bytes: size * MIB, overMs: 1000 }));
    expect(eventsOfTrace(twice, [], 'all')).toMatchObject([{ bytes: 300 * MIB }]);
  });
});

describe('growth that samples tell', () => {
  it('is over the threshold as a rate, and known', () => {
    const processes = [
      process(1, 'a', { growth: 100 * MIB }),
      process(2, 'b', { growth: 100 * MIB + 1 }),
      process(3, 'c', { growth: -500 * MIB }),
      process(4, 'd'),
    ];
    expect(eventsOfSample(processes, 'all', 100 * MIB)).toEqual([
      { pid: 2, startTicks: 20, comm: 'b', bytes: 100 * MIB + 1, overMs: 1000, source: 'sampling' },
    ]);
    expect(eventsOfSample(processes, ['a'], 100 * MIB)).toEqual([]);
  });
});

describe('the watch', () => {
  function watchWith(states: TracerState[]) {
    let at = 0;
    const tracer: Tracer = {
      state: () => states[Math.min(at, states.length - 1)] as TracerState,
      take: () => ({ seen: at === 1 ? [{ pid: 2, bytes: 7 * MIB, overMs: 5 }] : [], lost: 1 }),
      stop: async () => {},
    };
    const watch = watchAllocations({ names: 'all', thresholdBytes: MIB }, tracer);
    const sample = { processes: [process(2, 'b', { growth: 9 * MIB })] };
    return {
      watch,
      look: () => {
        const events = watch.take(sample);
        const source = watch.source();
        at += 1;
        return { events, source };
      },
    };
  }

  it('samples until bpftrace has begun, and again when it has ended; never both at once', () => {
    const { watch, look } = watchWith([
      { kind: 'starting' },
      { kind: 'tracing' },
      { kind: 'tracing' },
      { kind: 'ended', reason: 'bpftrace ended by SIGKILL' },
    ]);
    expect(look()).toMatchObject({
      events: [{ source: 'sampling', bytes: 9 * MIB }],
      source: { kind: 'sampling', reason: 'bpftrace is starting' },
    });
    expect(look()).toMatchObject({
      events: [{ source: 'ebpf', bytes: 7 * MIB }],
      source: { kind: 'ebpf' },
    });
    expect(look().events).toEqual([]);
    expect(look()).toMatchObject({
      events: [{ source: 'sampling' }],
      source: { kind: 'sampling', reason: 'bpftrace ended by SIGKILL' },
    });
    expect(watch.lost()).toBe(4);
  });
});
