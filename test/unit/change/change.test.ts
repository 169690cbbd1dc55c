import { describe, expect, it } from 'vitest';
import { hazardsOf } from '../../../src/change/hazards.js';
import { linesOf, wantedOf, withChange } from '../../../src/change/line.js';
import type { Limit, Machine, UnitRecord } from '../../../src/model/index.js';
import { resolveChange } from '../../../src/profiles/index.js';

const MiB = 1024 ** 2;
const machine: Machine = { cores: 4, cpus: 8, memory: 16 * 1024 * MiB, swap: 1024 * MiB };
const limit = (property: string, value: string): Limit => ({
  property,
  value,
  wish: value,
  origin: { layer: 'command line', profile: 'x.scope' },
});
const resolve = (
  asked: Record<string, string>,
  present: Record<string, string> = {},
  on = machine,
  force = false,
) => resolveChange(asked, present, on, { unit: 'x.scope', force });

describe('hazardsOf', () => {
  const usage = { memoryCurrent: 100 * MiB, swapCurrent: 10 * MiB, tasks: 20 };
  const stat = (cache: number) => ({
    'memory.stat': `anon 1\nfile 9\nshmem 5\nactive_file ${cache / 2}\ninactive_file ${cache / 2}`,
  });

  it.each([
    ['MemoryMax', '100M', []],
    ['MemoryMax', 'infinity', []],
    ['MemoryMax', '99M', ['memory-above-max']],
    ['MemoryHigh', '50M', ['memory-above-high']],
    ['MemorySwapMax', '0', ['swap-above-max']],
    ['TasksMax', '20', []],
    ['TasksMax', '19', ['tasks-above-max']],
    ['CPUQuota', '1%', []],
  ])('%s=%s: %j', (property, value, ids) => {
    expect(hazardsOf([limit(property, value)], usage).map(({ id }) => id)).toEqual(ids);
  });

  it('knows what the kernel can drop', () => {
    const [enough] = hazardsOf([limit('MemoryMax', '60M')], usage, stat(40 * MiB));
    expect(enough).toMatchObject({ id: 'cache-above-max', used: 100 * MiB, cache: 40 * MiB });
    const [short] = hazardsOf([limit('MemoryMax', '60M')], usage, stat(38 * MiB));
    expect(short).toMatchObject({ id: 'memory-above-max', cache: 38 * MiB });
  });

  it('has nothing to say of figures that are not known', () => {
    expect(hazardsOf([limit('MemoryMax', '1M'), limit('TasksMax', '1')], {})).toEqual([]);
  });
});

describe('resolveChange', () => {
  it('resolves shares as a profile does, and takes empty values for none', () => {
    const change = resolve({
      MemoryMax: '50% of memory',
      CPUQuota: '75% of cores',
      TasksMax: '',
      IOWeight: ' 50 ',
    });
    expect(change.limits.map(({ property, value }) => [property, value])).toEqual([
      ['MemoryMax', '8G'],
      ['CPUQuota', '300%'],
      ['IOWeight', '50'],
    ]);
    expect(change.reset).toEqual(['TasksMax']);
    expect(resolve({ CPUQuota: 'infinity' }).reset).toEqual(['CPUQuota']);
  });

  it.each([
    [{ MemoryMax: '1M' }, /16M/],
    [{ MemoryMax: '32G' }, /more than this machine has/],
    [{ MemoryMax: 'x' }, /is not a size/],
    [{ Unheard: '1' }, /no property/],
    [{ MemoryHigh: '2G', MemoryMax: '1G' }, /is above/],
  ])('refuses %j', (asked, message) => {
    expect(() => resolve(asked)).toThrow(message);
  });

  it('looks at what the unit has already for the livelock, and for nothing else', () => {
    const trap = { MemoryHigh: '1G', MemoryMax: '2G', MemorySwapMax: '0' };
    expect(() => resolve({ MemoryMax: '4G' }, trap)).toThrow(
      /MemoryHigh=1G \(as the unit has it\) with MemorySwapMax=0 is a trap/,
    );
    expect(() => resolve({ MemoryMax: '4G' }, trap, machine, true)).not.toThrow();
    expect(() => resolve({ TasksMax: '40' }, trap)).not.toThrow();
    expect(() => resolve({ MemoryHigh: '' }, trap)).not.toThrow();
    expect(() =>
      resolve({ MemoryMax: '4G' }, { MemoryHigh: '1G' }, { ...machine, swap: 0 }),
    ).toThrow(/without swap/);
    // Limits that were forced on the unit once are not judged again.
    expect(() => resolve({ MemorySwapMax: '1G' }, { MemoryMax: '64G' })).not.toThrow();
    expect(() =>
      resolve({ MemoryMax: '512M' }, { MemoryHigh: '1G', MemorySwapMax: '0' }),
    ).not.toThrow();
  });
});

describe('the lines for systemctl', () => {
  const change = resolve({ MemoryMax: '1G', CPUQuota: '', TasksMax: '', MemoryLow: '' });

  it('set what is asked, and reset with nothing', () => {
    expect(linesOf('x.scope', change)).toEqual([
      [
        ...['set-property', '--runtime', '--', 'x.scope'],
        ...['MemoryMax=1G', 'CPUQuota=', 'TasksMax=', 'MemoryLow='],
      ],
    ]);
  });

  it('change the slice first, in what it has itself', () => {
    const slice = { slice: 'app-rlimit-1.slice', properties: ['MemoryMax'] };
    expect(linesOf('x.scope', change, slice)[0]).toEqual([
      ...['set-property', '--runtime', '--', 'app-rlimit-1.slice', 'MemoryMax=1G'],
    ]);
  });

  it('say what the kernel is to hold then', () => {
    expect(wantedOf(change)).toEqual({
      MemoryMax: '1G',
      CPUQuota: '',
      TasksMax: 'infinity',
      MemoryLow: '0',
    });
    expect(wantedOf(resolve({ AllowedCPUs: '', CPUWeight: '', CPUQuotaPeriodSec: '' }))).toEqual({
      CPUWeight: '100',
      CPUQuotaPeriodSec: '100ms',
    });
  });

  it('and what is asked of the unit from now on', () => {
    const record: UnitRecord = {
      version: 1,
      unit: 'x.scope',
      slice: 's.slice',
      profile: 'p',
      properties: { MemoryMax: '2G', CPUQuota: '50%', IOWeight: '50' },
      command: ['x'],
      cwd: '/',
      started: 1,
    };
    expect(withChange(record, change)).toEqual({
      ...record,
      properties: { MemoryMax: '1G', IOWeight: '50' },
    });
    expect(record.properties.CPUQuota).toBe('50%');
  });
});
