import { CgroupFileError, type KernelFiles, parseAmount } from '../cgroup/index.js';
import type { Amount, Finding } from '../model/index.js';
import { formatBytes, formatCpuQuota } from '../quantity/index.js';
import { tighterAncestor } from './causes.js';
import type { KernelContext } from './context.js';
import { grantedCpu } from './meaning.js';

/** The files of a cgroup above that can hold a unit tighter than its own limits do. */
export const ANCESTOR_FILES = [
  'memory.max',
  'memory.high',
  'memory.swap.max',
  'cpu.max',
  'pids.max',
] as const;

/**
 * A limit counts only as far as no cgroup above is tighter: one finding for each of the unit's
 * limits that is not the tightest, naming the ancestor that is.
 */
export function ancestorFindings(kernel: KernelFiles, context: KernelContext): Finding[] {
  const findings: Finding[] = [];
  for (const { property, file, rivals, read, text } of COMPARED) {
    const own = amountIn(kernel, file, read);
    if (own === undefined || own === 'infinity') continue;
    let tightest: { amount: number; cgroup: string; file: string } | undefined;
    for (const { cgroup, files } of context.ancestors ?? []) {
      for (const rival of rivals) {
        const amount = amountIn(files, rival, read);
        if (typeof amount !== 'number' || amount >= (tightest?.amount ?? own)) continue;
        tightest = { amount, cgroup, file: rival };
      }
    }
    if (!tightest) continue;
    const figures = { ...tightest, own: text(own), theirs: text(tightest.amount) };
    findings.push(tighterAncestor(property, figures, context));
  }
  return findings;
}

type Read = (content: string, file: string) => Amount;

interface Compared {
  property: string;
  /** The unit's own file, and those of its ancestors that bind the same thing. */
  file: string;
  rivals: string[];
  read: Read;
  text(amount: Amount): string;
}

const COMPARED: readonly Compared[] = [
  {
    property: 'MemoryMax',
    file: 'memory.max',
    rivals: ['memory.max', 'memory.high'],
    read: parseAmount,
    text: formatBytes,
  },
  {
    property: 'MemorySwapMax',
    file: 'memory.swap.max',
    rivals: ['memory.swap.max'],
    read: parseAmount,
    text: formatBytes,
  },
  {
    property: 'CPUQuota',
    file: 'cpu.max',
    rivals: ['cpu.max'],
    read: grantedCpu,
    text: formatCpuQuota,
  },
  { property: 'TasksMax', file: 'pids.max', rivals: ['pids.max'], read: parseAmount, text: String },
];

/** Absent where there is no such file, or where it makes no sense: that is said elsewhere. */
function amountIn(files: KernelFiles, file: string, read: Read): Amount | undefined {
  const content = files[file];
  if (content === undefined) return undefined;
  try {
    return read(content, file);
  } catch (error) {
    if (error instanceof CgroupFileError) return undefined;
    throw error;
  }
}
