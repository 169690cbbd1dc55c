import { Args, Flags } from '@oclif/core';
import { type ChangeReport, changeUnit } from '../change/index.js';
import { BaseCommand } from '../cli/base-command.js';
import { machineFlag, machineFor } from '../cli/flags.js';
import { EXIT, UsageError } from '../errors/index.js';
import { loadProfile, resolve } from '../profiles/index.js';
import { renderChange } from '../render/change.js';
import { renderTune } from '../render/tune.js';
import { parseAssignments } from '../run/options.js';
import { shellLine } from '../text/index.js';
import { adviseTuning, type TuneReport } from '../tune/index.js';

export default class Tune extends BaseCommand {
  static override summary = 'Recommend a number of jobs, or change a unit while it runs.';
  static override description =
    'With a PROFILE: says how many jobs fit, whether the cores or memory decided, why it is not ' +
    'the number of cores, and what to change when the build is too slow or the machine too busy.\n' +
    'With a UNIT (.scope, .service or .slice) and -p: changes its limits while it runs, until it ' +
    'ends or the machine does, and reads them back from the kernel. A MemoryMax below what is in ' +
    'use, where the kernel would kill, is refused without --force. An empty value (-p ' +
    'MemoryHigh=) takes a limit away.\n' +
    'Ends with 0 when all is in force, 1 when something is not, 2 for a mistake in what was ' +
    'asked, 3 without a service manager or the right to change the unit.';
  static override examples = [
    '<%= config.bin %> tune coq-standard',
    'make -j"$(<%= config.bin %> tune coq-standard --jobs-only)"',
    '<%= config.bin %> tune coq-standard --machine cores=36,memory=252G',
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
    property: Flags.string({
      char: 'p',
      description: 'a property to set on the unit; an empty value takes the limit away',
      helpValue: 'NAME=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'dry-run': Flags.boolean({
      char: 'n',
      description: 'print the systemctl line for a unit, and change nothing',
    }),
    force: Flags.boolean({ default: false, description: 'let pass what is refused as unwise' }),
  };

  async run(): Promise<TuneReport | ChangeReport> {
    const { args, flags } = await this.parse(Tune);
    const name = args['profile|unit'];
    const { property = [], force } = flags;
    if (/\.(scope|service|slice)$/.test(name)) {
      refuseAdvice(flags['jobs-only'], flags.machine);
      return this.#change({ unit: name, words: property, dryRun: flags['dry-run'], force });
    }
    refuseChange(name, property, flags['dry-run']);
    return this.#advise(name, flags['jobs-only'], flags.machine);
  }

  async #advise(name: string, jobsOnly: boolean, override?: string): Promise<TuneReport> {
    const machine = machineFor(override);
    const profile = await loadProfile(name);
    const report = adviseTuning(profile, resolve(profile, machine), machine);
    this.say(jobsOnly ? String(report.jobs.pick) : renderTune(report));
    for (const remark of profile.remarks) this.remark(`rlimit: note: ${remark}`);
    return report;
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

function refuseAdvice(jobsOnly: boolean, machine: string | undefined): void {
  if (!jobsOnly && machine === undefined) return;
  const flag = jobsOnly ? '--jobs-only' : '--machine';
  throw new UsageError(`${flag} is for profiles, and a unit was named`);
}

function refuseChange(name: string, words: readonly string[], dryRun: boolean): void {
  if (words.length === 0 && !dryRun) return;
  throw new UsageError(`${JSON.stringify(name)} is a profile: only a running unit is changed`, {
    why: 'Units have a suffix: .scope, .service or .slice.',
    remedy: `rlimit inspect ${name} tells its units; for the profile itself: rlimit profile edit`,
  });
}
