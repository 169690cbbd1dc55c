/**
 * Properties as D-Bus carries them: StartTransientUnit takes each one in the type that the manager
 * has it in (org.freedesktop.systemd1(5)), and not in the syntax of unit files. Pure.
 */
import type { LeftOut } from '../model/index.js';
import {
  checkValue,
  isPropertyName,
  type PropertyName,
  propertySpec,
  shownName,
  type ValueKind,
} from '../properties/index.js';
import {
  parseAddresses,
  parseCpuList,
  parsePercent,
  parseRate,
  QuantityError,
} from '../quantity/index.js';

/** One property: name on D-Bus, signature, and the words in which busctl(1) takes the value. */
export interface BusProperty {
  name: string;
  signature: string;
  words: string[];
}

/** What can be carried, and what cannot, with the reason. */
export interface BusProperties {
  properties: BusProperty[];
  leftOut: LeftOut[];
}

const NO_FORM = 'it has no form in which the service manager takes it over D-Bus';

/** UINT64_MAX stands for infinity: `no limit` for sizes and counts, `never` for times. */
const INFINITY = '18446744073709551615';
const UINT32_MAX = 2n ** 32n - 1n;

/**
 * Turns properties in systemd's syntax, as `compileProperties` gives them, into what the bus takes.
 * @param properties systemd property name → value; an empty value means none
 */
export function busProperties(properties: Readonly<Record<string, string>>): BusProperties {
  const result: BusProperties = { properties: [], leftOut: [] };
  for (const [property, text] of Object.entries(properties)) {
    const marshalled = isPropertyName(property) ? marshal(property, text) : undefined;
    if (marshalled !== undefined) result.properties.push(marshalled);
    else result.leftOut.push({ property, wish: text, why: NO_FORM });
  }
  return result;
}

/** `NAME SIGNATURE VALUE…`, the words of one element of an a(sv). */
export function busWords({ name, signature, words }: BusProperty): string[] {
  return [name, signature, ...words];
}

type Marshalled = Omit<BusProperty, 'name'>;

function marshal(property: PropertyName, text: string): BusProperty | undefined {
  const value = marshalValue(property, text);
  return value && { name: shownName(property), ...value };
}

function marshalValue(property: PropertyName, text: string): Marshalled | undefined {
  const { kind } = propertySpec(property);
  if (text.trim() === '') return none(kind);
  // Of memory that is not known here: the manager has other properties for it (MemoryMaxScale).
  if (kind === 'bytes' && text.trim().endsWith('%')) return undefined;
  const value = checkValue(property, text);
  return typeof kind === 'string' ? BY_KIND[kind](value) : word(value.text);
}

/** What is sent for an empty value: no limit, where that can be said. */
function none(kind: ValueKind): Marshalled | undefined {
  return kind === 'cpu-quota' || kind === 'span' || kind === 'tasks'
    ? unsigned(INFINITY)
    : undefined;
}

type Checked = ReturnType<typeof checkValue>;

const BY_KIND: Record<ValueKind & string, (value: Checked) => Marshalled> = {
  bytes: amount,
  'cpu-quota': amount,
  // `idle` is the weight 0 on D-Bus (CGROUP_WEIGHT_IDLE).
  'cpu-weight': (value) => (value.amount === 'idle' ? unsigned('0') : amount(value)),
  'io-weight': amount,
  tasks: amount,
  'cpu-list': ({ text }) => bitMask(parseCpuList(text)),
  span: amount,
  boolean: ({ text }) => ({ signature: 'b', words: [text] }),
  addresses: ({ text }) => addresses(text),
  percent: ({ text }) => partOfUint32(parsePercent(text)),
  'io-device-weight': ({ text }) => device(text, Number),
  'io-device-bytes': ({ text }) => device(text, parseRate),
  'io-device-count': ({ text }) => device(text, parseRate),
};

function amount({ amount: value }: Checked): Marshalled {
  return unsigned(value === 'infinity' ? INFINITY : String(value));
}

function unsigned(value: string): Marshalled {
  return { signature: 't', words: [value] };
}

function word(value: string): Marshalled {
  return { signature: 's', words: [value] };
}

/** CPU n is bit n mod 8 of byte n div 8 (cpu_set_to_dbus in systemd's src/shared/cpu-set-util.c). */
function bitMask(cpus: readonly number[]): Marshalled {
  const bytes = Array.from({ length: Math.floor(Math.max(...cpus) / 8) + 1 }, () => 0);
  for (const cpu of cpus) {
    const at = Math.floor(cpu / 8);
    bytes[at] = (bytes[at] ?? 0) | (1 << (cpu % 8));
  }
  return { signature: 'ay', words: [String(bytes.length), ...bytes.map(String)] };
}

/** a(iayu): AF_INET or AF_INET6, the bytes of the address, the length of the prefix. */
function addresses(text: string): Marshalled {
  const ranges = parseAddresses(text);
  const words = ranges.flatMap(({ bytes, prefix }) => [
    ...[bytes.length === 4 ? 2 : 10, bytes.length, ...bytes, prefix].map(String),
  ]);
  return { signature: 'a(iayu)', words: [String(ranges.length), ...words] };
}

/** Parts of the whole as parts of 2^32-1, rounded (UINT32_SCALE_FROM_PERMYRIAD). */
function partOfUint32(permyriad: number): Marshalled {
  const scaled = (BigInt(permyriad) * UINT32_MAX + 5000n) / 10_000n;
  return { signature: 'u', words: [String(scaled)] };
}

/** `/dev/vda 10M` as one element of a(st). */
function device(text: string, read: (value: string) => number | 'infinity'): Marshalled {
  const [, path = '', value = ''] = /^(\S+) (\S+)$/.exec(text) ?? [];
  if (path === '') throw new QuantityError(text, 'a device and a value');
  const figure = read(value);
  return {
    signature: 'a(st)',
    words: ['1', path, figure === 'infinity' ? INFINITY : String(figure)],
  };
}
