import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CgroupFileError,
  parseAmount,
  parseCount,
  parseCpuMax,
  parseCpus,
  parseFlatKeyed,
  parseIoMax,
  parseIoWeight,
  parseNames,
  parsePids,
  parsePressure,
} from '../../../src/cgroup/index.js';

describe('good content', () => {
  it('max is infinity, a value of its own', () => {
    expect(parseAmount('max', 'memory.max')).toBe('infinity');
    expect(parseAmount('67108864\n', 'memory.max')).toBe(67_108_864);
    expect(parseAmount('0', 'memory.swap.max')).toBe(0);
  });

  it('cpu.max', () => {
    expect(parseCpuMax('2700000 100000')).toEqual({ quota: 2_700_000, period: 100_000 });
    expect(parseCpuMax('max 100000')).toEqual({ quota: 'infinity', period: 100_000 });
  });

  it('flat keyed files, with keys that have dots', () => {
    expect(parseFlatKeyed('low 0\noom_kill 3\noom_group_kill 0\n', 'memory.events')).toEqual({
      low: 0,
      oom_kill: 3,
      oom_group_kill: 0,
    });
    expect(parseFlatKeyed('core_sched.force_idle_usec 0', 'cpu.stat')).toEqual({
      'core_sched.force_idle_usec': 0,
    });
    expect(parseFlatKeyed('', 'memory.stat')).toEqual({});
  });

  it('pressure, of which the cpu file of old kernels has only one line', () => {
    const some = 'some avg10=73.47 avg60=22.68 avg300=5.24 total=16140722';
    const stall = { avg10: 73.47, avg60: 22.68, avg300: 5.24, total: 16_140_722 };
    expect(parsePressure(some, 'cpu.pressure')).toEqual({ some: stall });
    expect(parsePressure(`${some}\n${some.replace('some', 'full')}\n`, 'memory.pressure')).toEqual({
      some: stall,
      full: stall,
    });
  });

  it('io.weight and io.max by device', () => {
    expect(parseIoWeight('default 50\n8:16 200')).toEqual({
      default: 50,
      devices: { '8:16': 200 },
    });
    expect(parseIoMax('254:0 rbps=1000000 wbps=max riops=max wiops=120')).toEqual({
      '254:0': { rbps: 1_000_000, wbps: 'infinity', riops: 'infinity', wiops: 120 },
    });
    expect(parseIoMax('')).toEqual({});
  });

  it('lists of CPUs, names and processes', () => {
    expect(parseCpus('0-2,5\n', 'cpuset.cpus')).toEqual([0, 1, 2, 5]);
    expect(parseCpus('', 'cpuset.cpus')).toEqual([]);
    expect(parseNames('cpu memory pids\n')).toEqual(['cpu', 'memory', 'pids']);
    expect(parsePids('12\n0\n13\n')).toEqual([12, 0, 13]);
  });
});

describe('broken content is an error that names the file', () => {
  const cases: [string, () => unknown][] = [
    ['memory.max', () => parseAmount('', 'memory.max')],
    ['memory.max', () => parseAmount('-1', 'memory.max')],
    ['memory.max', () => parseAmount('1e9', 'memory.max')],
    ['memory.max', () => parseAmount('9223372036854771712', 'memory.max')],
    ['cpu.max', () => parseCpuMax('100000')],
    ['cpu.max', () => parseCpuMax('1 2 3')],
    ['cpu.max', () => parseCpuMax('100000 0')],
    ['cpu.stat', () => parseFlatKeyed('usage_usec', 'cpu.stat')],
    ['cpu.stat', () => parseFlatKeyed('usage_usec -5', 'cpu.stat')],
    ['io.weight', () => parseIoWeight('100')],
    ['io.max', () => parseIoMax('8:0 rbps=1')],
    ['io.max', () => parseIoMax('sda rbps=1 wbps=1 riops=1 wiops=1')],
    ['cpuset.cpus', () => parseCpus('3-1', 'cpuset.cpus')],
    ['cgroup.procs', () => parsePids('12\nx')],
    ['memory.pressure', () => parsePressure('some avg10=1', 'memory.pressure')],
  ];
  it.each(cases)('%s (%#)', (file, read) => {
    expect(read).toThrow(CgroupFileError);
    expect(read).toThrow(file);
  });
});

describe('any content', () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[\d a-z:=.,\n-]{0,60}$/),
    fc.stringMatching(/^(default|\d{1,3}:\d{1,3}) \d{1,20}$/),
  );
  const parsers: [string, (content: string) => unknown][] = [
    ['parseAmount', (content) => parseAmount(content, 'f')],
    ['parseCpuMax', (content) => parseCpuMax(content)],
    ['parseFlatKeyed', (content) => parseFlatKeyed(content, 'f')],
    ['parsePressure', (content) => parsePressure(content, 'f')],
    ['parseIoWeight', (content) => parseIoWeight(content)],
    ['parseIoMax', (content) => parseIoMax(content)],
    ['parseCpus', (content) => parseCpus(content, 'f')],
    ['parsePids', (content) => parsePids(content)],
  ];

  it.each(parsers)('%s gives figures that are exact, or a CgroupFileError', (_, parse) => {
    fc.assert(
      fc.property(text, (content) => {
        try {
          for (const figure of figuresIn(parse(content))) {
            expect(Number.isFinite(figure) && figure >= 0).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CgroupFileError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a whole number is read exactly or not at all', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 70n }), (number) => {
        const read = () => parseCount(String(number), 'f');
        if (number <= BigInt(Number.MAX_SAFE_INTEGER)) expect(BigInt(read())).toBe(number);
        else expect(read).toThrow(CgroupFileError);
      }),
    );
  });
});

function figuresIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(figuresIn) : [];
}
