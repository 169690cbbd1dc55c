import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { withSignals } from '../cli/with-signals.js';
import { EXIT } from '../errors/index.js';
import { EXPERIMENTS, outcomeOf, type ProofReport, prove } from '../prove/index.js';
import { renderProofs } from '../render/prove.js';

export default class Doctor extends BaseCommand {
  static override summary = 'Show by experiment that the kernel enforces limits on this machine.';
  static override description =
    'With --prove, small experiments, each in a scope of its own and each in seconds: a program is ' +
    'killed at MemoryMax, held at CPUQuota, refused a fork at TasksMax, and so on. They take at ' +
    'most 192 MiB, nothing is tried on a machine short of memory, and nothing stays behind.\n' +
    'Root tries the system’s manager, everybody else their own.\n' +
    'Ends with 0 when all held, 1 when a limit did not hold or has nothing that could hold it, ' +
    '3 when something could not be tried.';
  static override examples = [
    '<%= config.bin %> doctor --prove',
    '<%= config.bin %> doctor --prove --only memory-max --only cpu-quota',
    '<%= config.bin %> doctor --prove --json',
  ];
  static override flags = {
    prove: Flags.boolean({ description: 'make the experiments', required: true }),
    only: Flags.string({
      description: 'make this experiment (may be repeated)',
      options: [...EXPERIMENTS],
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      dependsOn: ['prove'],
    }),
  };

  async run(): Promise<ProofReport> {
    const { flags } = await this.parse(Doctor);
    const only = EXPERIMENTS.filter((name) => flags.only?.includes(name));
    const report = await withSignals((signal) =>
      prove({
        signal,
        ...(only.length === 0 ? {} : { only }),
        onStart: ({ name, title }) => {
          if (process.stderr.isTTY) this.remark(`${name}: ${title} …`);
        },
      }),
    );
    this.say(renderProofs(report));
    this.endWith(STATUS[outcomeOf(report.proofs)]);
    return report;
  }
}

const STATUS = { held: EXIT.fine, failed: EXIT.problems, refused: EXIT.unavailable };
