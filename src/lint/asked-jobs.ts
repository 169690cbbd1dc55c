/** How many jobs a profile asks for, wherever it says a number. */
import type { Profile } from '../model/index.js';
import { nixSettings } from './nix.js';

/** A number of jobs that stands in the profile. */
export interface AskedJobs {
  jobs: number;
  /** Where, as in `Profile.origins`: `environment.CARGO_BUILD_JOBS`. */
  key: string;
  /** As it is written there. */
  text: string;
}

/** Variables that hold the number of jobs of a build tool, and not of threads in one program. */
const JOB_VARIABLES = [
  'BUNDLE_JOBS',
  'CARGO_BUILD_JOBS',
  'CMAKE_BUILD_PARALLEL_LEVEL',
  'CTEST_PARALLEL_LEVEL',
  'DUNE_JOBS',
  'JOBS',
  'MAX_JOBS',
  'UV_CONCURRENT_BUILDS',
  'VITEST_MAX_WORKERS',
];

/** `-j8`, `-j 8`, `--jobs=8` on a command line. */
const JOBS_OPTION = /(?:^|\s)(?:-j\s*|--jobs[= ])(\d{1,5})(?=\s|$)/;

/** Every fixed number; what says `${jobs}` gets the recommended one, which fits. */
export function askedJobs({ jobs, environment }: Profile): AskedJobs[] {
  const asked: AskedJobs[] = [];
  if (typeof jobs?.pick === 'number') {
    asked.push({ jobs: jobs.pick, key: 'jobs.pick', text: `pick: ${jobs.pick}` });
  }
  addOption(asked, 'jobs.command', jobs?.command ?? '');
  for (const [name, value] of Object.entries(environment)) {
    const key = `environment.${name}`;
    if (JOB_VARIABLES.includes(name) && /^\d{1,5}$/.test(value)) {
      asked.push({ jobs: Number(value), key, text: `${name}=${value}` });
    }
    if (name === 'MAKEFLAGS') addOption(asked, key, value);
    const most = name === 'NIX_CONFIG' ? nixSettings(value)['max-jobs'] : undefined;
    if (typeof most === 'number') asked.push({ jobs: most, key, text: `max-jobs = ${most}` });
  }
  return asked;
}

function addOption(asked: AskedJobs[], key: string, text: string): void {
  const [option, count] = JOBS_OPTION.exec(text) ?? [];
  if (option !== undefined) asked.push({ jobs: Number(count), key, text: option.trim() });
}
