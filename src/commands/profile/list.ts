import { BaseCommand } from '../../cli/base-command.js';
import { listProfiles, type ProfileEntry } from '../../profiles/index.js';
import { renderProfileList } from '../../render/profile.js';

export default class ProfileList extends BaseCommand {
  static override summary = 'List all profiles.';
  static override description =
    'Built-in profiles, your own (~/.config/rlimit/profiles) and those of the project ' +
    '(.rlimit.yaml, the nearest one from here upward).';
  static override examples = ['<%= config.bin %> profile list'];

  async run(): Promise<{ profiles: ProfileEntry[]; remarks: string[] }> {
    await this.parse(ProfileList);
    const list = await listProfiles();
    this.say(renderProfileList(list.profiles));
    for (const remark of list.remarks) this.remark(`rlimit: note: ${remark}`);
    return list;
  }
}
