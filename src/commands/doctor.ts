import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { canAsk, confirm } from '../cli/confirm.js';
import type { Explanation } from '../cli/explain.js';
import { explainFlag, withExplainValue } from '../cli/explain-flag.js';
import { withSignals } from '../cli/with-signals.js';
import {
  CHECK_TITLES,
  type DoctorReport,
  examine,
  type Fix,
  mend,
  placeHere,
  planFixes,
} from '../doctor/index.js';
import { EXIT, UsageError } from '../errors/index.js';
import { EXPERIMENTS, type ExperimentName, type ProofReport } from '../prove/types.js';
import { renderCheckList, renderDoctor, renderFixPlan, renderFixReport } from '../render/doctor.js';

export default class Doctor extends BaseCommand {
  static override summary = 'Look for everything on this machine that keeps limits from working.';
  static override description =
    'cgroups, the user manager, delegation, swap, systemd-oomd and earlyoom, the caps of users and ' +
    'containers, and the tools around them. What is not well is told with what was seen, why it ' +
    'matters, and the command or file that mends it. What cannot be found out is said to be ' +
    'unknown.\n' +
    'CHECK names single checks (see --list).\n' +
    'With --fix, what needs no root is done after it was shown, and a script is written for what ' +
    'does, with a way back (--undo).\n' +
    'With --prove, small experiments are made instead, each in a scope of its own: a program is ' +
    'killed at MemoryMax, held at CPUQuota, refused a fork at TasksMax, and so on. They take some ' +
    'seconds each and at most 192 MiB, nothing is tried on a machine short of memory, and nothing ' +
    'stays behind. Root tries the system’s manager, everybody else their own.\n' +
    'Ends with 0 when there are no problems and every limit held, 1 otherwise, 2 for a mistake in ' +
    'what was asked, 3 when an experiment could not be made.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor swap oomd earlyoom',
    '<%= config.bin %> doctor --fix',
    '<%= config.bin %> doctor --json --strict',
    '<%= config.bin %> doctor --prove',
    '<%= config.bin %> doctor --prove --only memory-max --only cpu-quota',
  ];
  static override strict = false;
  static override args = {
    check: Args.string({ description: 'checks to make (default: all)' }),
  };
  static override flags = {
    list: Flags.boolean({ default: false, description: 'print the names of the checks' }),
    strict: Flags.boolean({
      default: false,
      description: 'end with 1 for warnings and for what is unknown as well',
    }),
    fix: Flags.boolean({
      default: false,
      description: 'mend what needs no root, and write a script for the rest',
    }),
    yes: Flags.boolean({
      char: 'y',
      default: false,
      description: 'with --fix, do not ask',
    }),
    script: Flags.string({
      description: 'where --fix writes the script for root (default: rlimit-doctor-fix.sh)',
      helpValue: 'FILE',
    }),
    'notify-test': Flags.boolean({
      default: false,
      description: 'send a desktop notification, to see whether alerts are shown',
    }),
    explain: explainFlag,
    prove: Flags.boolean({
      default: false,
      description: 'try the limits by experiment',
      exclusive: ['fix', 'list', 'notify-test', 'strict'],
    }),
    only: Flags.string({
      description: 'with --prove: make this experiment (may be repeated)',
      options: [...EXPERIMENTS],
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<DoctorReport | ProofReport | Explanation | Record<string, string>> {
    const { argv, flags } = await this.parse(Doctor, withExplainValue(this.argv));
    if (flags.explain !== undefined) return this.explain(flags.explain);
    if (flags.list) {
      this.say(renderCheckList());
      return Object.fromEntries(CHECK_TITLES);
    }
    if (!flags.fix && (flags.yes || flags.script !== undefined)) {
      throw new UsageError('--yes and --script go with --fix');
    }
    if (!flags.prove && flags.only !== undefined) throw new UsageError('--only goes with --prove');
    const names = argv as string[];
    if (flags.prove) return this.#prove(names, flags.only as ExperimentName[] | undefined);
    const { report, fixes } = await examine({ names, notifyTest: flags['notify-test'] });
    const after = flags.fix
      ? await this.#fix({ report, fixes, names, script: flags.script, yes: flags.yes })
      : report;
    if (!flags.fix) this.say(renderDoctor(report, planFixes(fixes)));
    const { warning, problem, unknown } = after.summary;
    const bad = flags.strict ? problem + warning + unknown : problem;
    this.endWith(bad > 0 ? EXIT.problems : EXIT.fine);
    return after;
  }

  async #prove(
    names: readonly string[],
    only: readonly ExperimentName[] | undefined,
  ): Promise<ProofReport> {
    if (names.length > 0) {
      throw new UsageError('--prove makes experiments, and no checks', {
        remedy: `rlimit doctor --prove --only NAME; or rlimit doctor ${names.join(' ')}`,
      });
    }
    // Loaded here: the checks are to start without them.
    const { outcomeOf, prove } = await import('../prove/index.js');
    const { renderProofs } = await import('../render/prove.js');
    const report = await withSignals((signal) =>
      prove({
        signal,
        ...(only === undefined ? {} : { only }),
        onStart: ({ name, title }) => {
          if (process.stderr.isTTY) this.remark(`${name}: ${title} …`);
        },
      }),
    );
    this.say(renderProofs(report));
    this.endWith(PROOF_STATUS[outcomeOf(report.proofs)]);
    return report;
  }

  async #fix({
    report,
    fixes,
    names,
    script = 'rlimit-doctor-fix.sh',
    yes,
  }: {
    report: DoctorReport;
    fixes: readonly Fix[];
    names: string[];
    script: string | undefined;
    yes: boolean;
  }): Promise<DoctorReport> {
    this.say(renderDoctor(report));
    const plan = planFixes(fixes);
    if (plan.own.length + plan.root.length === 0) {
      this.say('\nThere is nothing that --fix could mend.');
      return report;
    }
    this.say(`\n${renderFixPlan(plan, script)}\n`);
    if (!yes && (this.jsonEnabled() || !canAsk())) {
      throw new UsageError('--fix asks first, and there is nobody to ask', {
        why: 'Neither is there a terminal, nor was --yes given. Nothing was changed.',
        remedy: 'rlimit doctor --fix --yes',
      });
    }
    if (!yes && !(await confirm('Go ahead?'))) {
      this.say('Nothing was changed.');
      return report;
    }
    const fix = await mend(plan, { place: placeHere(), script: resolve(script) });
    this.say(renderFixReport(fix));
    // What was mended by now is no finding any more.
    const after = await examine({ names });
    return { ...after.report, fix };
  }
}

const PROOF_STATUS = { held: EXIT.fine, failed: EXIT.problems, refused: EXIT.unavailable };
