import { describe, expect, it } from 'vitest';
import { LINT_IDS, lintProfile } from '../../../src/lint/lint.js';
import type { Machine, Profile } from '../../../src/model/index.js';
import { BUILT_IN_NAMES } from '../../../src/profiles/catalog.js';
import { loadProfile } from '../../../src/profiles/index.js';
import { machineWith, nowhere } from '../profiles/places.js';

const machine: Machine = {
  ...machineWith({ cores: 8, memory: '16G' }),
  swapOn: 'zram',
  systemd: 257,
  controllers: ['cpu', 'cpuset', 'io', 'memory', 'pids'],
};
const noIo: Machine = { ...machine, controllers: ['cpu', 'memory', 'pids'] };
const onDisk: Machine = { ...machine, swapOn: 'rotational' };
const swapless: Machine = { ...machine, swap: 0 };

type Part = Partial<Omit<Profile, 'jobs'>> & { jobs?: Partial<Profile['jobs']> };

function profileWith({ jobs, ...part }: Part): Profile {
  const model = { memory: { low: 2 ** 30, high: 2 ** 30 }, cores: 1, pick: 'low', processes: [] };
  return {
    name: 'mine',
    layer: 'user',
    summary: '',
    lineage: [],
    limits: {},
    environment: {},
    origins: {},
    ...part,
    ...(jobs === undefined ? {} : { jobs: { ...model, ...jobs } as NonNullable<Profile['jobs']> }),
  };
}

const limits = (values: Record<string, string>, part: Part = {}) =>
  profileWith({ limits: values, ...part });
const told = (profile: Profile, on: Machine = machine) =>
  lintProfile(profile, on).map(({ id, severity, key }) => `${severity} ${id} ${key}`);

describe.each<
  [id: (typeof LINT_IDS)[number], bad: [Profile, string, Machine?][], good: [Profile, Machine?][]]
