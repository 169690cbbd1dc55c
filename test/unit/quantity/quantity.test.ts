import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCpuList,
  formatCpuQuota,
  formatPercent,
  formatShare,
  formatSpan,
  GiB,
  looksLikeShare,
  parseBytes,
  parseCpuList,
  parseCpuQuota,
  parsePercent,
  parseShare,
  parseSpan,
  parseTasks,
  parseWeight,
  QuantityError,
  roughBytes,
} from '../../../src/quantity/index.js';

const MINUTE = 60_000_000;

describe('what is printed is read back as the same value', () => {
  const kinds = {
    bytes: () => roundTrip(fc.maxSafeNat(), formatBytes, parseBytes),
    'CPU quotas': () =>
      roundTrip(
        fc.integer({ min: 1, max: 8192 * 10_000 }),
        (n) => formatCpuQuota(n * 100),
        (text) => Number(parseCpuQuota(text)) / 100,
      ),
    percentages: () => roundTrip(fc.nat(10_000_000), formatPercent, parsePercent),
    'time spans': () => roundTrip(fc.maxSafeNat(), formatSpan, parseSpan),
    weights: () =>
      roundTrip(fc.integer({ min: 1, max: 10_000 }), String, (text) => parseWeight(text)),
    tasks: () => roundTrip(fc.integer({ min: 1, max: 4_194_304 }), String, parseTasks),
    shares: () =>
      roundTrip(
        fc.record({
          permyriad: fc.integer({ min: 1, max: 1_000_000 }),
          of: fc.constantFrom('cores' as const, 'cpus' as const, 'memory' as const),
        }),
        formatShare,
        parseShare,
      ),
    'CPU lists': () =>
      roundTrip(
        fc.uniqueArray(fc.nat(8191), { maxLength: 60 }).map((all) => all.sort((a, b) => a - b)),
        formatCpuList,
        parseCpuList,
      ),
  };

  it.each(Object.entries(kinds))('%s', (_, check) => check());

  it('infinity', () => {
    expect(parseBytes(formatBytes('infinity'))).toBe('infinity');
    expect(parseCpuQuota(formatCpuQuota('infinity'))).toBe('infinity');
    expect(parseSpan(formatSpan('infinity'))).toBe('infinity');
  });

  function roundTrip<T>(
    values: fc.Arbitrary<T>,
    print: (value: T) => string,
    read: (text: string) => unknown,
  ) {
    fc.assert(
      fc.property(values, (value) => {
        expect(read(print(value))).toEqual(value);
      }),
    );
  }
});

it('nothing but a QuantityError is ever thrown, and soon', () => {
  const parsers = [
    parseBytes,
    parseCpuQuota,
    parsePercent,
    parseSpan,
    parseTasks,
    parseWeight,
    parseShare,
    parseCpuList,
  ];
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9. KMGTPE%smhof-]*$/),
    // A pattern that backtracks would need years for these.
    fc.integer({ min: 1, max: 5000 }).map((length) => `${'1'.repeat(length)}!`),
    fc.integer({ min: 1, max: 5000 }).map((length) => `${'1 '.repeat(length)}!`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of parsers) {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(QuantityError);
        }
      }
    }),
  );
});

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['150G', 150 * GiB],
    ['1.5G', 1.5 * GiB],
    ['0.5K', 512],
    ['512M', GiB / 2],
    ['1G 512M', 1.5 * GiB],
    ['1G512M', 1.5 * GiB],
    ['1 G', GiB],
    ['100B', 100],
    ['1T', 1024 * GiB],
    // A fraction of a byte is cut off.
    ['1.0001K', 1024],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each([
    '',
    ' ',
    'G',
    '1.5',
    '1,5G',
    '-1',
    '1e9',
    '0x10',
    '10g',
    '10GB',
    '10GiB',
    '1M 1G',
    '1G 1G',
    '16E',
    '9007199254740993',
    'Infinity',
    '9'.repeat(100_000),
  ])('not %.20s', (text) => expect(() => parseBytes(text)).toThrow(QuantityError));

  it.each([
    [161061273600, '150G'],
    [1228 * 1024 ** 2, '1228M'],
    [1000, '1000'],
    [0, '0'],
  ])('%d is printed as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [1.5 * GiB, '1.5G'],
    [252 * GiB, '252G'],
    [950 * 1024 ** 2, '950M'],
    [3006477107, '2.8G'],
  ])('%d is %s to a reader', (bytes, text) => expect(roughBytes(bytes)).toBe(text));
});

