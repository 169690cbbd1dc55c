/** The units that rlimit can set up, as text. Pure. */
import { createHash } from 'node:crypto';

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

/** One unit file. */
export interface UnitText {
  name: string;
  text: string;
}

/** The files of what was asked for. */
export function unitTexts(names: readonly TimerName[], options: TimerOptions): UnitText[] {
  return names
    .flatMap((name) => TEXTS[name](options))
    .map(({ name, text }) => ({ name, text: sealed(text) }));
}

/** The unit of each that is enabled and started, and the service whose end tells how it went. */
export function startedUnit(name: TimerName): string {
  return name === 'alerts' ? 'rlimit-alerts.service' : `rlimit-${name}.timer`;
}
export function workingUnit(name: TimerName): string {
  return `rlimit-${name}.service`;
}

const TEXTS: Record<TimerName, (options: TimerOptions) => UnitText[]> = {
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
      [`[Install]`, `WantedBy=${options.system ? 'multi-user.target' : 'default.target'}`],
    ),
  ],
};

function service(
  name: TimerName,
  description: string,
  { environment }: TimerOptions,
  lines: readonly string[],
  more: readonly string[] = [],
): UnitText {
  const variables = Object.entries(environment).map(
    ([key, value]) => `Environment=${quoted(`${key}=${value}`)}`,
  );
  const sections = [
    ['[Unit]', `Description=${description} (rlimit)`],
    ['[Service]', ...lines, ...variables],
    ...(more.length === 0 ? [] : [more]),
  ];
  return { name: workingUnit(name), text: text(sections) };
}

function timer(name: TimerName, description: string, lines: readonly string[]): UnitText {
  const sections = [
    ['[Unit]', `Description=${description} (rlimit)`],
    ['[Timer]', ...lines],
    ['[Install]', 'WantedBy=timers.target'],
  ];
  return { name: startedUnit(name), text: text(sections) };
}

function text(sections: readonly (readonly string[])[]): string {
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function execStart({ program }: TimerOptions, args: readonly string[]): string {
  return `ExecStart=${[...program, ...args].map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}`;
}

/** A word as systemd reads it (systemd.syntax(7), systemd.unit(5) for %). */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%');
  if (/^[\w@+=:,./%-]+$/.test(plain)) return plain;
  const escaped = plain.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

const HEADER = '# Written by `rlimit timers install`; `rlimit timers remove` takes it away.';
const REPLACES = '# In place of: ';

/** Under a header by which we know our own again, and whether it was edited. */
function sealed(text: string): string {
  return `${HEADER}\n# Sum: ${sum(text)}\n\n${text}`;
}

/** Notes which former file is to be put back. */
export function withFormer(text: string, former: string | undefined): string {
  return former === undefined
    ? text
    : text.replace(`${HEADER}\n`, `${HEADER}\n${REPLACES}${former}\n`);
}

/** Whose a unit file is: `ours` as it was written, `edited` since, or `foreign`. */
export function originOf(text: string): { origin: 'ours' | 'edited' | 'foreign'; former?: string } {
  if (!text.startsWith(`${HEADER}\n`)) return { origin: 'foreign' };
  const [, former] = /^# In place of: (.+)$/m.exec(text) ?? [];
  const [, noted, body = ''] = /^# Sum: (\w+)\n\n([\s\S]*)$/m.exec(text) ?? [];
  const origin = noted === sum(body) ? 'ours' : 'edited';
  return { origin, ...(former === undefined ? {} : { former }) };
}

function sum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
