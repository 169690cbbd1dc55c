import { type BudgetReport, showBudget } from '../../budget/index.js';
import { BaseCommand } from '../../cli/base-command.js';
import { EXIT } from '../../errors/index.js';
import { renderBudget } from '../../render/budget-report.js';

export default class Budget extends BaseCommand {
  static override summary = 'Show the share of the machine that all runs have together.';
  static override description =
    'Its limits and whether the kernel holds them, how much of its memory is promised to runs, who ' +
    'holds what, and who waits. A run promises its MemoryMax; one that does not fit is refused, or ' +
    'waits for its turn with --wait. CPU time is not divided beforehand: the kernel shares it out.\n' +
    'Ends with 0, or with 1 when a limit of the budget is not in force.';
  static override examples = [
    '<%= config.bin %> budget',
    '<%= config.bin %> budget set',
    "<%= config.bin %> budget set -p MemoryMax='60% of memory' -p CPUQuota=600%",
    '<%= config.bin %> budget clear',
  ];

  async run(): Promise<BudgetReport> {
    await this.parse(Budget);
    const report = showBudget();
    this.say(renderBudget(report));
    const isBad = report.findings.some(({ severity }) => severity === 'problem');
    this.endWith(isBad ? EXIT.problems : EXIT.fine);
    return report;
  }
}
