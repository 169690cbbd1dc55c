import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { realDirectory } from '../cli/directory.js';
import { UnknownNameError, UsageError } from '../errors/index.js';
import {
  findRun,
  latest,
  nameRuns,
  type ProfileTotals,
  parseMoment,
  type Run,
  type Selection,
  selectRuns,
  type Totals,
  totalsByProfile,
  totalsOf,
  VERDICTS,
} from '../history/index.js';
import { listProfileNames, processPlaces } from '../profiles/index.js';
import { renderOneRun, renderRuns, renderSkipped, renderTotals } from '../render/history.js';
import { historyFile, readHistory, removeHistory, type SkippedLine } from '../state/index.js';

/** Runs that fit, oldest first. */
interface RunList {
  runs: Run[];
  /** How many fit, shown or not. */
  fitting: number;
  skipped: SkippedLine[];
}

interface TotalsReport {
  profiles: ProfileTotals[];
  all: Totals;
  skipped: SkippedLine[];
}

interface Cleared {
  file: string;
  /** Runs that are gone. */
  cleared: number;
}

/** Runs that are listed where nothing else is asked for. */
const DEFAULT_LIMIT = 20;

export default class History extends BaseCommand {
  static override summary = 'Show earlier runs: how they ended and what they used.';
  static override description =
    'Lists the latest runs in the order in which they ended, the newest last, right above the ' +
    'prompt. RUN shows one in full: it is the ID of the list, any end of it that is unique, or the ' +
    'name of a unit (its latest run).\n' +
    'TIME is from start to end, MEM the most memory at one time, CPU the CPU time.\n' +
    'SINCE and UNTIL are 30min, 2h or 3d (ago), today, yesterday, 14:30, 2026-11-20 or ' +
    '"2026-11-20 14:30"; --until 2026-11-20 includes that day.\n' +
    'The history is kept in $XDG_STATE_HOME/rlimit/history.jsonl (~/.local/state), with all that a ' +
    'command line says, readable for you alone; the oldest of some thousand runs fall out of it.';
  static override examples = [
    '<%= config.bin %> history --failed --since yesterday',
    '<%= config.bin %> history --profile coq-standard --verdict memory-max',
    '<%= config.bin %> history 3k2j1x',
    '<%= config.bin %> history --totals --here',
  ];
  static override args = {
    run: Args.string({ description: 'show this run in full' }),
  };
  static override flags = {
    profile: Flags.string({ description: 'only runs under that profile', helpValue: 'NAME' }),
    verdict: Flags.string({
      description: 'only runs that ended so',
      helpValue: 'ID',
      options: VERDICTS,
    }),
    failed: Flags.boolean({ description: 'only what did not end with status 0' }),
    since: Flags.string({ description: 'only what was started then or later', helpValue: 'SINCE' }),
    until: Flags.string({ description: 'only what was started before', helpValue: 'UNTIL' }),
    cwd: Flags.string({ description: 'only runs in that directory or below', helpValue: 'DIR' }),
    here: Flags.boolean({ description: 'the same as --cwd .', exclusive: ['cwd'] }),
    limit: Flags.integer({
      description: `only so many of the latest; 0 is all (default: ${DEFAULT_LIMIT}; --totals: all)`,
      helpValue: 'N',
      min: 0,
    }),
    totals: Flags.boolean({ description: 'sum the runs up by profile' }),
    clear: Flags.boolean({ description: 'forget all runs for good' }),
    yes: Flags.boolean({ description: 'with --clear: do it', dependsOn: ['clear'] }),
  };

  async run(): Promise<RunList | TotalsReport | Run | Cleared> {
    const { args, flags } = await this.parse(History);
    const { run: name } = args;
    const { clear, yes, totals, limit } = flags;
    refuseMix(name, flags);
    const { outcomes, skipped } = readHistory();
    for (const text of renderSkipped(skipped)) this.remark(`rlimit: warning: ${text}`);
    const runs = nameRuns(outcomes);
    if (clear) return this.clear(runs.length, yes);
    if (name !== undefined) return this.one(findRun(runs, name));
    const selected = selectRuns(runs, await selectionOf(flags, runs));
    if (totals) return this.totals(latest(selected, limit ?? 0), skipped);
    return this.list(selected, limit ?? DEFAULT_LIMIT, skipped);
  }

  private list(selected: readonly Run[], limit: number, skipped: SkippedLine[]): RunList {
    const runs = latest(selected, limit);
    this.say(renderRuns(runs));
    if (runs.length < selected.length) {
      this.remark(`The latest ${runs.length} of ${selected.length} runs; --limit 0 shows all.`);
    }
    return { runs, fitting: selected.length, skipped };
  }

  private one(run: Run): Run {
    this.say(renderOneRun(run));
    return run;
  }

  private totals(runs: readonly Run[], skipped: SkippedLine[]): TotalsReport {
    const report = { profiles: totalsByProfile(runs), all: totalsOf(runs), skipped };
    this.say(renderTotals(report.profiles, report.all));
    return report;
  }

  private clear(count: number, yes: boolean): Cleared {
    const file = historyFile();
    const runs = count === 1 ? '1 run' : `${count} runs`;
    if (!yes) {
      throw new UsageError(`--clear would forget ${runs} for good`, {
        why: `They are in ${file}. Nothing has changed.`,
        remedy: 'rlimit history --clear --yes',
      });
    }
    removeHistory();
    this.say(`Forgot ${runs}.`);
    return { file, cleared: count };
  }
}

/** Above all, --clear with a filter must not forget what the filter leaves out. */
function refuseMix(name: string | undefined, flags: { clear?: boolean }): void {
  const choosing = Object.keys(flags).some((flag) => !['clear', 'yes', 'json'].includes(flag));
  if (flags.clear && (name !== undefined || choosing)) {
    throw new UsageError('--clear forgets the whole history: it takes nothing but --yes');
  }
  if (name !== undefined && choosing) {
    throw new UsageError(
      'a run that is named is shown as it is: options that choose do not apply',
      {
        remedy: `rlimit history ${name}`,
      },
    );
  }
}

interface Filters {
  profile?: string | undefined;
  verdict?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  cwd?: string | undefined;
  here?: boolean | undefined;
  failed?: boolean | undefined;
}

async function selectionOf(filters: Filters, runs: readonly Run[]): Promise<Selection> {
  const { profile, verdict, since, until, here, failed } = filters;
  const cwd = here ? '.' : filters.cwd;
  const now = Date.now();
  if (profile !== undefined) await requireKnown(profile, runs);
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(since === undefined ? {} : { since: parseMoment('--since', since, { now }) }),
    ...(until === undefined ? {} : { until: parseMoment('--until', until, { now, end: true }) }),
    ...(cwd === undefined ? {} : { cwd: realDirectory(cwd) }),
    ...(failed ? { failed } : {}),
  };
}

/** A profile may be deleted, and its runs still be there; and be new, without any. */
async function requireKnown(profile: string, runs: readonly Run[]): Promise<void> {
  const seen = new Set(runs.map((run) => run.profile));
  if (seen.has(profile)) return;
  // A mistake in a project's file is no matter of the history.
  const names = await listProfileNames(processPlaces()).catch(() => []);
  const known = [...new Set([...names, ...seen])];
  if (known.includes(profile)) return;
  throw new UnknownNameError('profile', profile, known, { remedy: 'rlimit history --totals' });
}
