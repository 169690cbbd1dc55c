import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { changeService, type ServiceAction } from '../../guard/service/index.js';
import { renderServiceAction } from '../../render/guard-service.js';

export default class GuardReload extends BaseCommand {
  static override summary = 'Have the guard read its settings again.';
  static override description =
    'A settings file that is wrong leaves the old settings in force, and guard status says so.\n' +
    'Ends with 0, or with 3 where it is not installed, or systemd could not do it.';
  static override examples = [
    '$ sudo <%= config.bin %> guard reload',
    '<%= config.bin %> guard reload --user',
  ];
  static override flags = { user: guardUserFlag };

  async run(): Promise<ServiceAction> {
    const { flags } = await this.parse(GuardReload);
    const action = await changeService('reload', guardManager(flags.user));
    this.say(renderServiceAction(action));
    return action;
  }
}
