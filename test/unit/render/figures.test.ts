import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { humanBytes, humanPart, humanTime } from '../../../src/render/figures.js';

describe('figures for people', () => {
  it.each([
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1.0K'],
    [10_239, '10K'],
    [1_048_575, '1.0M'],
    [734_003_200, '700M'],
    [1_288_490_188, '1.2G'],
    ['infinity' as const, 'infinity'],
  ])('%s bytes are %s', (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0ms'],
    [1500, '2ms'],
    [1_234_000, '1.2s'],
    [59_400_000, '59s'],
    [59_700_000, '1min'],
    [61_000_000, '1min 1s'],
    [5_400_000_000, '1h 30min'],
    [3_600_000_000, '1h'],
    [90_000_000_000, '1d 1h'],
  ])('%s µs are %s', (usec, text) => {
    expect(humanTime(usec)).toBe(text);
  });

  it('something that is not nothing is never 0 %', () => {
    expect(humanPart(0, 100)).toBe('0%');
    expect(humanPart(1, 1000)).toBe('<1%');
    expect(humanPart(50, 100)).toBe('50%');
    expect(humanPart(107, 100)).toBe('107%');
  });

  it('have few signs, whatever they say', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (figure) => {
        expect(humanBytes(figure)).toMatch(/^(\d\.\d|\d{1,4})[BKMGTPE]$/);
      }),
    );
  });
});
