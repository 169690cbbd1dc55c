import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Limits, Machine, Profile } from '../../../src/model/index.js';
import { BUILT_IN_NAMES } from '../../../src/profiles/catalog.js';
import {
  loadProfile,
  parseMachineOverride,
  type ResolveOptions,
  resolve,
} from '../../../src/profiles/index.js';
import { checkValue } from '../../../src/properties/index.js';
import { GiB, MiB } from '../../../src/quantity/index.js';
import { machineWith, nowhere, reference } from './places.js';

const builtIns = new Map<string, Profile>();
for (const name of BUILT_IN_NAMES) builtIns.set(name, await loadProfile(name, nowhere));

describe('the figures of the reference machine (36 cores, 252 GB)', () => {
  it.each([
    ['coq-standard', { MemoryMax: '150G', CPUQuota: '2700%', IOWeight: '50', TasksMax: '300' }],
    ['coq-conservative', { MemoryMax: '100G', CPUQuota: '1800%', IOWeight: '30', TasksMax: '200' }],
    ['coq-aggressive', { MemoryMax: '200G', CPUQuota: '3200%', IOWeight: '100', TasksMax: '500' }],
    ['coq-single', { MemoryMax: '100G', CPUQuota: '900%', IOWeight: '30' }],
  ])('%s', (name, expected) => {
    const values = valuesOf(resolveBuiltIn(name, reference));
    expect(values).toEqual({ ...expected, MemorySwapMax: '0', OOMPolicy: 'continue' });
  });
});

describe('CPUQuota of coq-standard by cores', () => {
  it.each([
    [36, '2700%'],
    [24, '1800%'],
    [16, '1200%'],
    [8, '600%'],
    [1, '75%'],
  ])('%d cores: %s', (cores, quota) => {
    const limits = resolveBuiltIn('coq-standard', machineWith({ cores, memory: '64G' }));
    expect(valuesOf(limits).CPUQuota).toBe(quota);
  });
});

describe('a share of memory is rounded down to two digits of GiB, then to MiB', () => {
  it.each([
    ['252G', '60% of memory', '150G'],
    ['252G', '40% of memory', '100G'],
    ['252G', '80% of memory', '200G'],
    ['2G', '60% of memory', '1228M'],
    ['16G', '37.5% of memory', '6G'],
    ['512M', '60% of memory', '307M'],
    ['100M', '50% of memory', '49M'],
    ['1500G', '100% of memory', '1500G'],
    ['1590G', '100% of memory', '1500G'],
    // One byte less than 10 GiB is 9.9 GiB.
    ['10737418239', '100% of memory', '10137M'],
  ])('of %s, %s is %s', (memory, wish, value) => {
    const machine = machineWith({ cores: 4, memory });
    expect(valuesOf(resolveLimits({ MemoryMax: wish }, machine))).toEqual({ MemoryMax: value });
  });

  it('and says so', () => {
    const [limit] = resolveLimits({ MemoryMax: '60% of memory' }, reference).properties;
    expect(limit).toMatchObject({
      wish: '60% of memory',
      rule: '60% of 252G is 151.2G, rounded down to 150G',
    });
  });
});

describe('other ways to write a value', () => {
  it.each([
    // As systemd: of RAM, in whole pages.
    [{ MemoryMax: '50%' }, { MemoryMax: '126G' }],
    [{ MemoryMax: '33.33%' }, { MemoryMax: '88071572K' }],
    [{ CPUQuota: '50% of cpus' }, { CPUQuota: '3600%' }],
    [{ CPUQuota: '1% of cores' }, { CPUQuota: '36%' }],
    [{ CPUQuota: 'infinity' }, {}],
    [{ MemoryMax: 'infinity' }, { MemoryMax: 'infinity' }],
    [{ AllowedCPUs: '0-7 where present' }, { AllowedCPUs: '0-7' }],
    [{ AllowedCPUs: '70-99 where present' }, { AllowedCPUs: '70-71' }],
    [{ AllowedCPUs: '0-99 where present' }, {}],
    [{ AllowedCPUs: '90-99 where present' }, {}],
  ])('%j', (limits, expected) => {
    expect(valuesOf(resolveLimits(limits, reference))).toEqual(expected);
  });

  it.each([
    { MemoryMax: '60% of cores' },
    { CPUQuota: '60% of memory' },
    { TasksMax: '60% of cores' },
    { MemoryMax: '0% of memory' },
  ])('not %j', (limits) => {
    expect(() => resolveLimits(limits, reference)).toThrow(Object.keys(limits)[0]);
  });
});

