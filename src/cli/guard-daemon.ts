/**
 * `guard run` without oclif: a daemon keeps resident what it has loaded, and this one has to live where
 * memory is short. What is wrong on its command line is left to oclif, which says so in its own way.
 */
import { parseArgs } from 'node:util';
import type { AlertSettings, EventRuleId } from '../alerts/settings.js';
import { EXIT, isRlimitError, SettingsFileError } from '../errors/index.js';
import { runProgram } from '../guard/act/program.js';
import { jsonLine } from '../guard/collect/entry.js';
import { type GuardEnd, type RunOptions, runGuard } from '../guard/run.js';
import type { GuardSettings } from '../guard/settings/settings.js';
import { eventToJson, renderEvent } from '../render/guard-events.js';

/**
 * Runs the guard until it is told to end.
 * @returns the exit code; undefined for a command line that is for oclif
 */
export async function runDaemon(argv: readonly string[]): Promise<number | undefined> {
  const flags = parseFlags(argv);
  if (flags === undefined) return undefined;
  try {
    const { remark } = await guardUntilTold({
      ...flags,
      read: readApart,
      readAlerts: readAlertsApart,
    });
    if (remark === undefined) return EXIT.fine;
    process.stderr.write(`${remark}\n`);
    return EXIT.problems;
  } catch (error) {
    const { reportRunError } = await import('./report-run-error.js');
    const status = reportRunError(error, argv);
    return isRlimitError(error) ? status : EXIT.problems;
  }
}

interface Flags {
  config?: string | undefined;
  trace?: string | undefined;
  json?: boolean | undefined;
}

function parseFlags(argv: readonly string[]): Flags | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        trace: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    return values;
  } catch {
    return undefined;
  }
}

/** The guard, with each event on a line of stdout. `remark` says why it did not begin. */
export async function guardUntilTold({
  config,
  trace,
  json = false,
  read,
  readAlerts,
}: Flags & Pick<RunOptions, 'read' | 'readAlerts'>): Promise<{
  end: GuardEnd;
  remark?: string;
}> {
  const end = await runGuard({
    ...(config === undefined ? {} : { config }),
    ...(trace === undefined ? {} : { trace }),
    ...(read === undefined ? {} : { read }),
    ...(readAlerts === undefined ? {} : { readAlerts }),
    tell: (event, { logging }) => {
      const isJson = json || logging.json_logs;
      process.stdout.write(isJson ? jsonLine(eventToJson(event)) : `${renderEvent(event)}\n`);
    },
  });
  if (end.ended === 'told') return { end };
  const who = end.holder === undefined ? 'another guard' : `the guard with PID ${end.holder}`;
  return { end, remark: `${who} runs already: rlimit guard status` };
}

/**
 * Has another process read the settings: a YAML parser and a schema stay 15 MB large.
 * @throws {SettingsFileError}
 */
async function readApart(file: string): Promise<GuardSettings> {
  const check = await ask<Check>(file, ['guard', 'check', file]);
  if (check.settings !== undefined) return check.settings;
  const [first] = check.problems ?? [];
  throw new SettingsFileError(file, first?.message ?? saidOf(check, file), first?.position);
}

/** @throws {SettingsFileError} */
async function readAlertsApart(file: string): Promise<AlertSettings> {
  const check = await ask<AlertsCheck>(file, ['monitor', 'alerts', '--check', '--settings', file]);
  const { rules, sinks } = check;
  if (rules === undefined || sinks === undefined) {
    throw new SettingsFileError(file, saidOf(check, file));
  }
  return { rules: { ...rules, events: new Set(rules.events) }, sinks };
}

/** What a verb of ours prints about a file with --json. */
async function ask<T>(file: string, words: readonly string[]): Promise<T> {
  const ran = await runProgram([process.execPath, process.argv[1] ?? '', ...words, '--json']);
  try {
    return JSON.parse(ran.stdout) as T;
  } catch {
    throw new SettingsFileError(file, `could not be read: ${ran.stderr.trim()}`);
  }
}

function saidOf({ error }: Pick<Check, 'error'>, file: string): string {
  return error?.message.replace(`${file}: `, '') ?? 'cannot be read';
}

/** What `monitor alerts --check --json` prints: settings, or why there are none. */
interface AlertsCheck extends Pick<Check, 'error'> {
  rules?: Omit<AlertSettings['rules'], 'events'> & { events: EventRuleId[] };
  sinks?: AlertSettings['sinks'];
}

/** What `guard check --json` prints: a check, or why there is none. */
interface Check {
  settings?: GuardSettings;
  problems?: { message: string; position?: { line: number; column: number } }[];
  error?: { message: string };
}
