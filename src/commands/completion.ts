import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { type CompletionCommand, completeWords } from '../cli/complete.js';
import { COMPLETION_SCRIPTS, type Shell } from '../cli/completion-scripts.js';
import { UsageError } from '../errors/index.js';
import { nameRuns } from '../history/index.js';
import { listProfileNames } from '../profiles/index.js';
import { readHistory, readRecords, recordDirectory } from '../state/index.js';

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script for a shell.';
  static override description =
    'Completes verbs, options, names of profiles and names of running units.';
  static override examples = [
    { description: 'bash, in ~/.bashrc', command: 'eval "$(<%= config.bin %> completion bash)"' },
    { description: 'fish', command: '<%= config.bin %> completion fish | source' },
  ];
  static override enableJsonFlag = false;
  static override strict = false;
  static override args = {
    shell: Args.string({
      description: 'bash, zsh or fish',
      options: Object.keys(COMPLETION_SCRIPTS),
    }),
  };
  static override flags = {
    words: Flags.boolean({ description: 'print candidates for the words after --', hidden: true }),
  };

  async run(): Promise<void> {
    if (this.argv[0] === '--words') {
      const candidates = await completeWords(
        this.argv.slice(2),
        this.config.commands as unknown as CompletionCommand[],
        {
          profiles: () => listProfileNames({ cwd: process.cwd(), env: process.env }),
          units: async () => readRecords(recordDirectory() ?? '').records.map(({ unit }) => unit),
          troubles: async () => Object.keys((await import('../catalogue/index.js')).TROUBLES),
          runs: async () => [
            ...new Set(nameRuns(readHistory().outcomes).map((run) => run.shortId)),
          ],
        },
      );
      if (candidates.length > 0) this.log(candidates.join('\n'));
      return;
    }
    const { args } = await this.parse(Completion);
    if (args.shell === undefined) {
      throw new UsageError('for which shell?', { remedy: 'rlimit completion bash' });
    }
    this.log(COMPLETION_SCRIPTS[args.shell as Shell]);
  }
}
