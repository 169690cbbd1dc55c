import { describe, expect, it } from 'vitest';
import { rates } from '../../../src/watch/rates.js';
import { type Sample, sampleOf } from '../../../src/watch/sample.js';

const sample = (atMs: number, files: Record<string, string>): Sample => sampleOf(files, atMs);
const cpu = (usage: number, periods: number, throttled: number) =>
  `usage_usec ${usage}\nuser_usec 0\nsystem_usec 0\nnr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_usec 0`;
const psi = (total: number) =>
  `some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=${total}`;

describe('rates', () => {
  it('are of the time between two samples', () => {
    const before = sample(1000, { 'cpu.stat': cpu(1e6, 100, 10), 'memory.pressure': psi(5e5) });
    const now = sample(3000, { 'cpu.stat': cpu(6e6, 120, 15), 'memory.pressure': psi(1.5e6) });
    expect(rates(before, now)).toEqual({
      seconds: 2,
      cores: 2.5,
      throttledPart: 0.25,
      memoryStallPart: 0.5,
    });
  });

  it('leave out what is not told, and what is of another cgroup', () => {
    const before = sample(0, { 'cpu.stat': 'usage_usec 900' });
    expect(rates(before, sample(1000, {}))).toEqual({ seconds: 1 });
    expect(rates(before, sample(1000, { 'cpu.stat': 'usage_usec 5' }))).toEqual({ seconds: 1 });
    expect(rates(before, before)).toEqual({ seconds: 0 });
  });

  it('have no throttled part above 1, and 0 without a period', () => {
    const at = (atMs: number, periods: number, throttled: number) =>
      sample(atMs, { 'cpu.stat': cpu(0, periods, throttled) });
    expect(rates(at(0, 0, 0), at(1000, 0, 0)).throttledPart).toBe(0);
    expect(rates(at(0, 0, 0), at(1000, 2, 3)).throttledPart).toBe(1);
  });
});
