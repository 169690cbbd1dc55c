import { BaseCommand } from '../../cli/base-command.js';
import { guardManager, guardUserFlag } from '../../cli/guard-flags.js';
import { type ServiceChange, uninstallService } from '../../guard/service/index.js';
import { renderServiceChange } from '../../render/guard-service.js';

export default class GuardUninstall extends BaseCommand {
  static override summary = 'Stop the guard’s service and take it away.';
  static override description =
    'The guard puts back what it has changed, and its unit file goes; one that was there before is ' +
    'put back, and one that was edited is kept as a backup. Settings and collected data stay.\n' +
    'Ends with 0, also where there is none; 3 without systemd or without the right to.';
  static override examples = [
    '$ sudo <%= config.bin %> guard uninstall',
    '<%= config.bin %> guard uninstall --user',
  ];
  static override flags = { user: guardUserFlag };

  async run(): Promise<ServiceChange> {
    const { flags } = await this.parse(GuardUninstall);
    const change = await uninstallService(guardManager(flags.user));
    this.say(renderServiceChange(change));
    return change;
  }
}
