import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { loadSettings, type Replay, replayTrace } from '../../guard/index.js';
import { renderReplay } from '../../render/guard.js';

export default class GuardReplay extends BaseCommand {
  static override summary = 'Decide anew on a recorded trace.';
  static override description =
    'Every decision of the guard follows from samples and settings alone. A trace of guard run ' +
    '--trace leads to the same decisions here, or to those that other settings would have led to. ' +
    'Nothing is touched.';
  static override examples = [
    '<%= config.bin %> guard replay /tmp/guard.jsonl',
    '<%= config.bin %> guard replay /tmp/guard.jsonl --config ./stricter.yaml',
  ];
  static override args = {
    trace: Args.string({ description: 'file that guard run --trace has written', required: true }),
  };
  static override flags = {
    config: Flags.string({
      description: 'settings file (default: the defaults)',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<Replay> {
    const { args, flags } = await this.parse(GuardReplay);
    const replay = replayTrace(args.trace, await loadSettings(flags.config));
    this.say(renderReplay(replay));
    return replay;
  }
}
