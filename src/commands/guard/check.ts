import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { settingsPlace } from '../../guard/index.js';
import { checkSettingsFile, type SettingsCheck } from '../../guard/settings/file.js';
import { renderSettingsCheck } from '../../render/guard.js';

export default class GuardCheck extends BaseCommand {
  static override summary = 'Check a settings file of the guard.';
  static override description =
    'Says all that is wrong with it, as FILE:LINE:COLUMN; with --json also the settings that come of ' +
    'it, defaults included.\nEnds with 0 when it is fine, 1 when it is not, 2 when it cannot be read.';
  static override examples = [
    '<%= config.bin %> guard check',
    '<%= config.bin %> guard check ./guard.yaml --json',
  ];
  static override args = {
    file: Args.string({ description: 'settings file (default: the one that guard run reads)' }),
  };

  async run(): Promise<SettingsCheck> {
    const { args } = await this.parse(GuardCheck);
    const check = checkSettingsFile(args.file ?? settingsPlace());
    this.say(renderSettingsCheck(check));
    this.endWith(check.problems.length > 0 ? EXIT.problems : EXIT.fine);
    return check;
  }
}
