import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import type { Explanation } from '../../cli/explain.js';
import { explainFlag, withExplainValue } from '../../cli/explain-flag.js';
import { lintFactsFor, machineFlag } from '../../cli/flags.js';
import { EXIT } from '../../errors/index.js';
import { checkProfiles, type ProfileCheck } from '../../lint/index.js';
import { processPlaces } from '../../profiles/index.js';
import { renderProfileCheck } from '../../render/lint.js';

export default class ProfileCheckCommand extends BaseCommand {
  static override summary = 'Check profiles for mistakes.';
  static override description =
    'Reads every profile, or those named, and looks at what they become on this machine: values ' +
    'that run would refuse, limits that would do nothing, jobs that do not fit. Several named ones ' +
    'are taken to run side by side, and their caps are added up. Mistakes are printed as ' +
    'FILE:LINE:COLUMN, with what mends them. Ends with 0 when there is no problem (warnings are ' +
    'none), with 1 otherwise. A built-in profile that does not suit this machine is a warning.';
  static override examples = [
    '<%= config.bin %> profile check',
    '<%= config.bin %> profile check mine ./.rlimit.yaml',
    '<%= config.bin %> profile check ollama nix-daemon --machine memory=16G',
    '<%= config.bin %> profile check --explain oomd-with-swap-zero',
  ];
  static override strict = false;
  static override args = {
    profile: Args.string({ description: 'profiles, or paths of files (default: all profiles)' }),
  };
  static override flags = {
    machine: machineFlag,
    strict: Flags.boolean({ default: false, description: 'end with 1 for warnings as well' }),
    explain: explainFlag,
  };

  async run(): Promise<ProfileCheck | Explanation> {
    const { argv, flags } = await this.parse(ProfileCheckCommand, withExplainValue(this.argv));
    if (flags.explain !== undefined) return this.explain(flags.explain);
    const facts = lintFactsFor(flags.machine);
    const check = await checkProfiles(argv as string[], processPlaces(), facts);
    this.say(renderProfileCheck(check));
    const isBad = check.problems.some(({ severity }) => flags.strict || severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return check;
  }
}
