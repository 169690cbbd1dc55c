import type { Amount } from './unit.js';

/** A live run that holds a part of the budget. */
export interface BudgetHolder {
  unit: string;
  profile: string;
  /** What it may use, in bytes: its MemoryMax. Without one it may use all. */
  promise: Amount;
  /** What it uses now: memory.current, bytes. */
  used?: number;
  /** Milliseconds since the epoch at its start. */
  since: number;
  command: string[];
}

/** A run that waits for room in the budget. */
export interface BudgetWaiter {
  /** 1 is the next to start. Absent while it is stopped (Ctrl-Z), when others pass it. */
  place?: number;
  /** The rlimit that waits. */
  pid: number;
  unit: string;
  profile: string;
  /** Bytes; without a MemoryMax it wants all. */
  wants: Amount;
  /** Milliseconds since the epoch from which it waits. */
  since: number;
  command: string[];
}

/** The memory of the budget at one moment, in bytes, and who has it. */
export interface BudgetState {
  /** MemoryMax of the slice of all runs, as the kernel holds it. */
  memoryMax: number;
  /** Sum of what the runs may use: more than the budget after it was lowered. */
  promised: number;
  free: number;
  /** The oldest first. */
  holders: BudgetHolder[];
  /** In the order of their turn. */
  waiting: BudgetWaiter[];
}

/** Where a run stands that waits for room. */
export interface BudgetPlace {
  /** 1 is the next to start. */
  place: number;
  /** Bytes; without a MemoryMax it wants all. */
  wants: Amount;
  budget: BudgetState;
}
