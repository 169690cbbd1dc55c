import { Flags } from '@oclif/core';
import {
  AlertRules,
  alertLogFile,
  DEFAULT_INTERVAL_MS,
  EVENT_RULES,
  Follower,
  GuardKills,
  isWanted,
  KillReader,
  type LoadedSettings,
  loadAlertSettings,
  openSinks,
  parseAlert,
  readAlerts,
  THRESHOLD_IDS,
  watchAlerts,
} from '../../alerts/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { SampleSource } from '../../cli/monitor/source.js';
import { untilTold } from '../../cli/until-told.js';
import { UnknownNameError, UsageError } from '../../errors/index.js';
import { latest, parseMoment } from '../../history/index.js';
import type { Alert, AlertRuleId } from '../../model/index.js';
import { parseSpan, QuantityError } from '../../quantity/index.js';
import { renderAlert, renderAlerts } from '../../render/alerts.js';
import { renderSkipped } from '../../render/history.js';
import { Sampler } from '../../sampler/index.js';
import type { SkippedLine } from '../../state/index.js';

const RULES: readonly AlertRuleId[] = [...THRESHOLD_IDS, ...EVENT_RULES, 'verify'];

/** Alerts that fit, oldest first. */
interface AlertList {
  file: string;
  alerts: Alert[];
  /** How many fit, shown or not. */
  fitting: number;
  skipped: SkippedLine[];
}

const DEFAULT_LIMIT = 20;

export default class MonitorAlerts extends BaseCommand {
  static override summary = 'Show alerts, follow them, or watch the machine and raise them.';
  static override description =
    'Lists the latest alerts, the newest last. LASTED is open while an alert is not over, and - for ' +
    'what happened at one moment.\n' +
    'With --run the machine is looked at every 30 seconds until it is told to end, and alerts go ' +
    'where the settings say: a notification on the desktop, the journal, the log, a command of your ' +
    'own. `rlimit timers install alerts` makes a service of it.\n' +
    'Thresholds and sinks are in $XDG_CONFIG_HOME/rlimit/alerts.yaml (for root also ' +
    '/etc/rlimit/alerts.yaml); without it memory from 85% and 90%, CPU, disks and GPU memory from ' +
    '90%, swap from 70%, a unit from 90% of its MemoryMax (a service also from 95%), memory ' +
    'pressure, stalls, and kills. The log is $XDG_STATE_HOME/rlimit/alerts.jsonl.';
  static override examples = [
    '<%= config.bin %> monitor alerts --since today',
    '<%= config.bin %> monitor alerts --follow --rule killed',
    '<%= config.bin %> monitor alerts --run --interval 10s',
    '<%= config.bin %> monitor alerts --check',
  ];
  static override flags = {
    since: Flags.string({
      description: 'only what was then or later: 30min, 2h (ago), today, 14:30, 2026-11-20',
      helpValue: 'SINCE',
    }),
    rule: Flags.string({ description: 'only alerts of that rule', helpValue: 'RULE' }),
    limit: Flags.integer({
      description: `only so many of the latest; 0 is all (default: ${DEFAULT_LIMIT})`,
      helpValue: 'N',
      min: 0,
    }),
    file: Flags.string({ description: 'another log than that of the settings', helpValue: 'FILE' }),
    follow: Flags.boolean({
      char: 'f',
      default: false,
      description: 'go on with new ones as they come',
      exclusive: ['run', 'check'],
    }),
    run: Flags.boolean({
      default: false,
      description: 'watch the machine and raise alerts, until told to end',
      exclusive: ['check', 'since', 'rule', 'limit'],
    }),
    interval: Flags.string({
      description: 'with --run: time between two looks (default: 30s)',
      helpValue: 'SPAN',
    }),
    settings: Flags.string({ description: 'another file of settings', helpValue: 'FILE' }),
    check: Flags.boolean({
      default: false,
      description: 'only read the settings, and say what they come to',
    }),
  };

