import { Args, Flags } from '@oclif/core';
import { type ChangeReport, changeUnit } from '../change/index.js';
import { BaseCommand } from '../cli/base-command.js';
import { canAsk, confirm } from '../cli/confirm.js';
import { machineFlag } from '../cli/flags.js';
import {
  nobodyToAsk,
  nothingToDraw,
  type ProfileFlags,
  refuseAdvice,
  refuseChange,
} from '../cli/tune-flags.js';
import { type FullReport, type TuneFacts, tuneFacts } from '../cli/tune-report.js';
import { EXIT, UsageError } from '../errors/index.js';
import { replaceFile } from '../profiles/replace-file.js';
import { renderChange } from '../render/change.js';
import { renderDiff } from '../render/learned.js';
import { renderPicture } from '../render/plot.js';
import { renderWritten } from '../render/profile.js';
import { svgOf } from '../render/svg.js';
import { renderTune } from '../render/tune.js';
import { parseAssignments } from '../run/options.js';
import { shellLine } from '../text/index.js';
import type { TuneChange } from '../tune/apply.js';

/** What `tune PROFILE` prints with --json. */
interface ProfileReport extends FullReport {
  /** What --apply has done, or would do. */
  change?: TuneChange;
  /** The file that --plot has written. */
  plot?: string;
}

