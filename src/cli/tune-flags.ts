/** Which options of `tune` go together. */
import { UnavailableError, UsageError } from '../errors/index.js';
import { shellLine } from '../text/index.js';

/** Options of `tune` that are for profiles, and --dry-run. */
export interface ProfileFlags {
  'jobs-only': boolean;
  machine?: string | undefined;
  history: boolean;
  project?: string | undefined;
  apply: boolean;
  yes: boolean;
  'dry-run': boolean;
  picture?: boolean | undefined;
  run?: string | undefined;
  plot?: string | undefined;
}

/** @param run the one that was asked for */
export function nothingToDraw(run?: string): UnavailableError {
  const what = run === undefined ? 'no run of it' : `run ${run}`;
  return new UnavailableError(`there is nothing to draw: ${what} has its memory in the history`, {
    why: 'It is recorded while a command runs for some seconds or longer.',
    remedy: 'rlimit history',
  });
}

/** `--apply` in a pipe, without --yes. */
export function nobodyToAsk(name: string, { project }: ProfileFlags): UsageError {
  const where = project === undefined ? [] : ['--project', project];
  return new UsageError('--apply asks first, and there is nobody to ask', {
    why: 'Neither is there a terminal, nor was --yes given. Nothing was changed.',
    remedy: shellLine(['rlimit', 'tune', name, ...where, '--apply', '--yes']),
  });
}

/**
 * Makes sure that nothing is given with a unit that means something for profiles only.
 * @throws {UsageError}
 */
export function refuseAdvice(flags: ProfileFlags): void {
  const given = [
    ['--jobs-only', flags['jobs-only']],
    ['--machine', flags.machine !== undefined],
    ['--no-history', !flags.history],
    ['--project', flags.project !== undefined],
    ['--apply', flags.apply],
    ['--yes', flags.yes],
    ['--picture', flags.picture !== undefined],
    ['--run', flags.run !== undefined],
    ['--plot', flags.plot !== undefined],
  ].find(([, isGiven]) => isGiven);
  if (given === undefined) return;
  throw new UsageError(`${given[0]} is for profiles, and a unit was named`);
}

/**
 * Makes sure that what is given with a profile goes together.
 * @throws {UsageError}
 */
export function refuseChange(name: string, words: readonly string[], flags: ProfileFlags): void {
  const { apply, yes, history, machine, run, plot, picture } = flags;
  if (words.length > 0 || (flags['dry-run'] && !apply)) {
    throw new UsageError(`${JSON.stringify(name)} is a profile: only a running unit is changed`, {
      why: 'Units have a suffix: .scope, .service or .slice.',
      remedy: `rlimit inspect ${name} tells its units; for the profile itself: rlimit profile edit`,
    });
  }
  if (yes && !apply) throw new UsageError('--yes goes with --apply');
  if (apply && machine !== undefined) {
    throw new UsageError('--apply is for this machine: --machine does not go with it');
  }
  const drawing = apply || picture === true || run !== undefined || plot !== undefined;
  if (!history && drawing) {
    throw new UsageError('--no-history leaves nothing to draw, and nothing to apply');
  }
}
