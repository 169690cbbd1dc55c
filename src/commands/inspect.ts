import { Args, Flags } from '@oclif/core';
import { budgetState } from '../budget/index.js';
import { BaseCommand } from '../cli/base-command.js';
import type { Explanation } from '../cli/explain.js';
import { explainFlag, withExplainValue } from '../cli/explain-flag.js';
import { machineFlag, machineFor } from '../cli/flags.js';
import { parseInterval } from '../cli/interval.js';
import { EXIT, UsageError } from '../errors/index.js';
import { type Inspection, inspect } from '../inspect/index.js';
import type { Limits } from '../model/index.js';
import { renderInspection } from '../render/inspect.js';
import type { StallReport } from '../watch/index.js';

export default class Inspect extends BaseCommand {
  static override summary = 'Show limits as asked, as systemd holds them and as the kernel does.';
  static override description =
    'For each unit of rlimit, or each named one, every property as it was asked for, as systemd ' +
    'holds it and as the kernel enforces it, with use beside the limit. What is not in force is ' +
    'explained, with the command that mends it.\n' +
    'UNIT is a .scope, .service or .slice; a name without suffix is a unit so called, or all ' +
    'units under that profile.\n' +
    'With --profile NAME, each named unit is compared with that profile as it resolves here, whoever ' +
    'made it; what differs is told with the systemctl line that sets it.\n' +
    'With --watch, what they use while they run, until Ctrl-C or until all named units have ended: ' +
    'redrawn on a terminal, one line a unit and interval in a pipe, one JSON object a line with ' +
    '--json. A stall between MemoryHigh and MemoryMax is noticed, and broken with --break-stall.\n' +
    'Ends with 0 when every hard limit is in force, 1 when one is not or a stall could not be ' +
    'broken, 2 for an unknown unit, 3 without a user manager, or when not all could be found out ' +
    '(the result is marked as partial).';
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect coq-standard --processes',
    '<%= config.bin %> inspect nix-daemon.service --json',
    '<%= config.bin %> inspect nix-daemon.service --profile nix-daemon',
    '<%= config.bin %> inspect --watch --interval 5',
    '<%= config.bin %> inspect --break-stall',
  ];
  static override strict = false;
  static override args = {
    unit: Args.string({ description: 'units to look at (default: all of rlimit)' }),
  };
  static override flags = {
    processes: Flags.boolean({
      default: false,
      description: 'list the processes of each unit, too',
    }),
    profile: Flags.string({
      description: 'compare the named units with this profile, whoever made them',
      helpValue: 'NAME',
    }),
    machine: machineFlag,
    strict: Flags.boolean({ default: false, description: 'end with 1 for warnings as well' }),
    watch: Flags.boolean({
      default: false,
      description: 'go on looking at what they use, and at their largest processes',
    }),
    interval: Flags.string({
      description: 'seconds between two looks of --watch, at least 0.2 (default: 2)',
      helpValue: 'SECONDS',
    }),
    'break-stall': Flags.boolean({
      default: false,
      description:
        'where a unit stalls between MemoryHigh and MemoryMax, lift MemoryHigh or kill the largest ' +
        'process, as the key on-stall of its profile says; without --watch look for some seconds',
    }),
    explain: explainFlag,
  };

  async run(): Promise<Inspection | StallReport | Explanation | undefined> {
    const { argv, flags } = await this.parse(Inspect, withExplainValue(this.argv));
    if (flags.explain !== undefined) return this.explain(flags.explain);
    const units = argv as string[];
    const isLong = flags.watch || flags['break-stall'];
    if (flags.profile !== undefined && (isLong || units.length === 0)) {
      throw new UsageError('--profile goes with the names of units, and without --watch');
    }
    if (flags.machine !== undefined && flags.profile === undefined) {
      throw new UsageError('--machine goes with --profile');
    }
    if (isLong && (flags.processes || flags.strict)) {
      throw new UsageError('--watch and --break-stall go without --processes and --strict');
    }
    if (flags.interval !== undefined && !flags.watch) {
      throw new UsageError('--interval goes with --watch');
    }
    if (flags.watch) {
      const intervalMs = parseInterval(flags.interval ?? '2');
      return this.#watch({ names: units, intervalMs, breaks: flags['break-stall'] });
    }
    return isLong ? this.#breakStalls(units) : this.#inspect(units, flags);
  }

  async #inspect(
    units: string[],
    { processes, strict, profile, machine }: InspectFlags,
  ): Promise<Inspection> {
    const limits = profile === undefined ? undefined : await limitsOf(profile, machine);
    const inspected = await inspect({
      units,
      processes,
      ...(limits === undefined ? {} : { profile: limits }),
    });
    const budget = units.length === 0 ? budgetState() : undefined;
    const inspection = { ...inspected, ...(budget === undefined ? {} : { budget }) };
    this.say(renderInspection(inspection));
    const findings = inspection.units.flatMap((unit) => unit.findings);
    const isBad = findings.some(({ severity }) => strict || severity === 'problem');
    const isWhole = inspection.units.every(({ partial }) => partial === undefined);
    this.endWith(isBad ? EXIT.problems : isWhole ? EXIT.fine : EXIT.unavailable);
    return inspection;
  }

  /** Returns nothing: with --json its lines are printed one by one, as they come. */
  async #watch({
    names,
    intervalMs,
    breaks,
  }: {
    names: string[];
    intervalMs: number;
    breaks: boolean;
  }): Promise<undefined> {
    // Loaded here: a single look is to start without them.
    const { onStallOf, watch } = await import('../watch/index.js');
    const { displayFor } = await import('../cli/watch-display.js');
    const { untilTold } = await import('../cli/until-told.js');
    const display = displayFor(process.stdout, { json: this.jsonEnabled() });
    const options = { names, intervalMs, ...(breaks ? { onStall: onStallOf } : {}) };
    await untilTold(display, async (signal) => {
      for await (const look of watch({ ...options, signal })) display.show(look);
    });
  }

  async #breakStalls(names: string[]): Promise<StallReport> {
    const { breakStalls, onStallOf } = await import('../watch/index.js');
    const { renderStallReport } = await import('../render/watch.js');
    const report = await breakStalls({ names, onStall: onStallOf });
    this.say(renderStallReport(report));
    const isLeft = report.units.some(({ broken }) => broken?.done === false);
    this.endWith(isLeft ? EXIT.problems : EXIT.fine);
    return report;
  }
}

/** A profile as it resolves here. What a unit has is looked at, however unwise it is. */
async function limitsOf(name: string, machine: string | undefined): Promise<Limits> {
  // Loaded here: without a profile inspect is to start without YAML.
  const { loadProfile, resolve } = await import('../profiles/index.js');
  return resolve(await loadProfile(name), machineFor(machine), { force: true });
}

interface InspectFlags {
  processes: boolean;
  strict: boolean;
  profile?: string | undefined;
  machine?: string | undefined;
}
