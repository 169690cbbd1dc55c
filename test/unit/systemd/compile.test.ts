import { describe, expect, it } from 'vitest';
import type { Limits } from '../../../src/model/index.js';
import { compileProperties, scopeArgv } from '../../../src/systemd/compile.js';

const limits: Limits = {
  profile: 'p',
  properties: Object.entries({
    MemoryMax: '150G',
    MemoryZSwapMax: '1G',
    CPUQuota: '2700%',
    OOMPolicy: 'continue',
  }).map(([property, value]) => ({
    property,
    value,
    wish: value,
    origin: { layer: 'built-in', profile: 'p' },
  })),
  leftOut: [{ property: 'MemoryHigh', wish: '1G', why: 'no swap' }],
  environment: {},
};

describe('compileProperties', () => {
  const everything = ['MemoryMax', 'MemoryZSwapMax', 'CPUQuota', 'OOMPolicy'];
  const before253 = ['MemoryMax', 'CPUQuota'];

  it.each([
    [249, 'scope', before253, ['MemoryHigh', 'MemoryZSwapMax', 'OOMPolicy']],
    [252, 'scope', before253, ['MemoryHigh', 'MemoryZSwapMax', 'OOMPolicy']],
    [253, 'scope', everything, ['MemoryHigh']],
    [255, 'scope', everything, ['MemoryHigh']],
    [257, 'scope', everything, ['MemoryHigh']],
    [262, 'scope', everything, ['MemoryHigh']],
    [undefined, 'scope', everything, ['MemoryHigh']],
    [252, 'service', ['MemoryMax', 'CPUQuota', 'OOMPolicy'], ['MemoryHigh', 'MemoryZSwapMax']],
    [257, 'slice', ['MemoryMax', 'MemoryZSwapMax', 'CPUQuota'], ['MemoryHigh', 'OOMPolicy']],
  ] as const)('systemd %s, %s', (systemd, kind, passed, leftOut) => {
    const compiled = compileProperties(limits, { systemd, kind });
    expect(Object.keys(compiled.properties)).toEqual(passed);
    expect(compiled.leftOut.map(({ property }) => property)).toEqual(leftOut);
  });

  it('says which systemd a property needs', () => {
    const { leftOut } = compileProperties(limits, { systemd: 252 });
    expect(leftOut.at(-1)).toEqual({
      property: 'OOMPolicy',
      wish: 'continue',
      why: 'needs systemd 253 for a scope, and this is 252',
    });
  });
});

describe('scopeArgv', () => {
  const request = {
    unit: 'u.scope',
    slice: 's.slice',
    description: 'a b',
    properties: { MemoryMax: '1G', TasksMax: '5' },
    environment: { RLIMIT_JOBS: '2' },
  };

  it.each([
    [249, false],
    [252, false],
    [254, true],
    [262, true],
    [undefined, true],
  ])('systemd %s: --expand-environment=no is there: %s', (systemd, expands) => {
    const argv = scopeArgv({ ...request, ...(systemd ? { systemd } : {}) }, ['make']);
    expect(argv.includes('--expand-environment=no')).toBe(expands);
  });

  it('keeps the command apart from the options', () => {
    expect(scopeArgv({ ...request, nice: -3, systemd: 252 }, ['make', '--', '-p', ''])).toEqual([
      ...['systemd-run', '--user', '--scope', '--quiet', '--unit=u.scope'],
      ...['--slice=s.slice', '--description=a b', '--nice=-3', '-p', 'MemoryMax=1G'],
      ...['-p', 'TasksMax=5', '--setenv=RLIMIT_JOBS=2', '--', 'make', '--', '-p', ''],
    ]);
  });
});