describe('properties of the command line', () => {
  it('win, and say that they are from there', () => {
    const limits = resolveBuiltIn('coq-standard', reference, { overrides: { MemoryMax: '20G' } });
    expect(limits.properties.find(({ property }) => property === 'MemoryMax')).toMatchObject({
      value: '20G',
      origin: { layer: 'command line' },
    });
  });

  it('may be shares', () => {
    const limits = resolveBuiltIn('coq-standard', reference, {
      overrides: { CPUQuota: '50% of cores' },
    });
    expect(valuesOf(limits).CPUQuota).toBe('1800%');
  });

  it('take a limit away when they are empty', () => {
    const limits = resolveBuiltIn('coq-standard', reference, { overrides: { TasksMax: '' } });
    expect(valuesOf(limits)).not.toHaveProperty('TasksMax');
  });

  it('must be properties', () => {
    expect(() => resolveLimits({}, reference, { overrides: { MemoryMx: '1G' } })).toThrow(
      'MemoryMx',
    );
  });
});

describe('what is refused, unless forced', () => {
  const small = machineWith({ cores: 4, cpus: 8, memory: '4G' });

  it.each([
    ['a MemoryMax in which nothing can start', { MemoryMax: '15M' }, /under 16M/],
    ['more memory than there is', { MemoryMax: '8G' }, /more than this machine has/],
    ['more than all of the memory', { MemoryMax: '200% of memory' }, /more than this machine has/],
    ['a watermark above all memory', { MemoryHigh: '8G' }, /more than this machine has/],
    ['more CPU than there is', { CPUQuota: '801%' }, /more than this machine has/],
    ['a CPU that is not there', { AllowedCPUs: '4-8' }, /no CPU 8/],
    ['the livelock', { MemoryMax: '2G', MemoryHigh: '1G', MemorySwapMax: '0' }, /trap/],
    ['the livelock without MemoryMax', { MemoryHigh: '1G', MemorySwapMax: '0' }, /trap/],
  ])('%s', (_, limits, message) => {
    expect(() => resolveLimits(limits, small)).toThrow(message);
    expect(valuesOf(resolveLimits(limits, small, { force: true }))).toHaveProperty(
      Object.keys(limits)[0] ?? '',
    );
  });

  it('hyper-threads count for CPUQuota', () => {
    expect(valuesOf(resolveLimits({ CPUQuota: '800%' }, small))).toEqual({ CPUQuota: '800%' });
  });

  it('a MemoryHigh above MemoryMax, even when forced', () => {
    const limits = { MemoryMax: '1G', MemoryHigh: '2G' };
    expect(() => resolveLimits(limits, small, { force: true })).toThrow(/above MemoryMax/);
  });

  it('a service that is larger than the machine', () => {
    expect(() => resolveBuiltIn('ollama', small)).toThrow(/MemoryMax=8G .*more than this machine/);
  });
});

