import { Args, Flags } from '@oclif/core';
import { type AdoptReport, adopt } from '../adopt/index.js';
import { BaseCommand } from '../cli/base-command.js';
import { EXIT } from '../errors/index.js';
import { renderAdoption } from '../render/adopt.js';
import { parseAssignments } from '../run/options.js';
import { shellLine } from '../text/index.js';

export default class Adopt extends BaseCommand {
  static override summary = 'Put running processes under the limits of a profile.';
  static override description =
    'The processes and all their descendants are moved into a new scope with the limits of the ' +
    'profile. They stand still for the moment of the move, so that none is born outside; then ' +
    'the limits are read back from the kernel.\n' +
    'Memory that they hold already stays charged to where they were: it does not count in the ' +
    'new scope.\n' +
    'PID may be given as PID:STARTTICKS (field 22 of /proc/PID/stat), which names one process ' +
    'for ever, whoever has the PID by now.\n' +
    'Ends with 0 when all are under every hard limit, 1 when a limit is not in force or a ' +
    'process is still outside, 2 for a process that is not adopted, 3 without a user manager.';
  static override examples = [
    '<%= config.bin %> adopt coq-standard --pid "$(pgrep -o make)"',
    '<%= config.bin %> adopt default --pid 4711 --pid 4712 -p MemoryMax=8G',
    '<%= config.bin %> adopt default --pid 4711 --dry-run',
  ];
  static override args = {
    profile: Args.string({ description: 'name of the profile', required: true }),
  };
  static override flags = {
    pid: Flags.string({
      description: 'process to adopt with its descendants (may be repeated)',
      helpValue: 'PID',
      required: true,
      multiple: true,
      multipleNonGreedy: true,
    }),
    property: Flags.string({
      char: 'p',
      description: "a systemd property over the profile's; an empty value drops it",
      helpValue: 'NAME=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    unit: Flags.string({ description: 'name of the scope', helpValue: 'NAME' }),
    slice: Flags.string({
      description: 'slice to put the scope in (default app-rlimit.slice)',
      helpValue: 'NAME',
    }),
    'dry-run': Flags.boolean({
      char: 'n',
      description: 'print the call that makes the scope, and move nothing',
    }),
    force: Flags.boolean({ default: false, description: 'let pass what is refused as unwise' }),
  };

  async run(): Promise<AdoptReport> {
    const { args, flags } = await this.parse(Adopt);
    const report = await adopt({
      profile: args.profile,
      pids: flags.pid,
      properties: parseAssignments(flags.property ?? []),
      ...(flags.unit === undefined ? {} : { unit: flags.unit }),
      ...(flags.slice === undefined ? {} : { slice: flags.slice }),
      force: flags.force,
      dryRun: flags['dry-run'],
    });
    if (report.dryRun) {
      this.remark(renderAdoption(report));
      this.say(shellLine(report.argv));
    } else {
      this.say(renderAdoption(report));
    }
    const isBad =
      report.escaped.length + report.strangers.length > 0 ||
      report.findings.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return report;
  }
}