>([
  [
    'high-below-max-without-swap',
    [
      [limits({ MemoryHigh: '3G', MemoryMax: '4G', MemorySwapMax: '0' }), 'problem MemoryHigh'],
      // A profile that is wrong elsewhere is told so on a machine without swap as well.
      [
        limits({ MemoryHigh: '3G', MemoryMax: '4G', MemorySwapMax: '0' }),
        'problem MemoryHigh',
        swapless,
      ],
      [limits({ MemoryHigh: '3G', MemorySwapMax: '0' }), 'problem MemoryHigh'],
      [limits({ MemoryHigh: '3G', MemoryMax: '4G' }), 'warning MemoryHigh', swapless],
    ],
    [
      [limits({ MemoryHigh: '3G', MemoryMax: '4G' })],
      [limits({ MemoryHigh: '4G', MemoryMax: '4G', MemorySwapMax: '0' })],
      [limits({ MemoryHigh: 'infinity', MemoryMax: '4G', MemorySwapMax: '0' })],
      [limits({ MemoryHigh: '3G', MemoryMax: '4G', MemorySwapMax: '1' })],
    ],
  ],
  [
    'high-above-max',
    [[limits({ MemoryHigh: '5G', MemoryMax: '4G' }), 'problem MemoryHigh']],
    [
      [limits({ MemoryHigh: '4G', MemoryMax: '4G' })],
      [limits({ MemoryHigh: 'infinity', MemoryMax: '4G' })],
    ],
  ],
  [
    'memory-floor',
    [[limits({ MemoryMax: '16777215' }), 'problem MemoryMax']],
    [[limits({ MemoryMax: '16M' })]],
  ],
  [
    'memory-above-machine',
    [
      [limits({ MemoryMax: '17179869185' }), 'problem MemoryMax'],
      [limits({ MemoryHigh: '17G' }), 'problem MemoryHigh'],
    ],
    [
      [limits({ MemoryMax: '16G' })],
      [limits({ MemoryMax: 'infinity' })],
      [limits({ MemoryMax: '100%' })],
    ],
  ],
  [
    'quota-above-machine',
    [[limits({ CPUQuota: '801%' }), 'problem CPUQuota']],
    [[limits({ CPUQuota: '800%' })], [limits({ CPUQuota: 'infinity' })]],
  ],
  [
    'cpu-not-present',
    [[limits({ AllowedCPUs: '0-8' }), 'problem AllowedCPUs']],
    [[limits({ AllowedCPUs: '0-7' })], [limits({ AllowedCPUs: '6-20 where present' })]],
  ],
  [
    'oomd-with-swap-zero',
    [
      [
        limits({ ManagedOOMMemoryPressure: 'kill', MemorySwapMax: '0' }),
        'warning ManagedOOMMemoryPressure',
      ],
      [limits({ ManagedOOMSwap: 'kill', MemorySwapMax: '0' }), 'warning ManagedOOMSwap'],
      [limits({ ManagedOOMSwap: 'kill' }), 'warning ManagedOOMSwap', swapless],
    ],
    [
      [limits({ ManagedOOMSwap: 'kill' })],
      [limits({ ManagedOOMSwap: 'auto', MemorySwapMax: '0' })],
      [limits({ ManagedOOMSwap: 'kill', MemorySwapMax: '1G' })],
      // The version before systemd-oomd cannot have it; that it lacks the property is told instead.
      [limits({ ManagedOOMSwap: 'kill', MemorySwapMax: '0' }), { ...machine, systemd: 246 }],
    ],
  ],
  [
    'swap-as-safety-valve',
    [
      [limits({ MemoryMax: '1G' }), 'warning MemoryMax', onDisk],
      [limits({ MemoryMax: '1G', MemorySwapMax: '1' }), 'warning MemorySwapMax', onDisk],
      [limits({ MemoryMax: '1G', MemorySwapMax: 'infinity' }), 'warning MemorySwapMax', onDisk],
    ],
    [
      [limits({ MemoryMax: '1G', MemorySwapMax: '0' }), onDisk],
      [limits({ MemoryMax: '1G' })],
      [limits({ MemoryMax: '1G' }), { ...machine, swapOn: 'solid-state' }],
      [limits({ MemoryMax: '1G' }), { ...onDisk, swap: 0 }],
      [limits({ CPUQuota: '50%' }), onDisk],
      [limits({ MemoryMax: 'infinity' }), onDisk],
      [limits({ MemoryMax: '1G' }), machineWith({ cores: 8, memory: '16G' })],
    ],
  ],
  [
    'controller-not-delegated',
    [
      [limits({ IOWeight: '50' }), 'warning IOWeight', noIo],
      [limits({ AllowedCPUs: '0-3' }), 'warning AllowedCPUs', noIo],
      [
        limits({ CPUQuota: '50%' }),
        'problem CPUQuota',
        { ...machine, controllers: ['memory', 'pids'] },
      ],
      [limits({ MemoryMax: '1G' }), 'problem MemoryMax', { ...machine, controllers: [] }],
    ],
    [
      [limits({ IOWeight: '50', AllowedCPUs: '0-3' })],
      [limits({ CPUQuota: '50%', MemoryMax: '1G', TasksMax: '50' }), noIo],
      // Not known is no finding.
      [limits({ IOWeight: '50' }), machineWith({ cores: 8, memory: '16G' })],
    ],
  ],
  [
    'systemd-too-old',
    [
      [limits({ MemoryZSwapMax: '1G' }), 'warning MemoryZSwapMax', { ...machine, systemd: 252 }],
      [limits({ ManagedOOMSwap: 'kill' }), 'warning ManagedOOMSwap', { ...machine, systemd: 246 }],
    ],
    [
      [limits({ MemoryZSwapMax: '1G' }), { ...machine, systemd: 253 }],
      // A service takes it, and `run` tells that a scope does not.
      [limits({ OOMPolicy: 'continue' }), { ...machine, systemd: 252 }],
    ],
  ],
  [
    'jobs-above-memory',
    [
      [limits({ MemoryMax: '1023M' }, { jobs: {} }), 'warning jobs.memory'],
      [limits({ MemoryMax: '4G' }, { jobs: { pick: 5 } }), 'warning jobs.pick'],
      [limits({ MemoryMax: '4G' }, { jobs: { command: 'make -j5 all' } }), 'warning jobs.command'],
      [
        limits({ MemoryMax: '4G' }, { jobs: {}, environment: { CARGO_BUILD_JOBS: '5' } }),
        'warning environment.CARGO_BUILD_JOBS',
      ],
      [
        limits({ MemoryMax: '4G' }, { jobs: {}, environment: { MAKEFLAGS: '-k -j5' } }),
        'warning environment.MAKEFLAGS',
      ],
      [
        limits(
          { MemoryMax: '4G' },
          { jobs: {}, environment: { NIX_CONFIG: 'cores = 1\nmax-jobs = 5' } },
        ),
        'warning environment.NIX_CONFIG',
      ],
      // Without a MemoryMax it is the machine that they have together.
      [limits({}, { jobs: { pick: 17 } }), 'warning jobs.pick'],
    ],
    [
      [limits({ MemoryMax: '1G' }, { jobs: {} })],
      [limits({ MemoryMax: '4G' }, { jobs: { pick: 4, command: 'make -j4' } })],
      [
        limits(
          { MemoryMax: '4G' },
          { jobs: { command: 'make -j${jobs}' }, environment: { JOBS: '${jobs}' } },
        ),
      ],
      [
        limits(
          { MemoryMax: '4G' },
          { jobs: {}, environment: { GOMAXPROCS: '64', MAKEFLAGS: '--no-print-directory' } },
        ),
      ],
      // Heavier jobs are no mistake: tune tells how many of those fit.
      [limits({ MemoryMax: '4G' }, { jobs: { pick: 4, memory: { low: 2 ** 30, high: 2 ** 40 } } })],
      [limits({ MemoryMax: '4G' }, { environment: { CARGO_BUILD_JOBS: '64' } })],
    ],
  ],
  [
    'tasks-too-few-for-jobs',
    [
      [limits({ TasksMax: '12' }, { jobs: { pick: 4 } }), 'warning TasksMax'],
      [limits({ TasksMax: '24' }, { jobs: { pick: 4, cores: 4 } }), 'warning TasksMax'],
      [limits({ TasksMax: '12' }, { environment: { CARGO_BUILD_JOBS: '4' } }), 'warning TasksMax'],
    ],
    [
      [limits({ TasksMax: '13' }, { jobs: { pick: 4 } })],
      [limits({ TasksMax: '25' }, { jobs: { pick: 4, cores: 4 } })],
      [limits({ TasksMax: '2' })],
      [limits({ TasksMax: 'infinity' }, { jobs: { pick: 4 } })],
      [profileWith({ jobs: { pick: 4 } })],
    ],
  ],
  [
    'nix-jobs-times-cores',
    [
      ['max-jobs = 8\ncores = 8'],
      ['max-jobs = auto\ncores = 2'],
      ['max-jobs = 2\ncores = 0'],
      // Without a word of cores each build takes all of them.
      ['max-jobs = 2'],
      ['max-jobs = 1\nmax-jobs = 9\ncores = 1'],
      ['cores = 9'],
      ['max-jobs = ${jobs}\ncores = 5'],
    ].map(([text]) => [nix(text as string), 'warning environment.NIX_CONFIG']),
    [
      [nix('max-jobs = 4\ncores = 1')],
      [nix('max-jobs = auto\ncores = 1 # one each')],
      [nix('cores = 0')],
      [nix('timeout = 21600')],
      [nix('# max-jobs = 64\nextra-max-jobs = 64')],
      [nix('max-jobs = ${jobs}\ncores = 4')],
      [profileWith({})],
    ],
  ],
])('%s', (id, bad, good) => {
  it.each(bad)('is told of %j: %s', (profile, expected, on) => {
    const [severity, part = ''] = expected.split(' ');
    const key = part.includes('.') ? part : `limits.${part}`;
    expect(told(profile, on)).toContain(`${severity} ${id} ${key}`);
  });

  it.each(good)('is not told of %j', (profile, on) => {
    expect(told(profile, on).join()).not.toContain(id);
  });
});