describe('MemoryHigh without swap', () => {
  const swapless = machineWith({ cores: 12, memory: '20G', swap: '0' });

  it('of a profile is left out, and that is said', () => {
    const limits = resolveBuiltIn('ollama', swapless);
    expect(valuesOf(limits)).not.toHaveProperty('MemoryHigh');
    expect(limits.leftOut).toEqual([
      { property: 'MemoryHigh', wish: '7G', why: expect.stringContaining('no swap') },
    ]);
  });

  it('of the command line is refused', () => {
    const overrides = { MemoryHigh: '5G' };
    expect(() => resolveBuiltIn('ollama', swapless, { overrides })).toThrow(/without swap/);
    const forced = resolveBuiltIn('ollama', swapless, { overrides, force: true });
    expect(valuesOf(forced).MemoryHigh).toBe('5G');
  });

  it('of infinity is always fine', () => {
    expect(valuesOf(resolveBuiltIn('agent', swapless)).MemoryHigh).toBe('infinity');
  });

  it('of a profile gives way to a lower MemoryMax of the command line', () => {
    const machine = machineWith({ cores: 12, memory: '20G' });
    const limits = resolveBuiltIn('ollama', machine, { overrides: { MemoryMax: '4G' } });
    expect(limits.leftOut[0]).toMatchObject({ property: 'MemoryHigh' });
  });

  it('is refused with -p MemorySwapMax=0 where there is swap', () => {
    const machine = machineWith({ cores: 12, memory: '20G' });
    const overrides = { MemorySwapMax: '0' };
    expect(() => resolveBuiltIn('ollama', machine, { overrides })).toThrow(/trap/);
  });
});

describe('Nix on 8 cores and 16 GB', () => {
  const machine = machineWith({ cores: 8, memory: '16G' });

  it('builds 4 at a time, each on one core', () => {
    const { jobs, environment } = resolveBuiltIn('nix-build', machine);
    expect(jobs?.pick).toBe(4);
    expect(environment).toEqual({ NIX_CONFIG: 'max-jobs = 4\ncores = 1\ntimeout = 21600' });
  });

  it('has the daemon limited as a second line', () => {
    expect(valuesOf(resolveBuiltIn('nix-daemon', machine))).toEqual({
      CPUQuota: '400%',
      MemoryHigh: '6G',
      MemoryMax: '8G',
      TasksMax: '4096',
      OOMPolicy: 'continue',
    });
  });
});

it.each([
  ['ollama', { MemoryMax: '8G', CPUQuota: '200%', AllowedCPUs: '0-7', IOWeight: '100' }],
  ['llama-cpp', { MemoryMax: '6G', CPUQuota: '150%', AllowedCPUs: '8-11', IOWeight: '80' }],
  ['llm-proxy', { MemoryMax: '1G', CPUQuota: '50%', IOWeight: '50' }],
  ['monitor', { MemoryMax: '128M', CPUQuota: '10%', IOWeight: '50' }],
])('%s on a machine of 20 GB and 12 cores', (name, expected) => {
  expect(valuesOf(resolveBuiltIn(name, machineWith({ cores: 12, memory: '20G' })))).toMatchObject(
    expected,
  );
});