  async run(): Promise<AlertList | Record<string, unknown> | undefined> {
    const { flags } = await this.parse(MonitorAlerts);
    const { rule, since } = flags;
    requireRule(rule);
    if (flags.interval !== undefined && !flags.run) {
      throw new UsageError('--interval goes with --run');
    }
    const settings = await loadAlertSettings(flags.settings);
    if (flags.check) return this.#check(settings);
    const file = flags.file ?? settings.sinks.log?.file ?? alertLogFile();
    if (flags.run) return this.#watch(settings, { file: flags.file, interval: flags.interval });
    const selection = {
      ...(rule === undefined ? {} : { rule }),
      ...(since === undefined ? {} : { since: parseMoment('--since', since, { now: Date.now() }) }),
    };
    // From here on, so that nothing is missed between the two.
    const follower = flags.follow ? new Follower(file) : undefined;
    const { alerts, skipped } = readAlerts(file, selection);
    for (const text of renderSkipped(skipped)) this.remark(`rlimit: warning: ${text}`);
    const shown = latest(alerts, flags.limit ?? DEFAULT_LIMIT);
    if (follower !== undefined) return this.#follow(follower, shown, selection);
    this.say(renderAlerts(shown));
    if (shown.length < alerts.length) {
      this.remark(`The latest ${shown.length} of ${alerts.length} alerts; --limit 0 shows all.`);
    }
    return { file, alerts: shown, fitting: alerts.length, skipped };
  }

  /** Returns nothing: with --json its lines are printed one by one, as they come. */
  async #follow(
    follower: Follower,
    shown: readonly Alert[],
    selection: Parameters<typeof isWanted>[1],
  ): Promise<undefined> {
    const print = this.#printer();
    for (const alert of shown) print(alert);
    await untilTold({ close() {} }, async (signal) => {
      for await (const line of follower.lines(signal)) {
        const alert = tolerantly(line);
        if (alert !== undefined && isWanted(alert, selection)) print(alert);
      }
    });
  }

  async #watch(
    settings: LoadedSettings,
    { file, interval }: { file: string | undefined; interval: string | undefined },
  ): Promise<undefined> {
    const intervalMs = interval === undefined ? DEFAULT_INTERVAL_MS : spanOf(interval);
    const { rules, sinks } = settings;
    // Also with --json: a watch that cannot tell anybody must not look as if all were well.
    const complain = (text: string) => process.stderr.write(`rlimit: warning: ${text}\n`);
    const log = file === undefined || sinks.log === undefined ? sinks.log : { ...sinks.log, file };
    const print = this.#printer();
    const source = new SampleSource(new Sampler({ details: Number.POSITIVE_INFINITY }));
    const kills = new KillReader();
    const guardKills = new GuardKills();
    await untilTold({ close: () => source.close() }, (signal) =>
      watchAlerts({
        sample: () => source.next(),
        kills: async (sample) => [...(await kills.read(sample)), ...guardKills.read(sample.atMs)],
        // A pause is one only beside the time between two looks.
        rules: new AlertRules({ ...rules, gapMs: Math.max(rules.gapMs, 3 * intervalMs) }),
        sinks: openSinks({ ...sinks, ...(log === undefined ? {} : { log }) }, complain),
        intervalMs,
        signal,
        onTrouble: complain,
        onChange: ({ raised, ended }) => {
          for (const alert of [...raised, ...ended]) print(alert);
        },
      }),
    );
  }

  #check(settings: LoadedSettings): Record<string, unknown> {
    const { file, rules, sinks } = settings;
    const { events, ...rest } = rules;
    this.say(
      file === undefined
        ? 'There is no file of settings: the defaults apply.'
        : `${file} can be used.`,
    );
    const report = {
      ...(file === undefined ? {} : { file }),
      rules: { ...rest, events: [...events] },
      sinks,
    };
    return report;
  }

  #printer(): (alert: Alert) => void {
    const isJson = this.jsonEnabled();
    return (alert) => {
      process.stdout.write(`${isJson ? JSON.stringify(alert) : renderAlert(alert)}\n`);
    };
  }
}

/** @throws {UnknownNameError} */
function requireRule(rule: string | undefined): void {
  if (rule === undefined || (RULES as readonly string[]).includes(rule)) return;
  const error = new UnknownNameError('rule', rule, RULES);
  error.why ??= `The rules are ${RULES.join(', ')}.`;
  throw error;
}

/** @throws {UsageError} */
function spanOf(text: string): number {
  const usec = readSpan(text);
  if (typeof usec === 'number' && usec >= 1_000_000 && usec <= 3_600_000_000) return usec / 1000;
  throw new UsageError(`--interval ${JSON.stringify(text)} is no time between 1s and 1h`, {
    remedy: '--interval 30s',
  });
}

function readSpan(text: string): number | 'infinity' | undefined {
  try {
    return parseSpan(text);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

function tolerantly(line: string): Alert | undefined {
  try {
    return parseAlert(line);
  } catch {
    return undefined;
  }
}
