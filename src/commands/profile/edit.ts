import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { projectFlag } from '../../cli/flags.js';
import { type EditOutcome, editProfile } from '../../profiles/edit.js';
import { processPlaces } from '../../profiles/index.js';
import { renderWritten } from '../../render/profile.js';

export default class ProfileEdit extends BaseCommand {
  static override summary = 'Change a profile in your editor.';
  static override description =
    'Opens a copy in $VISUAL or $EDITOR, checks it, and only then puts it into place. A text with ' +
    'a mistake is kept, and you are told where. A built-in profile gets a file of your own that ' +
    'is laid over it.';
  static override examples = [
    '<%= config.bin %> profile edit coq-standard',
    '<%= config.bin %> profile edit tests --project',
  ];
  static override args = {
    profile: Args.string({ description: 'name of the profile', required: true }),
  };
  static override flags = {
    project: projectFlag,
    from: Flags.string({
      description: 'begin with the text of this file: what an earlier edit has kept',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<EditOutcome> {
    const { args, flags } = await this.parse(ProfileEdit);
    const outcome = await editProfile(args.profile, processPlaces(), {
      project: flags.project,
      ...(flags.from === undefined ? {} : { from: flags.from }),
    });
    this.say(outcome.written ? renderWritten(outcome.written) : 'nothing was changed');
    return outcome;
  }
}
