import { BaseCommand } from '../../cli/base-command.js';
import { managerFlags, managerOf } from '../../cli/timer-flags.js';
import { EXIT } from '../../errors/index.js';
import { renderTimerStatus } from '../../render/timers.js';
import { type TimerStatus, timerPlace, timerStatus } from '../../timers/index.js';

export default class TimersStatus extends BaseCommand {
  static override summary = 'Show what is set up, when it ran last and how, and when it runs next.';
  static override description =
    'Ends with 1 when the last run of something failed, the verification found problems, or what is ' +
    'installed does not run.';
  static override examples = ['<%= config.bin %> timers status'];
  static override flags = managerFlags;

  async run(): Promise<TimerStatus[]> {
    const { flags } = await this.parse(TimersStatus);
    const timers = await timerStatus(timerPlace(managerOf(flags)));
    this.say(renderTimerStatus(timers));
    this.endWith(timers.some(isBad) ? EXIT.problems : EXIT.fine);
    return timers;
  }
}

/** The verification ends with 1 when it found something, which its unit takes for a good end. */
function isBad({ installed, active, result = 'success', status = 0 }: TimerStatus): boolean {
  return installed && (active !== 'active' || result !== 'success' || status !== 0);
}
