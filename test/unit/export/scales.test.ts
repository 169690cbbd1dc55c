import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blkioOfIoWeight,
  cpuWeightOfShares,
  ioWeightOfBlkio,
  sharesOfCpuWeight,
} from '../../../src/export/scales.js';

describe('blkio weight and io.weight', () => {
  it('are converted as the runtimes do', () => {
    expect([10, 500, 1000].map(ioWeightOfBlkio)).toEqual([1, 4950, 10_000]);
    // The priorities of the model servers: high, medium, low.
    expect([100, 80, 50].map(blkioOfIoWeight)).toEqual([20, 18, 15]);
  });

  it('the nearest there is, never out of range, and the order is kept', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (weight) => {
        const blkio = blkioOfIoWeight(weight);
        expect(blkio).toBeGreaterThanOrEqual(10);
        expect(blkio).toBeLessThanOrEqual(1000);
        // One step of blkio is 10.1 of io.weight.
        expect(Math.abs(ioWeightOfBlkio(blkio) - weight)).toBeLessThanOrEqual(6);
      }),
    );
  });
});

describe('CPU shares and cpu.weight', () => {
  it('agree at the ends and at the default', () => {
    expect([2, 1024, 262_144].map(cpuWeightOfShares)).toEqual([1, 100, 10_000]);
    expect(sharesOfCpuWeight(100)).toBe(1024);
  });

  it('there and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (weight) => {
        const there = cpuWeightOfShares(sharesOfCpuWeight(weight));
        expect(there).toBeLessThanOrEqual(weight);
        expect(there).toBeGreaterThanOrEqual(weight - Math.max(1, weight / 50));
      }),
    );
  });
});