export default class Tune extends BaseCommand {
  static override summary = 'Recommend a number of jobs, or change a unit while it runs.';
  static override description =
    'With a PROFILE: says how many jobs fit, whether the cores or memory decided, why it is not ' +
    'the number of cores, and what to change when the build is too slow or the machine too busy.\n' +
    'Where the history has enough runs of it (3, with 30 jobs together), the number of jobs, ' +
    'MemoryMax and CPUQuota come from what they really used, with the next experiment. --apply ' +
    'writes them into your own profile, or with --project into the .rlimit.yaml of DIR: it shows ' +
    'the difference, asks, and keeps the former file. On a terminal the latest run is drawn.\n' +
    'With a UNIT (.scope, .service or .slice) and -p: changes its limits while it runs, until it ' +
    'ends or the machine does, and reads them back from the kernel. A MemoryMax below what is in ' +
    'use, where the kernel would kill, is refused without --force. An empty value (-p ' +
    'MemoryHigh=) takes a limit away.\n' +
    'Ends with 0 when all is in force, 1 when something is not, 2 for a mistake in what was ' +
    'asked, 3 without a service manager or the right to change the unit.';
  static override examples = [
    '<%= config.bin %> tune coq-standard',
    '$ make -j"$(<%= config.bin %> tune coq-standard --jobs-only)"',
    '<%= config.bin %> tune coq-standard --machine cores=36,memory=252G',
    '<%= config.bin %> tune cxx-build --project . --apply',
    '<%= config.bin %> tune cxx-build --run 3k2j1x --plot run.svg',
    '<%= config.bin %> tune rlimit-coq-standard-m3x.scope -p MemoryMax=200G',
  ];
  static override args = {
    'profile|unit': Args.string({
      description: 'name of a profile, or of a running unit',
      required: true,
    }),
  };
  static override flags = {
    'jobs-only': Flags.boolean({ description: 'print the number and nothing else' }),
    machine: machineFlag,
    history: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'whether earlier runs count',
    }),
    project: Flags.string({
      description: "only runs in DIR or below; with --apply: the project's file there",
      helpValue: 'DIR',
    }),
    apply: Flags.boolean({
      default: false,
      description: 'write what the runs recommend into the profile',
    }),
    yes: Flags.boolean({ char: 'y', default: false, description: 'with --apply, do not ask' }),
    picture: Flags.boolean({
      allowNo: true,
      description: 'draw memory over time and the sizes of jobs (default: on a terminal)',
    }),
    run: Flags.string({
      description: 'draw this run of the history, and its jobs',
      helpValue: 'RUN',
    }),
    plot: Flags.string({ description: 'write the pictures as SVG', helpValue: 'FILE' }),
    property: Flags.string({
      char: 'p',
      description: 'a property to set on the unit; an empty value takes the limit away',
      helpValue: 'NAME=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'dry-run': Flags.boolean({
      char: 'n',
      description: 'change nothing: print the systemctl line for a unit, or what --apply would do',
    }),
    force: Flags.boolean({ default: false, description: 'let pass what is refused as unwise' }),
  };

  async run(): Promise<ProfileReport | ChangeReport> {
    const { args, flags } = await this.parse(Tune);
    const name = args['profile|unit'];
    const { property = [], force } = flags;
    if (/\.(scope|service|slice)$/.test(name)) {
      refuseAdvice(flags);
      return this.#change({ unit: name, words: property, dryRun: flags['dry-run'], force });
    }
    refuseChange(name, property, flags);
    return this.#advise(name, flags);
  }

  async #advise(name: string, flags: ProfileFlags): Promise<ProfileReport> {
    const facts = await tuneFacts(name, flags);
    const { report, limits, remarks, warnings } = facts;
    for (const text of warnings) this.remark(`rlimit: warning: ${text}`);
    const value = (name: string) =>
      limits.properties.find(({ property }) => property === name)?.value;
    if (flags['jobs-only']) this.say(String(report.recommended));
    else
      this.say(renderTune(report, { memoryMax: value('MemoryMax'), cpuQuota: value('CPUQuota') }));
    this.#draw(report, flags);
    for (const remark of remarks) this.remark(`rlimit: note: ${remark}`);
    const plot = flags.plot === undefined ? {} : { plot: this.#plot(report, flags.plot) };
    if (!flags.apply) return { ...report, ...plot };
    return { ...report, ...plot, change: await this.#apply(facts, flags) };
  }

  /** A pipe stays the same text, whatever was run meanwhile. */
  #draw({ picture }: FullReport, flags: ProfileFlags): void {
    const isAsked = flags.picture ?? flags.run !== undefined;
    const isWanted = isAsked || (flags.picture === undefined && process.stdout.isTTY === true);
    if (!isWanted || flags['jobs-only']) return;
    if (picture !== undefined) this.say(`\n${renderPicture(picture)}`);
    else if (isAsked) throw nothingToDraw(flags.run);
  }

  #plot({ picture }: FullReport, file: string): string {
    if (picture === undefined) throw nothingToDraw();
    replaceFile(file, svgOf(picture), { overwrite: true, backup: false });
    this.remark(`rlimit: written: ${file}`);
    return file;
  }

  async #apply({ profile, limits, report }: TuneFacts, flags: ProfileFlags): Promise<TuneChange> {
    // Loaded here: a YAML parser and the checks of profiles come with it.
    const { planChange } = await import('../tune/apply.js');
    if (report.learned === undefined) throw new Error('a history has been asked for');
    const { write, ...change } = await planChange(profile, limits, report.learned);
    if (change.diff === '') {
      this.say(`\nThere is nothing to change in ${change.file}.`);
      return change;
    }
    this.say(`\n${renderDiff(change.diff)}\n`);
    if (flags['dry-run']) return change;
    if (!flags.yes && (this.jsonEnabled() || !canAsk())) throw nobodyToAsk(profile.name, flags);
    if (!flags.yes && !(await confirm('Write it?'))) {
      this.say('Nothing was changed.');
      return change;
    }
    const written = await write();
    this.say(renderWritten(written));
    return { ...change, written };
  }

  async #change({
    unit,
    words,
    dryRun,
    force,
  }: {
    unit: string;
    words: readonly string[];
    dryRun: boolean;
    force: boolean;
  }): Promise<ChangeReport> {
    if (words.length === 0) {
      throw new UsageError(`there is nothing to change in ${JSON.stringify(unit)}`, {
        why: 'A running unit is given values for its properties.',
        remedy: `rlimit tune ${unit} -p MemoryMax=20G; what it has: rlimit inspect ${unit}`,
      });
    }
    const report = await changeUnit({ unit, properties: parseAssignments(words), dryRun, force });
    if (dryRun) {
      this.remark(renderChange(report));
      this.say(report.argv.map(shellLine).join('\n'));
    } else {
      this.say(renderChange(report));
    }
    const isBad = report.gone || report.findings.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return report;
  }
}
