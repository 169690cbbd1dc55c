import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { guardStatus, type GuardStatus as Status } from '../../guard/index.js';
import { renderGuardStatus } from '../../render/guard.js';

export default class GuardStatus extends BaseCommand {
  static override summary = 'Show what guards there are, and what they have done.';
  static override description =
    'The guard of the machine and your own: who is protected, marked and frozen, and what was done ' +
    'lately and why.\n' +
    'Ends with 0 when a guard runs, 1 when one has ended without putting back what it had changed, ' +
    '3 when there is none.';
  static override examples = ['<%= config.bin %> guard status'];

  async run(): Promise<Status[]> {
    await this.parse(GuardStatus);
    const all = guardStatus();
    this.say(renderGuardStatus(all));
    const isLost = all.some(({ running, journal }) => journal !== undefined && !running);
    const runs = all.some(({ running }) => running);
    this.endWith(isLost ? EXIT.problems : runs ? EXIT.fine : EXIT.unavailable);
    return all;
  }
}
