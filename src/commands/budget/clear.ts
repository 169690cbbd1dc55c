import { Flags } from '@oclif/core';
import { type BudgetChange, clearBudget } from '../../budget/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { renderBudgetChange } from '../../render/budget-report.js';

export default class BudgetClear extends BaseCommand {
  static override summary = 'Take the budget away.';
  static override description =
    'The limits of app-rlimit.slice go at once; runs keep their own. Runs that wait start.\n' +
    'Ends with 0, or with 1 when something else still bounds the slice.';
  static override examples = [
    '<%= config.bin %> budget clear',
    '<%= config.bin %> budget clear --runtime',
  ];
  static override flags = {
    runtime: Flags.boolean({
      default: false,
      description: 'only what --runtime set: what is set for good counts again',
    }),
  };

  async run(): Promise<BudgetChange> {
    const { flags } = await this.parse(BudgetClear);
    const change = await clearBudget({ runtime: flags.runtime });
    this.say(renderBudgetChange(change));
    const isBad = change.budget.findings.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return change;
  }
}
