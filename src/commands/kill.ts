import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { EXIT } from '../errors/index.js';
import { type KillReport, kill } from '../kill/index.js';
import { renderKill } from '../render/kill.js';

export default class Kill extends BaseCommand {
  static override summary = 'End units of rlimit with all their processes.';
  static override description =
    'Every process of the unit gets the signal; those that are left after the timeout are killed ' +
    'by the kernel in one step, which not even a forking process outruns.\n' +
    'UNIT is a .scope, .service or .slice; a name without suffix is a unit so called, or all ' +
    'units under that profile. Units of the system and of sessions are refused without --force.\n' +
    'Ends with 0 when all have ended, 1 when a process survived or none had the name, 2 for an ' +
    'unknown unit, 3 without a user manager.';
  static override examples = [
    '<%= config.bin %> kill --scope',
    '<%= config.bin %> kill --process coqc',
    '<%= config.bin %> kill coq-standard --signal INT --timeout 30',
  ];
  static override strict = false;
  static override args = {
    unit: Args.string({ description: 'units to end; with --process, units to look in' }),
  };
  static override flags = {
    scope: Flags.boolean({ default: false, description: 'every scope of rlimit, without asking' }),
    process: Flags.string({
      description: 'only processes of exactly that name, inside scopes of rlimit (may be repeated)',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    signal: Flags.string({ description: 'the first signal', helpValue: 'SIG', default: 'TERM' }),
    timeout: Flags.integer({
      description: 'seconds from the signal to SIGKILL',
      helpValue: 'SECONDS',
      default: 5,
      min: 0,
      max: 86_400,
    }),
    'dry-run': Flags.boolean({
      char: 'n',
      description: 'say what would be ended, and end nothing',
    }),
    force: Flags.boolean({ default: false, description: 'let pass what is refused as unwise' }),
  };

  async run(): Promise<KillReport> {
    const { argv, flags } = await this.parse(Kill);
    const report = await kill({
      units: argv as string[],
      scopes: flags.scope,
      processes: flags.process ?? [],
      signal: flags.signal,
      timeout: flags.timeout,
      dryRun: flags['dry-run'],
      force: flags.force,
    });
    this.say(renderKill(report));
    const found = report.ended + report.survived > 0;
    const isNamed = flags.process !== undefined;
    this.endWith(report.survived > 0 || (isNamed && !found) ? EXIT.problems : EXIT.fine);
    return report;
  }
}
