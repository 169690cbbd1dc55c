import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { managerFlags, managerOf } from '../../cli/timer-flags.js';
import { renderTimerChange } from '../../render/timers.js';
import { removeTimers, type TimerChange, timerNames, timerPlace } from '../../timers/index.js';

export default class TimersRemove extends BaseCommand {
  static override summary = 'Take away what `timers install` set up.';
  static override description =
    'Stops and disables the units and removes their files; what they replaced is put back, and what ' +
    'was edited since is kept beside it.';
  static override examples = [
    '<%= config.bin %> timers remove',
    '<%= config.bin %> timers remove metrics',
  ];
  static override strict = false;
  static override args = {
    timer: Args.string({ description: 'verify, metrics, alerts (default: all)' }),
  };
  static override flags = managerFlags;

  async run(): Promise<TimerChange> {
    const { argv, flags } = await this.parse(TimersRemove);
    const change = await removeTimers(timerNames(argv as string[]), timerPlace(managerOf(flags)));
    this.say(renderTimerChange(change));
    return change;
  }
}
