/** A Compose file: services with their limits (the Compose Specification). */
import { stringify } from 'yaml';
import { isObject } from '../../state/check.js';
import { aboutProfile, header } from '../comment.js';
import { CONTAINER_NAME, nameFor, refuseOneForMany } from '../names.js';
import { finder, translate } from '../translate.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { COMPOSE, swapByDefault } from './container-words.js';
import { HEALTH, serviceOf } from './service.js';

export const compose: Format = {
  summary: 'services of a Compose file',
  many: true,
  uses: ['name', 'image', 'health', 'harden'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['name', 'image', 'health']);
    const parts = subjects.map((subject) => service(subject, target));
    const text = [
      ...header('docker-compose', subjects, target.machine, [
        'For docker compose up and podman-compose. docker stack deploy reads deploy.resources only.',
      ]),
      'services:',
      ...parts.flatMap(({ about, name, body }) => [
        ...about.map((line) => `  ${line}`),
        ...indent(yaml({ [name]: literal(body) })),
      ]),
    ];
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

interface Part {
  name: string;
  about: string[];
  body: Record<string, unknown>;
  cannot: Cannot[];
}

function service(subject: Subject, target: Target): Part {
  const { limits } = subject;
  const { said, notes, cannot } = translate(subject, COMPOSE);
  const { image, health, restarts, harden, notes: more } = serviceOf(subject, target);
  const words = [...said, ...swapByDefault(finder(limits))].map((each) => each.compose);
  const hasVariables = Object.keys(limits.environment).length > 0;
  const body = {
    image,
    restart: restarts ? 'unless-stopped' : 'no',
    ...words.reduce(merge, {}),
    ...(harden ? { cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] } : {}),
    ...(health === undefined ? {} : { healthcheck: healthCheck(health) }),
    ...(!hasVariables
      ? {}
      : {
          environment: limits.environment,
        }),
  };
  const about = aboutProfile(subject, { notes: [...notes, ...more], cannot });
  return { name: nameFor(subject, target, CONTAINER_NAME), about, body, cannot };
}

function healthCheck(command: string): Record<string, unknown> {
  return {
    test: ['CMD-SHELL', command],
    interval: `${HEALTH.interval}s`,
    timeout: `${HEALTH.timeout}s`,
    retries: HEALTH.retries,
    start_period: `${HEALTH.startPeriod}s`,
  };
}

/** Compose puts variables in place of `$NAME` in every value, but not in keys. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(literal);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, literal(each)]));
}

/** Mappings are laid over each other, lists put behind each other. */
function merge(
  into: Record<string, unknown>,
  from: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const before = result[key];
    if (isObject(before) && isObject(value)) result[key] = merge(before, value);
    else result[key] = value;
  }
  return result;
}

/** Text that YAML 1.1 would read as something else (`no`, `0-7`, `1:30`) is quoted as well. */
export function yaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

export function indent(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd());
}
