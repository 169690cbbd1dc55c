import type { MachineSample } from '../../model/index.js';

/** Ways to put units and processes in order. */
export const SORTS = ['memory', 'cpu', 'name'] as const;
export type MonitorSort = (typeof SORTS)[number];

/** One entry of the log of alerts, as far as it is shown. */
export interface ShownAlert {
  /** Milliseconds since the epoch. */
  time: number;
  severity: 'problem' | 'warning' | 'note';
  text: string;
}

/** What was seen in the last samples, each a part of its whole, the newest last. */
export interface Curves {
  memory: number[];
  swap: number[];
  cpu: number[];
  /** Part of the time in which somebody waited for memory. */
  stall: number[];
}

/** All that a frame shows. */
export interface MonitorView {
  sample: MachineSample;
  sort: MonitorSort;
  /** How many processes are shown at most. */
  processes: number;
  alerts: readonly ShownAlert[];
  curves?: Curves;
  /** Units that are left out since there are too many. */
  unitsLeftOut: number;
  /** The cgroup of the unit that keys act upon; absent where there are no keys. */
  selected?: string;
  /** What happened last, or what is asked now. */
  message?: string;
  /** A line of what the keys do. */
  keys?: string;
}

export interface MonitorLayout {
  width: number;
  isUtf8: boolean;
}
