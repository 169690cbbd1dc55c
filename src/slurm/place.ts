/** What `--on slurm…` says: options for srun besides those that come from the profile. */
import { UsageError } from '../errors/index.js';
import { nearest } from '../text/nearest.js';

/** Options of srun(1) that choose where and how a job waits, and change nothing of its limits. */
const KEYS = [
  ...['account', 'begin', 'clusters', 'comment', 'constraint', 'deadline', 'dependency', 'exclude'],
  ...['gpus', 'gres', 'immediate', 'licenses', 'mail-type', 'mail-user', 'nice', 'nodelist'],
  ...['partition', 'priority', 'qos', 'reservation', 'wckey'],
];

/** What somebody who knows srun may try, and why it is none of these. */
const REFUSED: Readonly<Record<string, string>> = {
  mem: 'it comes from the profile: -p MemoryMax=20G',
  'mem-per-cpu': 'it comes from the profile: -p MemoryMax=20G',
  'cpus-per-task': 'it comes from the profile: -p CPUQuota=800%',
  time: 'it comes from the profile: -p RuntimeMaxSec=2h',
  ntasks: 'a run is one task on one node',
  nodes: 'a run is one task on one node',
  pty: 'on a pseudo-terminal all output is one stream, in which the report of the limits would stand; use srun --pty',
  output: 'output comes here as it does from a run on this machine: --log FILE, or >FILE',
  error: 'the stderr of the step brings the report of the limits: redirect that of rlimit',
  input: 'stdin is passed on: <FILE',
  label: 'it would change what the command writes',
};

/**
 * Reads the words of `--on`.
 * @returns KEY → value, to become `--KEY=VALUE`
 * @throws {UsageError} for another place than slurm, and for an option that is not passed on
 */
export function parsePlace(words: readonly string[]): Record<string, string> {
  const options: Record<string, string> = {};
  for (const word of words) {
    const colon = word.indexOf(':');
    const place = colon < 0 ? word : word.slice(0, colon);
    if (place !== 'slurm') {
      throw new UsageError(`--on ${JSON.stringify(place)}: the only place besides here is slurm`, {
        remedy: '--on slurm, --on slurm:partition=long',
      });
    }
    if (colon < 0) continue;
    // `nodelist=n1,n2,account=a`: a comma begins an option only where a name and `=` follow.
    for (const part of word.slice(colon + 1).split(/,(?=[a-z-]+=)/)) {
      const [key, value] = parsePart(part);
      options[key] = value;
    }
  }
  return options;
}

function parsePart(part: string): [key: string, value: string] {
  const equals = part.indexOf('=');
  const key = (equals < 0 ? part : part.slice(0, equals)).trim();
  const why = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
  if (why !== undefined) throw new UsageError(`--on slurm: ${key} cannot be given`, { why });
  if (!KEYS.includes(key)) {
    const [hint] = nearest(key, KEYS);
    throw new UsageError(`--on slurm: there is no option ${JSON.stringify(key)}`, {
      why: `${hint === undefined ? '' : `Did you mean ${hint}? `}The options are ${KEYS.join(', ')}.`,
      remedy: 'other options of srun: by its variables (SLURM_…), see srun(1)',
    });
  }
  const value = equals < 0 ? '' : part.slice(equals + 1);
  if (value !== '') return [key, value];
  throw new UsageError(`--on slurm: ${key} needs a value: --on slurm:${key}=…`);
}