describe('on any machine', () => {
  const machines = fc
    .record({
      cores: fc.integer({ min: 1, max: 512 }),
      threads: fc.constantFrom(1, 2),
      memory: fc.integer({ min: 512 * MiB, max: 8192 * GiB }),
      swap: fc.constantFrom(0, 8 * GiB),
    })
    .map(({ threads, ...rest }): Machine => ({ ...rest, cpus: rest.cores * threads }));
  const shares = fc.integer({ min: 500, max: 10_000 }).map((permyriad) => permyriad / 100);

  it('a share is never more than its part of the machine, and hardly less', () => {
    fc.assert(
      fc.property(machines, shares, (machine, percent) => {
        const limits = { MemoryMax: `${percent}% of memory`, CPUQuota: `${percent}% of cores` };
        const amounts = amountsOf(resolveLimits(limits, machine));
        const memory = (machine.memory * percent) / 100;
        expect(amounts.MemoryMax).toBeLessThanOrEqual(memory + 1);
        // Two digits: at most a tenth is lost, and a MiB.
        expect(amounts.MemoryMax).toBeGreaterThan((memory * 10) / 11 - MiB);
        const cores = (machine.cores * percent) / 100;
        const quota = (amounts.CPUQuota ?? 0) / 1_000_000;
        expect(quota).toBeLessThanOrEqual(cores + 1e-9);
        expect(quota).toBeGreaterThan(cores < 1 ? cores - 1e-3 : cores - 1);
      }),
    );
  });

  it('a larger machine never gets less', () => {
    fc.assert(
      fc.property(machines, machines, shares, (a, b, percent) => {
        const limits = { MemoryMax: `${percent}% of memory`, CPUQuota: `${percent}% of cores` };
        const [of, than] = [a, b].map((machine) => amountsOf(resolveLimits(limits, machine)));
        if (a.memory <= b.memory) expect(of?.MemoryMax).toBeLessThanOrEqual(than?.MemoryMax ?? 0);
        if (a.cores <= b.cores) expect(of?.CPUQuota).toBeLessThanOrEqual(than?.CPUQuota ?? 0);
      }),
    );
  });

  const shareProfiles = BUILT_IN_NAMES.filter(
    (name) => !['ollama', 'llama-cpp', 'llm-proxy'].includes(name),
  );

  it.each(shareProfiles)('%s resolves, within the machine', (name) => {
    fc.assert(
      fc.property(machines, (machine) => {
        const limits = resolveBuiltIn(name, machine);
        const { MemoryMax = 0, CPUQuota = 0 } = amountsOf(limits);
        expect(MemoryMax).toBeLessThanOrEqual(machine.memory);
        expect(CPUQuota).toBeLessThanOrEqual(machine.cpus * 1_000_000);
        if (limits.jobs) {
          const { low, pick, high } = limits.jobs;
          expect(low).toBeGreaterThanOrEqual(1);
          expect(pick).toBeGreaterThanOrEqual(1);
          expect(high).toBeGreaterThanOrEqual(Math.max(low, pick));
        }
      }),
    );
  });
});

describe('another machine', () => {
  const here: Machine = {
    cores: 2,
    cpus: 4,
    memory: 8 * GiB,
    swap: 0,
    systemd: 252,
  };

  it.each([
    ['cores=36,memory=252G', { cores: 36, cpus: 36, memory: 252 * GiB, systemd: 252 }],
    ['cores=36, cpus=72', { cores: 36, cpus: 72, memory: 8 * GiB }],
    ['cpus=1', { cores: 1, cpus: 1 }],
    ['swap=0', { cores: 2, cpus: 4, swap: 0 }],
    ['swap=1G,swap-on=rotational', { swap: 2 ** 30, swapOn: 'rotational' }],
    ['systemd=257,controllers=cpu+memory', { systemd: 257, controllers: ['cpu', 'memory'] }],
  ])('%s', (text, expected) => expect(parseMachineOverride(text, here)).toMatchObject(expected));

  it.each([
    ['', /nothing/],
    ['core=36', /did you mean cores/],
    ['cores', /needs a value/],
    ['cores=0', /cores:/],
    ['cores=many', /cores:/],
    ['cores=36,cpus=18', /cannot have fewer/],
    ['memory=infinity', /memory:/],
    ['memory=lots', /memory:/],
    ['controllers=cpu+gpu', /controllers:/],
    ['swap-on=floppy', /swap-on: .*zram, solid-state, rotational/],
    ['__proto__=1', /no key/],
  ])('not %s', (text, message) => expect(() => parseMachineOverride(text, here)).toThrow(message));
});

function resolveBuiltIn(name: string, machine: Machine, options?: ResolveOptions): Limits {
  const profile = builtIns.get(name);
  if (!profile) throw new Error(name);
  return resolve(profile, machine, options);
}

function resolveLimits(
  limits: Record<string, string | undefined>,
  machine: Machine,
  options?: ResolveOptions,
): Limits {
  const profile: Profile = {
    name: 'test',
    layer: 'user',
    summary: '',
    lineage: [],
    limits: limits as Record<string, string>,
    environment: {},
    origins: {},
  };
  return resolve(profile, machine, options);
}

function valuesOf({ properties }: Limits): Record<string, string> {
  return Object.fromEntries(properties.map(({ property, value }) => [property, value]));
}

function amountsOf(limits: Limits): Record<string, number> {
  return Object.fromEntries(
    Object.entries(valuesOf(limits)).map(([name, value]) => [
      name,
      Number(checkValue(name, value).amount),
    ]),
  );
}
