import { CONTROLLERS } from '../cgroup/parse.js';
import { UsageError } from '../errors/index.js';
import type { Controller, Machine, SwapMedium } from '../model/index.js';
import { parseBytes, QuantityError } from '../quantity/index.js';
import { nearest } from '../text/nearest.js';

const MEDIA: readonly SwapMedium[] = ['zram', 'solid-state', 'rotational'];

/** Each key of `--machine` and how its value is read. */
const KEYS = {
  cores: (text: string) => ({ cores: parseCount(text, 'a number of cores') }),
  cpus: (text: string) => ({ cpus: parseCount(text, 'a number of CPUs') }),
  memory: (text: string) => ({ memory: parseSize(text, 1) }),
  swap: (text: string) => ({ swap: parseSize(text, 0) }),
  'swap-on': (text: string) => ({ swapOn: parseMedium(text) }),
  systemd: (text: string) => ({ systemd: parseCount(text, 'a version of systemd such as 257') }),
  controllers: (text: string) => ({ controllers: parseControllers(text) }),
} satisfies Record<string, (text: string) => Partial<Machine>>;

/**
 * Reads what `--machine` says of another machine, such as `cores=36,memory=252G`. What it does not
 * say stays as it is here, but for `cpus`, which follow `cores`: a machine without hyper-threads is
 * the cautious guess.
 * @throws {UsageError} for a key or a value that is none, with the known keys
 */
export function parseMachineOverride(text: string, machine: Machine): Machine {
  const given: Partial<Machine> = {};
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    Object.assign(given, readPart(part.trim()));
  }
  if (Object.keys(given).length === 0) throw usage('--machine says nothing of a machine');
  const cpus = given.cpus ?? given.cores ?? machine.cpus;
  const cores = given.cores ?? Math.min(machine.cores, cpus);
  if (cpus < cores) {
    throw usage(`--machine: ${cores} cores cannot have fewer CPUs than that (${cpus})`);
  }
  return { ...machine, ...given, cores, cpus };
}

function readPart(part: string): Partial<Machine> {
  const equals = part.indexOf('=');
  const key = equals < 0 ? part : part.slice(0, equals).trim();
  if (!Object.hasOwn(KEYS, key)) {
    const [hint] = nearest(key, Object.keys(KEYS));
    const guess = hint === undefined ? '' : `; did you mean ${hint}?`;
    throw usage(`--machine: there is no key ${JSON.stringify(key)}${guess}`);
  }
  if (equals < 0) throw usage(`--machine: ${key} needs a value, as in ${key}=…`);
  try {
    return KEYS[key as keyof typeof KEYS](part.slice(equals + 1).trim());
  } catch (error) {
    if (error instanceof QuantityError) throw usage(`--machine: ${key}: ${error.message}`);
    throw error;
  }
}

function usage(message: string): UsageError {
  return new UsageError(message, {
    why: `The keys are ${Object.keys(KEYS).join(', ')}.`,
    remedy: '--machine cores=36,memory=252G',
  });
}

function parseCount(text: string, expected: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new QuantityError(text, expected);
  return count;
}

function parseSize(text: string, least: number): number {
  const bytes = parseBytes(text);
  if (bytes === 'infinity' || bytes < least) throw new QuantityError(text, 'a size such as 252G');
  return bytes;
}

function parseMedium(text: string): SwapMedium {
  const medium = MEDIA.find((each) => each === text);
  if (medium === undefined) throw new QuantityError(text, MEDIA.join(', '));
  return medium;
}

/** `cpu+memory+pids`, since the comma separates keys. */
function parseControllers(text: string): Controller[] {
  const names = text.split('+');
  const known = CONTROLLERS.filter((controller) => names.includes(controller));
  if (known.length !== new Set(names).size) {
    throw new QuantityError(text, 'a list of controllers such as cpu+memory+pids');
  }
  return known;
}
