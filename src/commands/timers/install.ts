import { mkdirSync } from 'node:fs';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.js';
import { managerFlags, managerOf } from '../../cli/timer-flags.js';
import { UnavailableError, UsageError } from '../../errors/index.js';
import { renderTimerChange } from '../../render/timers.js';
import {
  draftTimers,
  installTimers,
  type TimerChange,
  timerNames,
  timerOptions,
  timerPlace,
  USUAL_TIMES,
  usualTimers,
} from '../../timers/index.js';

export default class TimersInstall extends BaseCommand {
  static override summary = 'Set up the daily verification, metrics and early warning in systemd.';
  static override description =
    'verify: once a day `rlimit timers verify`, which tells problems as an alert. metrics: once a ' +
    'minute `rlimit monitor --textfile DIR`, for node_exporter. alerts: a service with `rlimit ' +
    'monitor alerts --run`, which looks at the machine every 30 seconds.\n' +
    'Without a name verify and alerts, and metrics with --textfile. systemd checks the units before ' +
    'they are written; a file that was there and is not of rlimit is kept and comes back with ' +
    '`rlimit timers remove`. Doing it again changes nothing.';
  static override examples = [
    '<%= config.bin %> timers install',
    '<%= config.bin %> timers install verify --verify-at "Mon *-*-* 09:00"',
    '$ sudo <%= config.bin %> timers install --system --textfile /var/lib/prometheus/node-exporter',
    '<%= config.bin %> timers install --dry-run',
  ];
  static override strict = false;
  static override args = {
    timer: Args.string({ description: 'verify, metrics, alerts (default: verify and alerts)' }),
  };
  static override flags = {
    ...managerFlags,
    'verify-at': Flags.string({
      description: 'when to verify (systemd.time, "calendar events")',
      helpValue: 'EXPRESSION',
      default: USUAL_TIMES.verifyAt,
    }),
    'metrics-at': Flags.string({
      description: 'when to collect metrics',
      helpValue: 'EXPRESSION',
      default: USUAL_TIMES.metricsAt,
    }),
    textfile: Flags.string({
      description:
        'directory that node_exporter reads (default: $XDG_STATE_HOME/rlimit/metrics, with --system ' +
        '/var/lib/prometheus/node-exporter)',
      helpValue: 'DIR',
    }),
    'dry-run': Flags.boolean({ default: false, description: 'only show what would be written' }),
  };

  async run(): Promise<TimerChange | { files: Record<string, string> }> {
    const { argv, flags } = await this.parse(TimersInstall);
    const manager = managerOf(flags);
    const { textfile } = flags;
    if (textfile !== undefined && !textfile.startsWith('/')) {
      throw new UsageError('--textfile wants an absolute path');
    }
    const words = argv as string[];
    const names = timerNames(words.length === 0 ? usualTimers(textfile) : words);
    const options = timerOptions(manager, {
      verifyAt: flags['verify-at'],
      metricsAt: flags['metrics-at'],
      ...(textfile === undefined ? {} : { textfile }),
    });
    const place = timerPlace(manager);
    if (flags['dry-run']) {
      const files = draftTimers(names, options, place);
      const texts = Object.entries(files).map(([path, text]) => `# ${path}\n${text}`);
      this.say(texts.join('\n').trimEnd());
      return { files };
    }
    if (names.includes('metrics')) makeDirectory(options.textfile);
    const change = await installTimers(names, options, place);
    this.say(renderTimerChange(change));
    return change;
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new UnavailableError(`${path} cannot be made: ${(error as Error).message}`);
  }
}
