import { describe, expect, it } from 'vitest';
import {
  eventsOfTrace,
  SampledGrowth,
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
  /** Goes through samples `[ms, growth in MiB a second]` of one process; gives what was told at each. */
  function through(samples: [atMs: number, growth?: number][], names: 'all' | string[] = 'all') {
    const growth = new SampledGrowth(100 * MIB);
    return samples.map(([atMs, rate]) => {
      const more = rate === undefined ? {} : { growth: rate * MIB };
      const events = growth.look({ atMs, processes: [process(2, 'b', more)] }, names);
      return events.map(({ bytes, overMs }) => `${bytes / MIB} in ${overMs}`).join();
    });
  }

  it('is what it amounts to within a second', () => {
    expect(through([[0], [1000, 101], [2000, 100], [3000, 250]])).toEqual([
      '',
      '101 in 1000',
      '',
      '250 in 1000',
    ]);
  });

  it('is no alarm for a high rate over a short time', () => {
    expect(through([[0], [100, 300], [200, 300], [300, 0], [1000, 0], [1100, 500]])).toEqual(
      Array.from({ length: 6 }, () => ''),
    );
  });

  it('is added up over samples that come faster', () => {
    expect(through([[0], [250, 150], [500, 150], [750, 150], [1000, 150]]).filter(Boolean)).toEqual(
      ['112.5 in 750'],
    );
  });

  it('over a longer time has to be more', () => {
    expect(through([[0], [3000, 90]])).toEqual(['', '']);
    expect(through([[0], [3000, 110]])).toEqual(['', '330 in 3000']);
  });

  it('is of watched processes alone, and of none whose growth is unknown', () => {
    expect(through([[0], [1000, 500]], ['a'])).toEqual(['', '']);
    expect(through([[0], [1000], [2000]])).toEqual(['', '', '']);
    expect(through([[0], [1000, -500], [2000, 101]])).toEqual(['', '', '101 in 1000']);
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
    watch.take({ ...sample, atMs: -1000 });
    return {
      watch,
      look: () => {
        const events = watch.take({ ...sample, atMs: at * 1000 });
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
    expect(watch.lost()).toBe(5);
  });
});
