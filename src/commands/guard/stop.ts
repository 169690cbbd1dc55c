import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { changeService, type ServiceAction } from '../../guard/service/index.js';
import { renderServiceAction } from '../../render/guard-service.js';

export default class GuardStop extends BaseCommand {
  static override summary = 'Stop the guard’s service.';
  static override description =
    'Waits until the guard has put back what it changed. It starts again with the next boot.\n' +
    'Ends with 0, or with 3 where it is not installed, or systemd could not do it.';
  static override examples = [
    '$ sudo <%= config.bin %> guard stop',
    '<%= config.bin %> guard stop --user',
  ];
  static override flags = { user: guardUserFlag };

  async run(): Promise<ServiceAction> {
    const { flags } = await this.parse(GuardStop);
    const action = await changeService('stop', guardManager(flags.user));
    this.say(renderServiceAction(action));
    return action;
  }
}
