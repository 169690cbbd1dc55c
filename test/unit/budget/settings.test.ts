import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dropInPaths,
  formatDropIn,
  parseDropIn,
  type Setting,
  settingsOf,
} from '../../../src/budget/drop-in.js';
import { settingsFor } from '../../../src/budget/set.js';
import type { Machine } from '../../../src/model/index.js';
import { GiB, MiB } from '../../../src/quantity/index.js';
import { isSealed, seal } from '../../../src/units/index.js';

const machine = (memory: number, cpus: number, cores = cpus): Machine => ({
  memory,
  cpus,
  cores,
  swap: 0,
});
const fileOf = (text: string) => ({ path: '/x.conf', text, settings: parseDropIn(text) });

describe('the default budget', () => {
  it.each([
    // memory, CPUs, cores, and what remains for the rest
    ['2G', 1.93 * GiB, 2, 2, '983M', '100%'],
    ['2G, one CPU', 2 * GiB, 1, 1, '1G', '50%'],
    ['4G', 3.9 * GiB, 4, 2, '1945M', '200%'],
    ['8G', 7.8 * GiB, 8, 4, '5836M', '600%'],
    ['16G', 15.5 * GiB, 16, 8, '12G', '1400%'],
    ['252G', 252 * GiB, 72, 36, '200G', '7000%'],
  ])('on a machine of %s', (_, memory, cpus, cores, max, quota) => {
    const { settings, leftOut } = settingsFor(
      {},
      { machine: machine(Math.floor(memory), cpus, cores) },
    );
    expect(leftOut).toEqual([]);
    expect(settings.map(({ property, value }) => [property, value])).toEqual([
      ['MemoryMax', max],
      ['CPUQuota', quota],
      ['CPUWeight', '50'],
    ]);
  });

  it('always leaves at least 2G or half of the memory, and half a CPU', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 512, max: 4_000_000 }),
        fc.integer({ min: 1, max: 256 }),
        fc.constantFrom(1, 2),
        (mebibytes, cores, threads) => {
          const memory = mebibytes * MiB;
          const here = machine(memory, cores * threads, cores);
          const { settings } = settingsFor({}, { machine: here });
          const [max, quota] = settings.map(({ value }) => value);
          const bytes = max?.endsWith('G')
            ? Number.parseFloat(max) * GiB
            : Number.parseFloat(max ?? '') * MiB;
          expect(memory - bytes).toBeGreaterThanOrEqual(Math.min(2 * GiB, memory / 2));
          expect(bytes).toBeGreaterThan(memory * 0.44);
          expect(Number.parseFloat(quota ?? '')).toBeLessThanOrEqual(here.cpus * 100 - 50);
        },
      ),
    );
  });
});

describe('what is asked with -p', () => {
  const here = machine(16 * GiB, 8);

  it('is kept as written beside what it comes to', () => {
    const { settings } = settingsFor(
      { MemoryMax: '50% of memory', TasksMax: '500' },
      { machine: here },
    );
    expect(settings).toEqual([
      {
        property: 'MemoryMax',
        value: '8G',
        wish: '50% of memory',
        rule: '50% of 16G is 8G',
      },
      { property: 'TasksMax', value: '500' },
    ]);
  });

  it.each([
    [{ OOMPolicy: 'kill' }, 'a slice can have'],
    [{ MemoryMax: '17G' }, 'more than this machine has'],
    [{ MemoryMax: '1M' }, '16M'],
    [{ MemoryMx: '1G' }, 'no property'],
    [{ MemoryMax: '' }, 'a budget without limits'],
    [{ MemoryMax: 'lots' }, 'not a size'],
  ])('%j is refused', (wishes, words) => {
    expect(() => settingsFor(wishes as Record<string, string>, { machine: here })).toThrow(words);
  });
});

describe('a drop-in', () => {
  const setting: fc.Arbitrary<Setting> = fc
    .record({
      property: fc.constantFrom('MemoryMax', 'CPUQuota', 'TasksMax'),
      value: fc.constantFrom('200G', '', '700%', 'infinity'),
      wish: fc.option(fc.constantFrom('80% of memory', '1024M', '75%  of\ncores'), {
        nil: undefined,
      }),
      rule: fc.option(fc.constantFrom('80% of 252G is 201.6G, rounded down to 200G', 'a: b')),
    })
    .map(({ property, value, wish, rule }) => ({
      property,
      value,
      ...(wish === undefined ? {} : { wish, ...(rule === null ? {} : { rule }) }),
    }));

  it('says the same when it is read again', () => {
    fc.assert(
      fc.property(fc.array(setting, { minLength: 1, maxLength: 4 }), (settings) => {
        const read = parseDropIn(seal(formatDropIn(settings)));
        expect(read.map(({ property, value }) => [property, value])).toEqual(
          settings.map(({ property, value }) => [property, value]),
        );
        expect(formatDropIn(read)).toBe(formatDropIn(settings));
      }),
    );
  });

  it('that rlimit wrote is known again, and any change by hand is noticed', () => {
    const text = seal(formatDropIn([{ property: 'MemoryMax', value: '600M' }]));
    expect(isSealed(text)).toBe(true);
    expect(isSealed('')).toBe(false);
    expect(isSealed(text.replace('600M', '500M'))).toBe(false);
    expect(isSealed(`${text}TasksMax=5\n`)).toBe(false);
    expect(isSealed(text.replace('[Slice]', '[Slice]\nTasksMax=5'))).toBe(false);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat({ max: text.length }), (more, at) => {
        expect(isSealed(text.slice(0, at) + more + text.slice(at))).toBe(false);
      }),
    );
  });

  it('keeps the wish, and no line of it becomes a setting', () => {
    const text = formatDropIn([
      { property: 'MemoryMax', value: '1G', wish: '5% of\nTasksMax=1', rule: 'so it is' },
    ]);
    expect(parseDropIn(text)).toEqual([
      { property: 'MemoryMax', value: '1G', wish: '5% of TasksMax=1', rule: 'so it is' },
    ]);
  });

  it('written by hand is read as systemd does', () => {
    const text =
      'TasksMax=1\n[Slice]\n# why\n\n  MemoryMax = 2G \nnonsense\n[Unit]\nMemoryMax=9G\n';
    expect(parseDropIn(text)).toEqual([{ property: 'MemoryMax', value: '2G' }]);
  });

  it('of the runtime directory wins, and an empty value takes an earlier one away', () => {
    const first = fileOf('[Slice]\nMemoryMax=2G\nTasksMax=5\n');
    const second = fileOf('[Slice]\nMemoryMax=1G\nTasksMax=\n');
    expect(settingsOf([first, second])).toEqual([{ property: 'MemoryMax', value: '1G' }]);
  });

  it('lies where the user’s manager looks', () => {
    const env = { HOME: '/home/x', XDG_CONFIG_HOME: '/c', XDG_RUNTIME_DIR: '/run/user/1' };
    expect(dropInPaths({ env })).toEqual({
      persistent: '/c/systemd/user/app-rlimit.slice.d/50-rlimit-budget.conf',
      runtime: '/run/user/1/systemd/user/app-rlimit.slice.d/60-rlimit-budget.conf',
    });
    expect(dropInPaths({ env: { HOME: '/home/x', XDG_CONFIG_HOME: 'relative' } })).toEqual({
      persistent: '/home/x/.config/systemd/user/app-rlimit.slice.d/50-rlimit-budget.conf',
    });
  });
});
