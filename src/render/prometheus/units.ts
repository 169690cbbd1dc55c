/** What units are exported as. */
import type { Amount, UnitSample } from '../../model/index.js';
import { limitUses } from '../unit-use.js';
import type { Labels, Metric, MetricType, Point } from './format.js';
import { pressurePoints } from './machine.js';

/** Two users may have a unit of the same name, so the path of the cgroup is a label as well. */
function labelsOf({ unit, cgroup }: UnitSample): Labels {
  return { unit, cgroup };
}

export function unitMetrics(units: readonly UnitSample[]): Metric[] {
  const of = (
    name: string,
    help: string,
    value: (unit: UnitSample) => number | undefined,
    type: MetricType = 'gauge',
  ): Metric => ({
    name: `unit_${name}`,
    type,
    help,
    points: units.map((unit) => ({ labels: labelsOf(unit), value: value(unit) })),
  });
  const counter = (name: string, help: string, value: (unit: UnitSample) => number | undefined) =>
    of(name, help, value, 'counter');
  return [
    infoMetric(units),
    of(
      'start_time_seconds',
      'When a run of rlimit began, in seconds since the epoch.',
      ({ started }) => (started === undefined ? undefined : started / 1000),
    ),
    of(
      'memory_bytes',
      'Memory of a unit, its cached files included (memory.current).',
      ({ use }) => use.memory,
    ),
    of(
      'memory_anon_bytes',
      'Memory of its programs, without files (anon of memory.stat).',
      ({ use }) => use.anon,
    ),
    of(
      'swap_bytes',
      'Memory of a unit that is swapped out (memory.swap.current).',
      ({ use }) => use.swap,
    ),
    counter('cpu_seconds_total', 'CPU time of a unit (usage_usec of cpu.stat).', ({ use }) =>
      seconds(use.cpuUsec),
    ),
    of('cpu_cores', 'Cores that a unit kept busy since the sample before.', ({ use }) => use.cores),
    of('tasks', 'Processes and threads of a unit (pids.current).', ({ use }) => use.tasks),
    of(
      'memory_max_bytes',
      'Limit at which the kernel kills (memory.max); absent without one.',
      ({ limits }) => finite(limits.memoryMax),
    ),
    of(
      'memory_high_bytes',
      'Limit at which the kernel slows down (memory.high); absent without one.',
      ({ limits }) => finite(limits.memoryHigh),
    ),
    of('swap_max_bytes', 'Limit of swap (memory.swap.max); absent without one.', ({ limits }) =>
      finite(limits.swapMax),
    ),
    of('tasks_max', 'Limit of tasks (pids.max); absent without one.', ({ limits }) =>
      finite(limits.tasksMax),
    ),
    of(
      'cpu_max_cores',
      'Cores that a unit may use (cpu.max); absent without a limit.',
      ({ limits }) => finite(limits.cores),
    ),
    {
      name: 'unit_limit_used_ratio',
      type: 'gauge',
      help: 'Part of a limit of its own that a unit uses, by the limit.',
      points: units.flatMap((unit) =>
        limitUses(unit).map(({ limit, part }) => ({
          labels: { ...labelsOf(unit), limit },
          value: part,
        })),
      ),
    },
    {
      name: 'unit_pressure_ratio',
      type: 'gauge',
      help: 'Part of the time in which some tasks of a unit, or all at once (full), waited (PSI).',
      points: units.flatMap((unit): Point[] => pressurePoints(unit.pressure, labelsOf(unit))),
    },
    counter(
      'memory_high_events_total',
      'How often a unit was over memory.high, and slowed down.',
      ({ events }) => events.high,
    ),
    counter(
      'memory_max_events_total',
      'How often a unit was about to go over memory.max.',
      ({ events }) => events.max,
    ),
    counter(
      'oom_kills_total',
      'Processes of a unit that the kernel has killed for lack of memory.',
      ({ events }) => events.oomKill,
    ),
    counter(
      'cpu_periods_total',
      'Periods of the CPU quota so far.',
      ({ events }) => events.periods,
    ),
    counter(
      'cpu_throttled_periods_total',
      'Those in which the CPU quota ran out.',
      ({ events }) => events.throttled,
    ),
    counter(
      'cpu_throttled_seconds_total',
      'Time for which tasks of a unit were held back by the CPU quota.',
      ({ events }) => seconds(events.throttledUsec),
    ),
    of('frozen', '1 while a unit is frozen (cgroup.freeze).', ({ frozen }) =>
      frozen === true ? 1 : 0,
    ),
  ];
}

function infoMetric(units: readonly UnitSample[]): Metric {
  return {
    name: 'unit_info',
    type: 'gauge',
    help: 'A unit with a limit, or a run of rlimit; always 1.',
    points: units.map((unit) => ({
      labels: { ...labelsOf(unit), ours: String(unit.ours), profile: unit.profile ?? '' },
      value: 1,
    })),
  };
}

function seconds(usec: number | undefined): number | undefined {
  return usec === undefined ? undefined : usec / 1e6;
}

function finite(amount: Amount | undefined): number | undefined {
  return typeof amount === 'number' ? amount : undefined;
}