describe('CPU quotas', () => {
  it.each([
    ['2700%', 27_000_000],
    ['12.5%', 125_000],
    ['0.01%', 100],
    [' 50% ', 500_000],
    ['infinity', 'infinity'],
  ])('%s', (text, usec) => expect(parseCpuQuota(text)).toBe(usec));

  it.each(['', '0%', '0.00%', '50', '50 %', '-5%', '0.001%', '5%%', '1e3%', '99999999999999999%'])(
    'not %s',
    (text) => expect(() => parseCpuQuota(text)).toThrow(QuantityError),
  );
});

describe('time spans', () => {
  it.each([
    ['5', 5_000_000],
    ['30s', 30_000_000],
    ['1h 30min', 90 * MINUTE],
    ['1h30min', 90 * MINUTE],
    ['2 days 4 hours', 52 * 60 * MINUTE],
    ['1.5min', 1.5 * MINUTE],
    ['250ms', 250_000],
    ['5us', 5],
    ['5µs', 5],
    ['0', 0],
    // A month is M, a minute is m.
    ['1m', MINUTE],
    ['1M', 2_629_800_000_000],
  ])('%s', (text, usec) => expect(parseSpan(text)).toBe(usec));

  it.each(['', 's', '5x', '5 parsecs', '-5s', '1h-', '5s!', '999999999999y'])('not %s', (text) =>
    expect(() => parseSpan(text)).toThrow(QuantityError),
  );

  it.each([
    [5_400_000_000, '1h 30min'],
    [4_000_000, '4s'],
    [0, '0'],
  ])('%d is printed as %s', (usec, text) => expect(formatSpan(usec)).toBe(text));
});

describe('weights and tasks', () => {
  it.each([
    ['1', 1],
    ['10000', 10_000],
  ])('weight %s', (text, weight) => expect(parseWeight(text)).toBe(weight));
  it.each(['', '0', '10001', '1.5', '-1', 'idle', '1e3'])('no weight: %s', (text) =>
    expect(() => parseWeight(text)).toThrow(QuantityError),
  );
  it('idle is a weight where it is asked for', () =>
    expect(parseWeight('idle', { idle: true })).toBe('idle'));
  it('systemd refuses TasksMax=0', () => expect(() => parseTasks('0')).toThrow(QuantityError));
});

describe('shares', () => {
  it.each([
    ['75% of cores', { permyriad: 7500, of: 'cores' }],
    ['  12.5%   of   memory ', { permyriad: 1250, of: 'memory' }],
    ['100% of cpus', { permyriad: 10_000, of: 'cpus' }],
  ])('%s', (text, share) => expect(parseShare(text)).toEqual(share));

  it.each([
    '75% of',
    'of cores',
    '75 of cores',
    '0% of cores',
    '75% of disk',
    '75% of cores of cpus',
  ])('not %s, though it looks like one', (text) => {
    expect(looksLikeShare(text)).toBe(true);
    expect(() => parseShare(text)).toThrow(QuantityError);
  });
});

describe('CPU lists', () => {
  it.each([
    ['0-7', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['3,1 2', [1, 2, 3]],
    ['1-2,2-3', [1, 2, 3]],
    ['', []],
  ])('%s', (text, cpus) => expect(parseCpuList(text)).toEqual(cpus));

  it.each(['a', '3-1', '-1', '1-', '0-99999999', '1.5'])('not %s', (text) =>
    expect(() => parseCpuList(text)).toThrow(QuantityError),
  );
});

it('a message is never as long as a hostile text', () => {
  expect(() => parseBytes('x'.repeat(100_000))).toThrow(/^.{0,200}$/);
});
