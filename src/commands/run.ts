import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { RUN_OPTIONS } from '../run/options.js';

/**
 * The face of `run` towards help, completion and the manifest. The executable runs `run` without
 * oclif (src/main.ts), from the same table of options.
 */
export default class Run extends BaseCommand {
  static override summary = 'Run a command under the limits of a profile.';
  static override description = [
    'The command runs in a systemd scope of its own. Before its first instruction the limits are ' +
      'read back from the kernel; what is not in force is said. Everything else is as without ' +
      'rlimit: terminal, Ctrl-C, working directory, environment, open files, exit status, death ' +
      'by signal.',
    'The command finds RLIMIT_PROFILE, RLIMIT_UNIT and RLIMIT_JOBS in its environment.',
    "Exit status: the command's own; 2 a mistake in what was asked; 125 it could not be started " +
      'as asked; 126 it cannot be executed; 127 it was not found.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> run coq-standard -- make -j4',
    '<%= config.bin %> run coq-standard --dry-run -- make -j4',
    '<%= config.bin %> run -p MemoryMax=20G -p TasksMax=200 -- bash -c "make clean && make"',
    '$ make -j$(<%= config.bin %> tune coq-standard --jobs-only)',
  ];
  static override usage = 'run [PROFILE] [OPTION…] [--] COMMAND [ARG…]';
  static override enableJsonFlag = false;
  static override strict = false;
  static override args = {
    profile: Args.string({ description: 'profile to run under (default: default)' }),
    command: Args.string({ description: 'command with its arguments' }),
  };
  static override flags = Object.fromEntries(
    Object.entries(RUN_OPTIONS)
      .filter(([name]) => name !== 'help')
      .map(([name, option]) => [name, flagOf(option)]),
  );

  async run(): Promise<void> {
    throw new Error('`run` does not go through oclif');
  }
}

function flagOf(option: {
  char?: string;
  value?: string;
  multiple?: boolean;
  options?: readonly string[];
  summary: string;
}) {
  const { char, value, multiple = false, options, summary } = option;
  const common = { description: summary, ...(char === undefined ? {} : { char: char as 'p' }) };
  if (value === undefined) return Flags.boolean(common);
  if (options !== undefined) return Flags.string({ ...common, options: [...options] });
  return multiple
    ? Flags.string({ ...common, helpValue: value, multiple })
    : Flags.string({ ...common, helpValue: value });
}
