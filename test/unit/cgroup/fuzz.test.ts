/** Files of /proc and of cgroups as no kernel writes them: never a crash, never a wrong figure. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CgroupFileError,
  cgroupOf,
  glanceAt,
  memoryOf,
  parseCpuMax,
  parseFlatKeyed,
  parseIoMax,
  parseMember,
  parseStat,
  readProcess,
  usageOf,
} from '../../../src/cgroup/index.js';
import { readMachine, readMemory } from '../../../src/machine/index.js';
import { QuantityError } from '../../../src/quantity/index.js';
import { procFiles, tree } from './tree.js';

const digits = fc.bigInt({ min: 0n, max: 2n ** 60n }).map(String);
/** What looks like a figure and is none. */
const noFigure = fc.oneof(
  fc.constantFrom('', '-1', '+1', '1.5', '1e3', '0x10', ' ', 'NaN', 'Infinity', '12abc', '1_000'),
  digits.map((text) => `${text}k`),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }).map(String),
);
const anything = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), digits, noFigure);

/** A line of /proc/PID/stat with some fields replaced; numbers are those of proc(5). */
function stat(changes: Record<number, string>, comm = 'make'): string {
  const fields: string[] = Array.from({ length: 50 }, (_, index) => (index === 0 ? 'S' : '7'));
  for (const [number, text] of Object.entries(changes)) fields[Number(number) - 3] = text;
  return `42 (${comm}) ${fields.join(' ')}\n`;
}

describe('/proc/PID/stat', () => {
  it('is read exactly, whatever the name is', () => {
    const ticks = fc.nat(2 ** 31);
    fc.assert(
      fc.property(fc.string(), ticks, ticks, ticks, (comm, user, start, pages) => {
        const text = stat({ 14: `${user}`, 15: '1', 22: `${start}`, 24: `${pages}` }, comm);
        const figures = { startTicks: start, residentPages: pages };
        expect(parseStat(text)).toEqual({ comm, state: 'S', cpuTicks: user + 1, ...figures });
        expect(parseMember(text)).toMatchObject({ pid: 42, state: 'S', ...figures });
      }),
    );
  });

  it('with a figure that is none gives none at all', () => {
    fc.assert(
      fc.property(fc.constantFrom(14, 15, 22, 24), noFigure, (field, text) => {
        fc.pre(!text.includes(' '));
        expect(parseStat(stat({ [field]: text }))).toBeUndefined();
        expect(parseMember(stat({ [field]: text }))).toBeUndefined();
      }),
    );
    expect(parseMember(stat({}).replace('42', '42abc'))).toBeUndefined();
  });

  it('may hold anything', () => {
    fc.assert(
      fc.property(anything, (text) => {
        for (const read of [parseStat, parseMember]) {
          for (const value of Object.values(read(text) ?? {})) {
            expect(typeof value === 'string' || Number.isSafeInteger(value)).toBe(true);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the files of a process', () => {
  it('may hold anything', () => {
    const base = procFiles(42, { cgroup: '/a' });
    const files = fc.constantFrom('stat', 'status', 'cmdline', 'cgroup');
    fc.assert(
      fc.property(files, anything, (file, text) => {
        const proc = `${tree({ ...base, [`proc/42/${file}`]: text })}/proc`;
        const process = readProcess(42, proc);
        for (const value of [process?.memory, process?.cpuUsec, memoryOf(42, proc)]) {
          expect(value === undefined || Number.isSafeInteger(value)).toBe(true);
        }
        expect(glanceAt(42, proc)?.pid ?? 42).toBe(42);
        expect(cgroupOf(42, proc) ?? '/').toMatch(/^\//);
      }),
      { numRuns: 60 },
    );
  });
});

describe('figures of a cgroup', () => {
  it('that are none are an error, and no figure', () => {
    fc.assert(
      fc.property(noFigure, (text) => {
        fc.pre(text.trim() !== '');
        expect(() => parseFlatKeyed(`oom_kill ${text}`, 'f')).toThrow(CgroupFileError);
        expect(() => parseCpuMax(`${text} 100000`)).toThrow(CgroupFileError);
        const caps = `rbps=${text} wbps=max riops=max wiops=max`;
        expect(() => parseIoMax(`8:0 ${caps}`)).toThrow(CgroupFileError);
      }),
    );
    expect(() => parseIoMax('8:0 rbps=1=2 wbps=max riops=max wiops=max')).toThrow(CgroupFileError);
  });

  it('of use are exact, or an error', () => {
    const names = ['memory.current', 'memory.stat', 'cpu.stat', 'memory.events', 'pids.current'];
    fc.assert(
      fc.property(fc.constantFrom(...names), anything, (name, text) => {
        try {
          for (const value of Object.values(usageOf({ [name]: text }))) {
            expect(Number.isSafeInteger(value)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CgroupFileError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the machine', () => {
  const good = {
    'proc/meminfo': 'MemTotal: 1000 kB\nSwapTotal: 0 kB\n',
    'proc/self/status': 'Cpus_allowed_list:\t0-1\n',
    'sys/devices/system/cpu/cpu0/topology/core_cpus_list': '0-1',
  };

  it('is told by whole figures, or not at all', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(good)), anything, (file, text) => {
        const root = `${tree({ ...good, [file]: text })}/`;
        try {
          const { cores, cpus, memory, swap } = readMachine(root, 1000);
          expect([cores, cpus, memory, swap].every(Number.isSafeInteger)).toBe(true);
          expect(cores).toBeLessThanOrEqual(cpus);
        } catch (error) {
          const isDeclared = error instanceof QuantityError || /does not tell/.test(`${error}`);
          expect(isDeclared).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has no memory that is none', () => {
    fc.assert(
      fc.property(noFigure, (text) => {
        const root = `${tree({ 'proc/meminfo': `MemTotal:  ${text} kB\n` })}/`;
        expect(() => readMemory(root)).toThrow('does not tell MemTotal');
      }),
      { numRuns: 30 },
    );
  });
});
