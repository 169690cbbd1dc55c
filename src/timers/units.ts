/** The units that rlimit can set up, as text. Pure. */
import { commandLine, type Section, setting, type UnitText, unitText } from '../units/index.js';

/** What can be set up, in the order in which it is shown. */
export const TIMER_NAMES = ['verify', 'metrics', 'alerts'] as const;
export type TimerName = (typeof TIMER_NAMES)[number];

/** What each is for. */
export const TIMER_TITLES: Readonly<Record<TimerName, string>> = {
  verify: 'verifies daily that limits are in force (rlimit doctor, rlimit inspect)',
  metrics: 'collects metrics for node_exporter',
  alerts: 'watches the machine and warns',
};

export interface TimerOptions {
  /** How rlimit is started: absolute paths of node and of its script. */
  program: readonly string[];
  /** When to verify, and when to collect (systemd.time(7), calendar events). */
  verifyAt: string;
  metricsAt: string;
  /** Directory that node_exporter reads. */
  textfile: string;
  system: boolean;
  /** Variables that decide on the places of files, where they are not as usual. */
  environment: Readonly<Record<string, string>>;
}

/** Beginning of the first line of what `timers install` writes. */
export const INSTALLED_BY = 'Written by `rlimit timers install`';
const HEADER = `${INSTALLED_BY}; \`rlimit timers remove\` takes it away.`;

/**
 * The files of what was asked for.
 * @param header their first line: whose they are, and how they are taken away
 */
export function unitTexts(
  names: readonly TimerName[],
  options: TimerOptions,
  header = HEADER,
): UnitText[] {
  return names.flatMap((name) =>
    TEXTS[name](options).map((unit) => ({
      name: unit.name,
      text: unitText([header], unit.sections),
    })),
  );
}

interface Unit {
  name: string;
  sections: Section[];
}

/** The unit of each that is enabled and started, and the service whose end tells how it went. */
export function startedUnit(name: TimerName): string {
  return name === 'alerts' ? 'rlimit-alerts.service' : `rlimit-${name}.timer`;
}
export function workingUnit(name: TimerName): string {
  return `rlimit-${name}.service`;
}

const TEXTS: Record<TimerName, (options: TimerOptions) => Unit[]> = {
  verify: (options) => [
    service('verify', 'Verification of resource limits', options, [
      'Type=oneshot',
      execStart(options, ['timers', 'verify']),
      // To have found something is no failure of the unit: the alert tells.
      'SuccessExitStatus=1',
      'TimeoutStartSec=15min',
      'Nice=10',
      'IOSchedulingClass=idle',
    ]),
    timer('verify', 'Daily verification of resource limits', [
      `OnCalendar=${options.verifyAt}`,
      'RandomizedDelaySec=15min',
      'Persistent=true',
    ]),
  ],
  metrics: (options) => [
    service('metrics', 'Metrics of resource limits', options, [
      'Type=oneshot',
      execStart(options, ['monitor', '--textfile', options.textfile]),
      'TimeoutStartSec=1min',
      'Nice=5',
    ]),
    timer('metrics', 'Collection of metrics of resource limits', [
      `OnCalendar=${options.metricsAt}`,
      'AccuracySec=1s',
    ]),
  ],
  alerts: (options) => [
    service(
      'alerts',
      'Early warning on memory, CPU, disks and limits',
      options,
      [
        'Type=exec',
        execStart(options, ['monitor', 'alerts', '--run']),
        'Restart=on-failure',
        'RestartSec=10s',
        // A mistake in the settings is not mended by trying again.
        'RestartPreventExitStatus=2',
        // Only root may lower it.
        ...(options.system ? ['OOMScoreAdjust=-500'] : []),
      ],
      [['Install', [`WantedBy=${options.system ? 'multi-user.target' : 'default.target'}`]]],
    ),
  ],
};

function service(
  name: TimerName,
  description: string,
  { environment }: TimerOptions,
  lines: readonly string[],
  more: readonly Section[] = [],
): Unit {
  const variables = Object.entries(environment).map(([key, value]) =>
    setting('Environment', `${key}=${value}`),
  );
  return {
    name: workingUnit(name),
    sections: [
      ['Unit', [`Description=${description} (rlimit)`]],
      ['Service', [...lines, ...variables]],
      ...more,
    ],
  };
}

function timer(name: TimerName, description: string, lines: readonly string[]): Unit {
  return {
    name: startedUnit(name),
    sections: [
      ['Unit', [`Description=${description} (rlimit)`]],
      ['Timer', lines],
      ['Install', ['WantedBy=timers.target']],
    ],
  };
}

function execStart({ program }: TimerOptions, args: readonly string[]): string {
  return `ExecStart=${commandLine([...program, ...args])}`;
}
