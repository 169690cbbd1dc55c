import type { Usage } from '../model/index.js';
import { parseCount, parseFlatKeyed } from './parse.js';
import type { KernelFiles } from './read.js';

/** The files `usageOf` looks into. */
export const USAGE_FILES = [
  'memory.current',
  'memory.peak',
  'memory.stat',
  'memory.swap.current',
  'memory.events',
  'cpu.stat',
  'pids.current',
] as const;

/**
 * What a cgroup uses, from its files. A file or a line that is not there is an absent field.
 * @throws {CgroupFileError}
 */
export function usageOf(files: KernelFiles): Usage {
  const memory = keyed(files, 'memory.stat');
  const cpu = keyed(files, 'cpu.stat');
  const events = keyed(files, 'memory.events');
  const fields: { [Key in keyof Usage]: Usage[Key] | undefined } = {
    memoryCurrent: count(files, 'memory.current'),
    memoryPeak: count(files, 'memory.peak'),
    memoryAnon: memory.anon,
    swapCurrent: count(files, 'memory.swap.current'),
    cpuUsec: cpu.usage_usec,
    throttledUsec: cpu.throttled_usec,
    tasks: count(files, 'pids.current'),
    oomKills: events.oom_kill,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function count(files: KernelFiles, file: string): number | undefined {
  const content = files[file];
  return content === undefined ? undefined : parseCount(content, file);
}

function keyed(files: KernelFiles, file: string): Record<string, number> {
  const content = files[file];
  return content === undefined ? {} : parseFlatKeyed(content, file);
}
