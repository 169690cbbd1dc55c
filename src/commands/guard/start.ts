import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { changeService, type ServiceAction } from '../../guard/service/index.js';
import { renderServiceAction } from '../../render/guard-service.js';

export default class GuardStart extends BaseCommand {
  static override summary = 'Start the guard’s service.';
  static override description =
    'Waits until the guard says that it guards. It is started at each boot once it is installed.\n' +
    'Ends with 0, or with 3 where it is not installed, or systemd could not do it.';
  static override examples = [
    '$ sudo <%= config.bin %> guard start',
    '<%= config.bin %> guard start --user',
  ];
  static override flags = { user: guardUserFlag };

  async run(): Promise<ServiceAction> {
    const { flags } = await this.parse(GuardStart);
    const action = await changeService('start', guardManager(flags.user));
    this.say(renderServiceAction(action));
    return action;
  }
}
