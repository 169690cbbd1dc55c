/** Jobs that do not fit into the memory they have together. */
import { jobMemory } from '../profiles/resolve.js';
import { roughBytes } from '../quantity/index.js';
import { askedJobs } from './asked-jobs.js';
import type { Lint, Subject } from './subject.js';

/**
 * Counted at the usual figure of one job. That some jobs are heavier is no mistake of the profile:
 * `rlimit tune` tells how many of those fit.
 */
export function lintJobs({ profile, limits, machine }: Subject): Lint[] {
  const model = profile.jobs;
  if (model === undefined) return [];
  const size = model.memory.low;
  const memory = jobMemory(limits, machine);
  const fit = Math.floor(memory.bytes / size);
  const remedy = `a larger MemoryMax; jobs.memory as your jobs really are; or rlimit tune ${profile.name}`;
  if (fit < 1) {
    return [
      {
        id: 'jobs-above-memory',
        severity: 'warning',
        key: 'jobs.memory',
        message: `one job takes ${roughBytes(size)}, more than ${memory.name}`,
        why: 'It would be killed however few run beside it, if it is as large as the profile says.',
        remedy,
      },
    ];
  }
  return askedJobs(profile)
    .filter(({ jobs }) => jobs > fit)
    .map(({ jobs, key, text }) => ({
      id: 'jobs-above-memory',
      severity: 'warning',
      key,
      message:
        `${text} is more jobs than fit: ${jobs} of ${roughBytes(size)} want ` +
        `${roughBytes(jobs * size)}, and ${memory.name} holds ${fit}`,
      why: 'The limit is reached by the build as a whole, and the kernel kills one of its jobs.',
      remedy: key.startsWith('environment.')
        ? `\${jobs} in place of the number; or ${remedy}`
        : remedy,
    }));
}
