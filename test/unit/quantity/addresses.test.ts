import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAddresses,
  isAmong,
  parseAddresses,
  QuantityError,
} from '../../../src/quantity/index.js';

const canonical = (text: string) => formatAddresses(parseAddresses(text));

describe('addresses', () => {
  it.each([
    ['', ''],
    ['localhost', '127.0.0.0/8 ::1/128'],
    // In the order in which systemd 257 shows them.
    ['::1/128 127.0.0.0/8', '127.0.0.0/8 ::1/128'],
    ['ANY', '0.0.0.0/0 ::/0'],
    ['10.1.2.3/8  10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['link-local multicast', '169.254.0.0/16 224.0.0.0/4 fe80::/64 ff00::/8'],
    ['2001:DB8:0:0:1::/80', '2001:db8:0:0:1::/80'],
    ['::ffff:192.0.2.1', '::ffff:c000:201/128'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3/128'],
  ])('%j is %j', (text, written) => {
    expect(canonical(text)).toBe(written);
    expect(canonical(written)).toBe(written);
  });

  it.each([
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1/33',
    '::1/129',
    '1::2::3',
    ':::',
    '1:2:3',
    'example.org',
    '10.0.0.0/8,::1',
    '/8',
    '01.2.3.4',
  ])('%j is refused', (text) => {
    expect(() => parseAddresses(text)).toThrow(QuantityError);
  });

  it('of every form come back as they were', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(isAmong(address, parseAddresses(canonical(address)))).toBe(true);
        expect(isAmong(address, parseAddresses('any'))).toBe(true);
      }),
    );
  });

  it('are among ranges of their own kind', () => {
    expect(isAmong('127.9.9.9', parseAddresses('localhost'))).toBe(true);
    expect(isAmong('128.0.0.1', parseAddresses('localhost'))).toBe(false);
    expect(isAmong('::1', parseAddresses('0.0.0.0/0'))).toBe(false);
    expect(isAmong('10.0.0.1', [])).toBe(false);
  });
});
