/** `docker run` and `podman run` lines. */
import { shellQuote } from '../../text/index.js';
import { aboutProfile, header } from '../comment.js';
import { CONTAINER_NAME, nameFor } from '../names.js';
import { type Dictionary, translate } from '../translate.js';
import type { Format, Subject, Target } from '../types.js';
import { type ContainerWord, DOCKER, PODMAN, swapByDefault } from './container-words.js';
import { HEALTH, serviceOf } from './service.js';
import { continued, shellWord } from './words.js';

export const dockerRun: Format = runLine('docker', DOCKER);
export const podman: Format = runLine('podman', PODMAN);

function runLine(engine: 'docker' | 'podman', dictionary: Dictionary<ContainerWord>): Format {
  const format = engine === 'docker' ? 'docker-run' : 'podman';
  return {
    summary: `a \`${engine} run\` line`,
    many: false,
    uses: ['name', 'image', 'health', 'harden'],
    write: ([subject], target) => {
      if (subject === undefined) return { text: '', cannot: [] };
      const { said, notes, cannot } = translate(subject, dictionary);
      const service = serviceOf(subject, target);
      const about = aboutProfile(subject, { notes: [...notes, ...service.notes], cannot });
      const words = [
        ...options(subject, target, said),
        shellQuote(service.image),
        ...(service.restarts ? [] : ['"$@"']),
      ];
      const text = [
        ...header(format, [subject], target.machine, [
          service.restarts
            ? 'Started with: sh THIS-FILE'
            : 'Used as: sh THIS-FILE COMMAND ARGUMENTS',
        ]),
        ...about,
        continued(`exec ${engine} run`, words),
      ];
      return { text: `${text.join('\n')}\n`, cannot };
    },
  };
}

function options(subject: Subject, target: Target, said: readonly ContainerWord[]): string[] {
  const { limits } = subject;
  const find = (name: string) => limits.properties.find(({ property }) => property === name)?.value;
  const { health, restarts, harden } = serviceOf(subject, target);
  const { interval, timeout, retries, startPeriod } = HEALTH;
  const start = restarts
    ? ['--detach', '--restart=unless-stopped', `--name=${nameFor(subject, target, CONTAINER_NAME)}`]
    : ['--rm', '--interactive'];
  return [
    ...start,
    ...[...said, ...swapByDefault(find)].flatMap(({ args }) => args).map(shellQuote),
    ...(harden ? ['--cap-drop=ALL', '--security-opt=no-new-privileges'] : []),
    ...(health === undefined
      ? []
      : [
          shellQuote(`--health-cmd=${health}`),
          `--health-interval=${interval}s`,
          `--health-timeout=${timeout}s`,
          `--health-retries=${retries}`,
          `--health-start-period=${startPeriod}s`,
        ]),
    ...Object.entries(limits.environment).map(([name, value]) =>
      shellWord(`--env=${name}=${value}`),
    ),
  ];
}
