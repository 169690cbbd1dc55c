/**
 * A share of the machine for all runs together: its limits, who holds what, and who waits. `run`
 * imports ./admit.js alone, which is light and loads the rest only where there is a budget.
 */
export { type BudgetChange, clearBudget, type SetOptions, setBudget } from './set.js';
export { type BudgetLimit, type BudgetReport, budgetState, showBudget } from './show.js';
