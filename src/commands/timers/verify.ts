import { loadAlertSettings, openSinks } from '../../alerts/index.js';
import { type Verification, verifyLimits } from '../../alerts/verify.js';
import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { renderVerification } from '../../render/timers.js';

export default class TimersVerify extends BaseCommand {
  static override summary =
    'Verify now what the daily timer verifies, and tell problems as an alert.';
  static override description =
    'Makes the checks of `rlimit doctor` and looks at all running units as `rlimit inspect` does. ' +
    'Problems go where alerts go (see `rlimit monitor alerts`): the desktop, the journal, the log, a ' +
    'command of your own.\n' +
    'Ends with 0 when there are none, with 1 otherwise.';
  static override examples = ['<%= config.bin %> timers verify'];

  async run(): Promise<Verification> {
    await this.parse(TimersVerify);
    const { sinks } = await loadAlertSettings();
    const verification = await verifyLimits();
    const { alert, problems } = verification;
    if (alert !== undefined) {
      const told = openSinks(sinks, (text) => this.logToStderr(`rlimit: warning: ${text}`));
      told.tell({ raised: [alert], ended: [] });
      await told.close();
    }
    this.say(renderVerification(verification));
    this.endWith(problems.length > 0 ? EXIT.problems : EXIT.fine);
    return verification;
  }
}
