/** What a container needs besides limits: an image, a health check, whether it is started again. */
import { UsageError } from '../../errors/index.js';
import { checkImage } from '../names.js';
import type { Subject, Target } from '../types.js';

interface Service {
  image: string;
  /** Shell command; absent where none is known. */
  health?: string;
  /** A build ends by itself; a service is started again. */
  restarts: boolean;
  harden: boolean;
  notes: string[];
}

/** Images that the built-in service profiles are for, and what tells that they are well. */
const KNOWN: Readonly<Record<string, { image: string; health: string }>> = {
  ollama: { image: 'docker.io/ollama/ollama', health: 'ollama list' },
  'llama-cpp': {
    image: 'ghcr.io/ggml-org/llama.cpp:server',
    health: 'curl -fsS http://localhost:8080/health',
  },
};

/** A profile with a model of its jobs is for a build. */
export function serviceOf({ profile }: Subject, target: Target): Service {
  const known = Object.hasOwn(KNOWN, profile.name) ? KNOWN[profile.name] : undefined;
  const isBuild = profile.jobs !== undefined;
  const ownImage = target.image !== undefined && target.image !== known?.image;
  const image = checkImage(target.image ?? known?.image ?? `localhost/${profile.name}`);
  const health = checkHealth(target.health) ?? (ownImage ? undefined : known?.health);
  const notes = [
    ...(target.image === undefined && known === undefined
      ? [`the image is a name only: --image says which one`]
      : []),
    ...(health === undefined && !isBuild
      ? ['no health check: --health says what tells that it is well']
      : []),
  ];
  return {
    image,
    ...(health === undefined ? {} : { health }),
    restarts: !isBuild,
    harden: target.harden ?? true,
    notes,
  };
}

/** @throws {UsageError} for one that cannot stand on one line of a file */
function checkHealth(command: string | undefined): string | undefined {
  if (command === undefined || !/\p{Cc}|\\$|^\s*$/u.test(command)) return command;
  throw new UsageError('--health is a shell command on one line', { remedy: "--health 'true'" });
}

/** How often a service is asked, and when it counts as ill. */
export const HEALTH = { interval: 30, timeout: 10, retries: 3, startPeriod: 30 } as const;
