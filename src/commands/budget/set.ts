import { Flags } from '@oclif/core';
import { type BudgetChange, setBudget } from '../../budget/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { renderBudgetChange } from '../../render/budget-report.js';
import { parseAssignments } from '../../run/options.js';

export default class BudgetSet extends BaseCommand {
  static override summary = 'Give all runs together a share of the machine.';
  static override description =
    'The limits become those of app-rlimit.slice, in which every run lives: at once, verified in ' +
    'the kernel, and for good. Without -p: all memory but a fifth (at least 2G, at most half), all ' +
    'CPUs but one core, and half the CPU weight of another program. With -p: exactly these.\n' +
    'Ends with 0, or with 1 when a limit is not in force.';
  static override examples = [
    '<%= config.bin %> budget set',
    "<%= config.bin %> budget set -p MemoryMax='60% of memory' -p TasksMax=2000",
    '<%= config.bin %> budget set --runtime -p MemoryMax=8G',
  ];
  static override flags = {
    property: Flags.string({
      char: 'p',
      description: 'a limit of the budget, as a profile takes it (may be repeated)',
      helpValue: 'NAME=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    runtime: Flags.boolean({ default: false, description: 'until the next boot only' }),
    force: Flags.boolean({ default: false, description: 'let pass what is refused as unwise' }),
  };

  async run(): Promise<BudgetChange> {
    const { flags } = await this.parse(BudgetSet);
    const { runtime, force } = flags;
    const wishes = parseAssignments(flags.property ?? []);
    const change = await setBudget({ wishes, runtime, force });
    this.say(renderBudgetChange(change));
    const isBad = change.budget.findings.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return change;
  }
}
