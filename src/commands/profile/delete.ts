import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { projectFlag } from '../../cli/flags.js';
import { type Deleted, deleteProfile } from '../../profiles/change.js';
import { processPlaces } from '../../profiles/index.js';
import { renderDeleted } from '../../render/profile.js';

export default class ProfileDelete extends BaseCommand {
  static override summary = 'Delete a profile of your own.';
  static override description =
    'A copy of the file is kept. A built-in profile of that name shows again.';
  static override examples = ['<%= config.bin %> profile delete mine'];
  static override args = {
    profile: Args.string({ description: 'name of the profile', required: true }),
  };
  static override flags = { project: projectFlag };

  async run(): Promise<Deleted> {
    const { args, flags } = await this.parse(ProfileDelete);
    const deleted = await deleteProfile(args.profile, processPlaces(), { project: flags.project });
    this.say(renderDeleted(args.profile, deleted));
    return deleted;
  }
}
