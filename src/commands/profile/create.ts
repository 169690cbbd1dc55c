import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { projectFlag } from '../../cli/flags.js';
import { createProfile } from '../../profiles/change.js';
import { processPlaces, type Written } from '../../profiles/index.js';
import { renderWritten } from '../../render/profile.js';
import { parseAssignments } from '../../run/options.js';

export default class ProfileCreate extends BaseCommand {
  static override summary = 'Write a new profile.';
  static override description =
    'Writes a commented file that you can go on editing. Without --extends it is laid over the ' +
    'built-in profile of that name, or extends `default` where there is none.';
  static override examples = [
    '<%= config.bin %> profile create mine --extends coq-standard -p MemoryMax=40G',
    '<%= config.bin %> profile create tests --project -p CPUQuota="50% of cores"',
  ];
  static override args = {
    profile: Args.string({ description: 'name of the new profile', required: true }),
  };
  static override flags = {
    extends: Flags.string({ description: 'profile to build on', helpValue: 'PROFILE' }),
    property: Flags.string({
      char: 'p',
      description: 'a limit, such as MemoryMax="60% of memory"',
      helpValue: 'NAME=VALUE',
      multiple: true,
    }),
    summary: Flags.string({ description: 'one line for the list', helpValue: 'TEXT' }),
    project: projectFlag,
    force: Flags.boolean({ description: 'replace one that is there, and keep a backup of it' }),
  };

  async run(): Promise<Written> {
    const { args, flags } = await this.parse(ProfileCreate);
    const written = await createProfile(args.profile, processPlaces(), {
      limits: parseAssignments(flags.property ?? []),
      project: flags.project,
      force: flags.force,
      ...(flags.extends === undefined ? {} : { extends: flags.extends }),
      ...(flags.summary === undefined ? {} : { summary: flags.summary }),
    });
    this.say(renderWritten(written));
    return written;
  }
}
