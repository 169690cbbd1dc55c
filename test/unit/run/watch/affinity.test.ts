import { describe, expect, it } from 'vitest';
import { affinityFor } from '../../../../src/run/watch/affinity.js';

/** Four cores of two threads: 0 and 4 are one core. */
const allowed = [0, 1, 2, 3, 4, 5, 6, 7];
const siblings = new Map(allowed.map((cpu) => [cpu, [cpu % 4, (cpu % 4) + 4]]));
const cpus = (properties: Record<string, string>, seed = 0) =>
  affinityFor(properties, { allowed, siblings, seed });

describe('affinityFor', () => {
  it.each([
    [{}, undefined],
    [{ CPUQuota: '' }, undefined],
    [{ CPUQuota: '800%' }, undefined],
    [{ CPUQuota: '2000%' }, undefined],
    [{ CPUQuota: '200%' }, [0, 1]],
    [{ CPUQuota: '150%' }, [0, 1]],
    [{ CPUQuota: '10%' }, [0]],
    [{ AllowedCPUs: '2-3' }, [2, 3]],
    [{ AllowedCPUs: '2-3', CPUQuota: '100%' }, [2]],
    [{ AllowedCPUs: '0-7' }, undefined],
  ])('%j', (properties, expected) => {
    expect(cpus(properties)).toEqual(expected);
  });

  it('takes one CPU of each core before a second one of any', () => {
    expect(
      cpus({ CPUQuota: '400%' }, 2)
        ?.map((cpu) => cpu % 4)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
    expect(cpus({ CPUQuota: '500%' })).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives runs different CPUs', () => {
    const first = new Set([0, 1, 2, 3].map((seed) => String(cpus({ CPUQuota: '100%' }, seed))));
    expect(first.size).toBe(4);
  });

  it('takes CPUs that it may use where none of those named are', () => {
    expect(
      affinityFor({ AllowedCPUs: '9' }, { allowed: [0, 1], siblings, seed: 0 }),
    ).toBeUndefined();
  });
});
