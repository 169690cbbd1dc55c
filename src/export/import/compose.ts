/** A service of a Compose file (the Compose Specification). Pure. */
import { parse } from 'yaml';
import { UnknownNameError, UsageError } from '../../errors/index.js';
import { isObject } from '../../state/check.js';
import { type Mapping, PLAIN, type Word, wordsOf } from './compose-words.js';
import { environmentOf, valueTrouble } from './settings.js';
import type { Found, NotCarried } from './types.js';

/**
 * Reads the limits of one service.
 * @param wanted its name; the only one where it is not given
 * @throws {UsageError} for a text that is no Compose file
 * @throws {UnknownNameError} for a service that is not there
 */
export function fromCompose(text: string, source: string, wanted?: string): Found {
  const services = servicesOf(text, source);
  const names = Object.keys(services);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) {
    throw new UsageError(`${source} has ${names.length} services`, {
      why: `They are ${names.join(', ')}.`,
      remedy: `--service ${names[0] ?? 'NAME'}`,
    });
  }
  if (!Object.hasOwn(services, name)) throw new UnknownNameError('service', name, names);
  const service = services[name];
  if (!isObject(service)) throw new UsageError(`service ${name} of ${source} is no mapping`);
  const limits: Record<string, string> = {};
  const notCarried: NotCarried[] = [];
  const notes: string[] = [];
  for (const word of [...wordsOf(service), ...otherKeys(service)]) {
    const trouble = word.property === undefined ? word.why : troubleWith(word);
    if (trouble !== undefined) notCarried.push({ what: word.key, why: trouble });
    else if (word.property !== undefined) limits[word.property] = word.value;
    if (trouble === undefined && word.note !== undefined) notes.push(`${word.key}: ${word.note}`);
  }
  const variables = environmentOf(variablesOf(service.environment));
  return {
    source: `service ${name} of ${source}`,
    name,
    limits,
    environment: variables.environment,
    notCarried: [...notCarried, ...variables.notCarried],
    notes,
  };
}

const MOST_BYTES = 256 * 1024;

function servicesOf(text: string, source: string): Mapping {
  if (text.length > MOST_BYTES) throw new UsageError(`${source} is too large for a Compose file`);
  let data: unknown;
  try {
    data = parse(text, { merge: true, maxAliasCount: 100, logLevel: 'error' });
  } catch (error) {
    const [first] = String((error as Error).message).split('\n');
    throw new UsageError(`${source} is no YAML that can be read`, { why: first ?? '' });
  }
  const services = isObject(data) ? data.services : undefined;
  if (isObject(services) && Object.keys(services).length > 0) return services;
  throw new UsageError(`${source} has no services`, {
    why: 'A Compose file has its containers below the key services.',
  });
}

const READ = new Set([
  ...Object.keys(PLAIN),
  ...['memswap_limit', 'cpu_quota', 'cpu_period', 'blkio_config', 'environment'],
]);

const WHY: Readonly<Record<string, string>> = {
  mem_swappiness: 'cgroup v2 has none',
  oom_kill_disable: 'cgroup v2 has none',
  oom_score_adj: 'it is of processes: `choom` in front of the command',
  ulimits: 'they are limits of each process, not of all together',
  cap_drop: 'profiles take no privileges away (rlimit export --harden does)',
  security_opt: 'profiles take no privileges away (rlimit export --harden does)',
  extends: 'what it extends is not read: name that service',
  cpu_percent: 'it is for Windows',
  cpu_count: 'it is for Windows',
};

function otherKeys(service: Mapping): Word[] {
  return Object.keys(service)
    .filter((key) => !READ.has(key) && !(key === 'deploy' && isObject(service.deploy)))
    .map((key) => ({ key, why: Object.hasOwn(WHY, key) ? (WHY[key] ?? '') : 'it is no limit' }));
}

function troubleWith({ property, value }: { property: string; value: string }): string | undefined {
  return valueTrouble(property, value);
}

/** A mapping, or a list of `NAME=VALUE`; `$$` is a `$`. */
function variablesOf(value: unknown): [string, string][] {
  const pairs: [string, unknown][] = Array.isArray(value)
    ? value.map((each) => {
        const [, name = '', text] = /^([^=]*)=?([\s\S]*)$/.exec(String(each)) ?? [];
        return [name, text];
      })
    : Object.entries(isObject(value) ? value : {});
  return pairs
    .filter(([, text]) => text !== null)
    .map(([name, text]) => [name, String(text).replaceAll('$$', '$')]);
}