function nix(config: string): Profile {
  return profileWith({ jobs: { pick: 2 }, environment: { NIX_CONFIG: config } });
}

describe('the built-in profiles', () => {
  it.each(BUILT_IN_NAMES)('%s is free of lints on a machine that it is made for', async (name) => {
    const large = { ...machine, ...machineWith({ cores: 16, memory: '64G' }) };
    expect(lintProfile(await loadProfile(name, nowhere), large)).toEqual([]);
  });

  it.each(BUILT_IN_NAMES)('%s is no problem anywhere, only a warning', async (name) => {
    const small: Machine = {
      ...machineWith({ cores: 1, memory: '96M', swap: '0' }),
      systemd: 249,
      controllers: ['memory', 'pids'],
    };
    const lints = lintProfile(await loadProfile(name, nowhere), small);
    expect(lints.map(({ severity }) => severity)).not.toContain('problem');
    expect(lints.length).toBeGreaterThan(0);
  });
});

it('every lint says what is wrong, why, and what mends it', () => {
  const all = lintProfile(
    limits(
      {
        MemoryHigh: '20G',
        MemoryMax: '17G',
        MemorySwapMax: '0',
        CPUQuota: '900%',
        AllowedCPUs: '9',
        TasksMax: '3',
        IOWeight: '9',
        ManagedOOMSwap: 'kill',
      },
      { jobs: { pick: 40 }, environment: { NIX_CONFIG: 'max-jobs = 40' } },
    ),
    { ...noIo, systemd: 247 },
  );
  expect(new Set(all.map(({ id }) => id)).size).toBeGreaterThan(7);
  for (const { id, message, why, remedy } of all) {
    expect(LINT_IDS).toContain(id);
    expect(message).toMatch(/[^.]$/);
    expect(why).toMatch(/\.$/);
    expect(remedy).toBeDefined();
  }
});

it('the ids are in the order of their names', () => {
  expect([...LINT_IDS].sort()).toEqual(LINT_IDS);
});
