import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { EXIT } from '../errors/index.js';
import { type Inspection, inspect } from '../inspect/index.js';
import { renderInspection } from '../render/inspect.js';

export default class Inspect extends BaseCommand {
  static override summary = 'Show limits as asked, as systemd holds them and as the kernel does.';
  static override description =
    'For each unit of rlimit, or each named one, every property as it was asked for, as systemd ' +
    'holds it and as the kernel enforces it, with use beside the limit. What is not in force is ' +
    'explained, with the command that mends it.\n' +
    'UNIT is a .scope, .service or .slice; a name without suffix is a unit so called, or all ' +
    'units under that profile.\n' +
    'Ends with 0 when every hard limit is in force, 1 when one is not, 2 for an unknown unit, ' +
    '3 without a user manager.';
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect coq-standard --processes',
    '<%= config.bin %> inspect nix-daemon.service --json',
  ];
  static override strict = false;
  static override args = {
    unit: Args.string({ description: 'units to look at (default: all of rlimit)' }),
  };
  static override flags = {
    processes: Flags.boolean({
      default: false,
      description: 'list the processes of each unit, too',
    }),
    strict: Flags.boolean({ default: false, description: 'end with 1 for warnings as well' }),
  };

  async run(): Promise<Inspection> {
    const { argv, flags } = await this.parse(Inspect);
    const inspection = await inspect({ units: argv as string[], processes: flags.processes });
    this.say(renderInspection(inspection));
    const findings = inspection.units.flatMap((unit) => unit.findings);
    const isBad = findings.some(({ severity }) => flags.strict || severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return inspection;
  }
}
