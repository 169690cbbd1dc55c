import { QuantityError } from './error.js';

const EXPECTED = 'addresses such as 10.0.0.0/8 or ::1, or any, localhost, link-local, multicast';

/** systemd's own names (systemd.resource-control(5), IPAddressAllow=). */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  any: ['0.0.0.0/0', '::/0'],
  localhost: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/64'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
};

/** A range of IP addresses: what has its first `prefix` bits. */
export interface AddressRange {
  /** 4 bytes, or 16. */
  bytes: number[];
  prefix: number;
}

/**
 * Reads a list of addresses, ranges and systemd's names for some. An empty text is the empty list.
 * @throws {QuantityError}
 */
export function parseAddresses(text: string): AddressRange[] {
  return text
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((word) => NAMES[word.toLowerCase()] ?? [word])
    .map((word) => parseRange(word, text));
}

/** Prints ranges in one form and order: bits behind the prefix are 0, as systemd has them. */
export function formatAddresses(ranges: readonly AddressRange[]): string {
  return [...new Set(ranges.map(formatRange))].sort().join(' ');
}

/** Whether an address is in any of the ranges. */
export function isAmong(address: string, ranges: readonly AddressRange[]): boolean {
  const { bytes } = parseRange(address, address);
  return ranges.some(
    (range) =>
      range.bytes.length === bytes.length &&
      masked(bytes, range.prefix).join() === masked(range.bytes, range.prefix).join(),
  );
}

function parseRange(word: string, text: string): AddressRange {
  const [, address = '', length] = /^([0-9a-f.:]{2,45})(?:\/(\d{1,3}))?$/i.exec(word) ?? [];
  const bytes = address.includes(':') ? sixteenBytes(address) : fourBytes(address);
  const most = (bytes?.length ?? 0) * 8;
  const prefix = length === undefined ? most : Number(length);
  if (bytes === undefined || prefix > most) throw new QuantityError(text, EXPECTED);
  return { bytes: masked(bytes, prefix), prefix };
}

function fourBytes(address: string): number[] | undefined {
  const parts = address.split('.');
  const isFine = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part));
  const bytes = parts.map(Number);
  return isFine && bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** RFC 4291, 2.2: eight groups, one run of zeros as `::`, an IPv4 address in place of the last two. */
function sixteenBytes(address: string): number[] | undefined {
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => groupBytes(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (tail === undefined) return head.length === 16 ? head : undefined;
  const gap = 16 - head.length - tail.length;
  return gap < 2 ? undefined : [...head, ...Array.from({ length: gap }, () => 0), ...tail];
}

function groupBytes(half: string): number[] | undefined {
  if (half === '') return [];
  const bytes: number[] = [];
  const groups = half.split(':');
  for (const [at, group] of groups.entries()) {
    const four = at === groups.length - 1 ? fourBytes(group) : undefined;
    if (four !== undefined) bytes.push(...four);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
}

function masked(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefix - at * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
}

function formatRange({ bytes, prefix }: AddressRange): string {
  if (bytes.length === 4) return `${bytes.join('.')}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  const joined = groups.join(':');
  const runs = [...joined.matchAll(/\b0(?::0)+\b/g)];
  const longest = runs.sort(([one], [other]) => other.length - one.length)[0];
  if (longest === undefined) return `${joined}/${prefix}`;
  const before = joined.slice(0, longest.index).replace(/:$/, '');
  const behind = joined.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${behind}/${prefix}`;
}
