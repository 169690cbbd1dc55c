import { UsageError } from '../errors/index.js';

/** A process as it was named: by its PID, and perhaps by its start as well. */
export interface Target {
  pid: number;
  /** Clock ticks from boot to its start, field 22 of /proc/PID/stat. */
  startTicks?: number;
}

/**
 * Reads `PID` or `PID:STARTTICKS`.
 * @throws {UsageError}
 */
export function parseTarget(text: string): Target {
  const [, pid = '', ticks] = /^(\d{1,10})(?::(\d{1,15}))?$/.exec(text.trim()) ?? [];
  if (Number(pid) > 0) {
    return { pid: Number(pid), ...(ticks === undefined ? {} : { startTicks: Number(ticks) }) };
  }
  throw new UsageError(`--pid ${JSON.stringify(text)} is not a process ID`, {
    why: 'A number, or a number and the start of the process: PID:STARTTICKS.',
    remedy: 'pgrep -l NAME',
  });
}
