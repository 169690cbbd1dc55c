/**
 * `guard run` without oclif: a daemon keeps resident what it has loaded, and this one has to live where
 * memory is short. What is wrong on its command line is left to oclif, which says so in its own way.
 */
import { parseArgs } from 'node:util';
import { EXIT, isRlimitError, SettingsFileError } from '../errors/index.js';
import { runProgram } from '../guard/act/program.js';
import { jsonLine } from '../guard/collect/entry.js';
import { type GuardEnd, runGuard } from '../guard/run.js';
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
    const { remark } = await guardUntilTold({ ...flags, read: readApart });
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
}: Flags & { read?: (file: string) => Promise<GuardSettings> }): Promise<{
  end: GuardEnd;
  remark?: string;
}> {
  const end = await runGuard({
    ...(config === undefined ? {} : { config }),
    ...(trace === undefined ? {} : { trace }),
    ...(read === undefined ? {} : { read }),
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
  const ran = await runProgram([
    ...[process.execPath, process.argv[1] ?? '', 'guard', 'check', file, '--json'],
  ]);
  let check: Check;
  try {
    check = JSON.parse(ran.stdout) as Check;
  } catch {
    throw new SettingsFileError(file, `could not be read: ${ran.stderr.trim()}`);
  }
  if (check.settings !== undefined) return check.settings;
  const [first] = check.problems ?? [];
  const said = check.error?.message.replace(`${file}: `, '');
  const detail = first?.message ?? said ?? 'cannot be read';
  throw new SettingsFileError(file, detail, first?.position);
}

/** What `guard check --json` prints: a check, or why there is none. */
interface Check {
  settings?: GuardSettings;
  problems?: { message: string; position?: { line: number; column: number } }[];
  error?: { message: string };
}
