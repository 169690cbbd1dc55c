/** A sample of the machine for Prometheus. docs/monitor.md lists all metrics. */
import type { BudgetState, MachineSample } from '../../model/index.js';
import { type Metric, prometheusText } from './format.js';
import { guardMetrics } from './guards.js';
import { diskMetrics, gauge, gpuMetrics, machineMetrics, processMetrics } from './machine.js';
import { unitMetrics } from './units.js';

export { PROMETHEUS_TYPE } from './format.js';

/** What is exported of one moment. */
export interface Exported {
  sample: MachineSample;
  /** Limited units that are not in the sample since there are too many. */
  unitsLeftOut: number;
  /** Where a budget is set. */
  budget?: BudgetState;
  version: string;
  /** Of how many processes there are metrics: each is a label, and they come and go. */
  processes: number;
}

/** The text of a page of metrics. */
export function renderPrometheus({
  sample,
  unitsLeftOut,
  budget,
  version,
  processes,
}: Exported): string {
  return prometheusText([
    {
      name: 'info',
      type: 'gauge',
      help: 'The rlimit that tells all this; always 1.',
      points: [{ labels: { version }, value: 1 }],
    },
    gauge(
      'sample_timestamp_seconds',
      'When this was seen, in seconds since the epoch: for files that nobody writes any more.',
      sample.time / 1000,
    ),
    ...machineMetrics(sample),
    ...diskMetrics(sample.disks),
    ...gpuMetrics(sample.gpus, processes),
    gauge('units', 'Units that metrics are told of.', sample.units.length),
    gauge(
      'units_left_out',
      'Limited units that are left out since there are too many.',
      unitsLeftOut,
    ),
    ...unitMetrics(sample.units),
    ...processMetrics(sample.processes, processes),
    ...budgetMetrics(budget),
    ...guardMetrics(sample.guards ?? []),
  ]);
}

function budgetMetrics(budget: BudgetState | undefined): Metric[] {
  return [
    gauge(
      'budget_memory_max_bytes',
      'Memory for all runs of rlimit together; absent without a budget.',
      budget?.memoryMax,
    ),
    gauge(
      'budget_memory_promised_bytes',
      'What the runs of now may use of it together.',
      budget?.promised,
    ),
    gauge('budget_memory_free_bytes', 'What a next run can be given.', budget?.free),
    gauge('budget_runs', 'Runs that hold a part of the budget.', budget?.holders.length),
    gauge('budget_waiting', 'Runs that wait for room in the budget.', budget?.waiting.length),
  ];
}
