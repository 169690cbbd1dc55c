import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { machineFlag, machineFor } from '../../cli/flags.js';
import { EXIT } from '../../errors/index.js';
import { checkProfiles, type ProfileCheck } from '../../profiles/check.js';
import { processPlaces } from '../../profiles/index.js';
import { renderProfileCheck } from '../../render/profile.js';

export default class ProfileCheckCommand extends BaseCommand {
  static override summary = 'Check profiles for mistakes.';
  static override description =
    'Reads every profile, or those named, and resolves them on this machine. Mistakes are printed ' +
    'as FILE:LINE:COLUMN. Ends with 0 when there are none, with 1 otherwise. A built-in profile ' +
    'that is too large for this machine is a warning.';
  static override examples = [
    '<%= config.bin %> profile check',
    '<%= config.bin %> profile check mine ./.rlimit.yaml',
  ];
  static override strict = false;
  static override args = {
    profile: Args.string({ description: 'profiles, or paths of files (default: all profiles)' }),
  };
  static override flags = { machine: machineFlag };

  async run(): Promise<ProfileCheck> {
    const { argv, flags } = await this.parse(ProfileCheckCommand);
    const machine = machineFor(flags.machine);
    const check = await checkProfiles(argv as string[], processPlaces(), machine);
    this.say(renderProfileCheck(check));
    const isBad = check.problems.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return check;
  }
}
