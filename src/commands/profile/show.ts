import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { machineFlag, machineFor } from '../../cli/flags.js';
import { loadProfile, type ProfileView, viewProfile } from '../../profiles/index.js';
import { renderProfile } from '../../render/profile.js';

export default class ProfileShow extends BaseCommand {
  static override summary = 'Show a profile, and what it becomes on this machine.';
  static override description =
    'For each limit: the value it has here, as it is written, and where that was written.';
  static override examples = [
    '<%= config.bin %> profile show coq-standard',
    '<%= config.bin %> profile show coq-standard --machine cores=36,memory=252G',
  ];
  static override args = {
    profile: Args.string({ description: 'name of the profile', required: true }),
  };
  static override flags = { machine: machineFlag };

  async run(): Promise<ProfileView> {
    const { args, flags } = await this.parse(ProfileShow);
    const view = viewProfile(await loadProfile(args.profile), machineFor(flags.machine));
    this.say(renderProfile(view));
    for (const remark of view.remarks) this.remark(`rlimit: note: ${remark}`);
    return view;
  }
}
