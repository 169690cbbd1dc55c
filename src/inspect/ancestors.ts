import { CgroupFileError, type KernelFiles, parseAmount, parseCpus } from '../cgroup/index.js';
import type { Amount, Finding } from '../model/index.js';
import { formatBytes, formatCpuList, formatCpuQuota, parseCpuList } from '../quantity/index.js';
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
  'cpuset.cpus',
] as const;

/** The tightest limit of a kind that the cgroups above a unit have. */
export interface AncestorLimit {
  /** Path below the cgroup root. */
  cgroup: string;
  /** Where that cgroup is one of a unit. */
  unit?: string;
  /** The kernel's file that holds it: memory.high bounds a MemoryMax below as well. */
  file: string;
  /** In systemd's syntax. */
  value: string;
  /** Bytes, tasks, µs of CPU time per second, or how many CPUs. */
  amount: number;
}

/** What the cgroups above allow of a property at most; absent where none limits it. */
export function tightestAncestor(
  property: string,
  context: KernelContext,
): AncestorLimit | undefined {
  const compared = COMPARED.find((one) => one.property === property);
  if (compared === undefined) return undefined;
  const { rivals, read, text } = compared;
  let tightest: AncestorLimit | undefined;
  for (const { cgroup, files } of context.ancestors ?? []) {
    for (const file of rivals) {
      const amount = amountIn(files, file, read);
      if (typeof amount !== 'number' || amount >= (tightest?.amount ?? Number.POSITIVE_INFINITY))
        continue;
      const name = cgroup.slice(cgroup.lastIndexOf('/') + 1);
      const unit = /\.(slice|scope|service)$/.test(name) ? { unit: name } : {};
      tightest = { cgroup, ...unit, file, value: text(amount, files[file]), amount };
    }
  }
  return tightest;
}

/**
 * A limit counts only as far as no cgroup above is tighter: one finding for each of the unit's
 * limits that is not the tightest, naming the ancestor that is.
 */
export function ancestorFindings(kernel: KernelFiles, context: KernelContext): Finding[] {
  return COMPARED.flatMap(({ property, file, read, text, isWatermark, within }) => {
    const own = amountIn(kernel, file, read);
    const above = tightestAncestor(property, context);
    if (own === undefined || own === 'infinity' || isWatermark) return [];
    if (above === undefined) return [];
    const mine = text(own, kernel[file]);
    if (within ? within(mine, above.value) : above.amount >= own) return [];
    return [tighterAncestor(property, { ...above, own: mine, theirs: above.value }, context)];
  });
}

type Read = (content: string, file: string) => Amount;

interface Compared {
  property: string;
  /** The unit's own file, and those of its ancestors that bind the same thing. */
  file: string;
  rivals: string[];
  read: Read;
  text(amount: Amount, content?: string): string;
  /** Where less is not told by an amount: whether all of the first is in the second. */
  within?(own: string, above: string): boolean;
  /** Not a bound of its own: a lower one above slows down, and is told of MemoryMax. */
  isWatermark?: true;
}

/** Properties with amounts that a cgroup above can bound. */
const COMPARED: readonly Compared[] = [
  {
    property: 'MemoryMax',
    file: 'memory.max',
    rivals: ['memory.max', 'memory.high'],
    read: parseAmount,
    text: formatBytes,
  },
  {
    property: 'MemoryHigh',
    file: 'memory.high',
    rivals: ['memory.high'],
    read: parseAmount,
    text: formatBytes,
    isWatermark: true,
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
  {
    property: 'AllowedCPUs',
    file: 'cpuset.cpus',
    rivals: ['cpuset.cpus'],
    // Empty: whatever the cgroup above has.
    read: (content, file) => parseCpus(content, file).length || 'infinity',
    text: (_, content = '') => formatCpuList(parseCpuList(content)),
    within: (own, above) => {
      const allowed = new Set(parseCpuList(above));
      return parseCpuList(own).every((cpu) => allowed.has(cpu));
    },
  },
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
