import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { guardUntilTold } from '../../cli/guard-daemon.js';
import { EXIT, UsageError } from '../../errors/index.js';
import {
  type GuardEnd,
  loadSettings,
  type Preview,
  previewGuard,
  settingsFile,
} from '../../guard/index.js';
import { renderPreview } from '../../render/guard.js';

export default class GuardRun extends BaseCommand {
  static override summary = 'Keep chosen processes alive while memory is short.';
  static override description =
    'Looks at the machine once a second, more often as memory gets short, and acts by one settings ' +
    'file: named processes are kept in a protected slice; where memory runs out it warns, takes ' +
    'tokens from builds, freezes the youngest run, and ends the largest process that may be ended, ' +
    'before the kernel has to. As root it guards the machine, otherwise what you own. It stays in ' +
    'the foreground and tells what it does and why; SIGHUP has the settings read again, SIGTERM and ' +
    'Ctrl-C put back what it has changed.\n' +
    'Ends with 0 when told to, 1 when another guard runs already, 2 for a wrong settings file.';
  static override examples = [
    '<%= config.bin %> guard run --dry-run',
    '<%= config.bin %> guard run --config ./guard.yaml',
    '<%= config.bin %> guard run --trace /tmp/guard.jsonl',
  ];
  static override flags = {
    config: Flags.string({
      description: 'settings file (default: /etc/rlimit/guard.yaml, or your own guard.yaml)',
      helpValue: 'FILE',
    }),
    'dry-run': Flags.boolean({
      char: 'n',
      default: false,
      description: 'say once what would be done at this moment and why, and do nothing',
    }),
    trace: Flags.string({
      description: 'write every sample to a file, for guard replay',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<GuardEnd | Preview> {
    const { flags } = await this.parse(GuardRun);
    if (flags['dry-run'] && flags.trace !== undefined) {
      throw new UsageError('--dry-run takes one sample: there is nothing to trace');
    }
    if (flags['dry-run']) return this.#preview(flags.config);
    const { config, trace } = flags;
    const { end, remark } = await guardUntilTold({ config, trace, json: this.jsonEnabled() });
    if (remark !== undefined) this.remark(remark);
    this.endWith(remark === undefined ? EXIT.fine : EXIT.problems);
    return end;
  }

  async #preview(config: string | undefined): Promise<Preview> {
    const preview = previewGuard(await loadSettings(settingsFile(config)));
    this.say(renderPreview(preview));
    return preview;
  }
}
