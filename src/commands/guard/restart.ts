import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { changeService, type ServiceAction } from '../../guard/service/index.js';
import { renderServiceAction } from '../../render/guard-service.js';

export default class GuardRestart extends BaseCommand {
  static override summary = 'Stop the guard’s service and start it again.';
  static override description =
    'What it changed is put back and then done anew. For new settings, reload is enough.\n' +
    'Ends with 0, or with 3 where it is not installed, or systemd could not do it.';
  static override examples = [
    '$ sudo <%= config.bin %> guard restart',
    '<%= config.bin %> guard restart --user',
  ];
  static override flags = { user: guardUserFlag };

  async run(): Promise<ServiceAction> {
    const { flags } = await this.parse(GuardRestart);
    const action = await changeService('restart', guardManager(flags.user));
    this.say(renderServiceAction(action));
    return action;
  }
}
