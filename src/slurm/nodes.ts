/** What the nodes of a cluster have, as sinfo tells it. Pure. */
import type { Machine } from '../model/index.js';

/** `sinfo` with these arguments says what `parseNodes` reads. */
export const SINFO = ['--noheader', '--Node', '--format=%n|%R|%P|%m|%c|%Z|%t'];

/** A node as one partition has it. */
export interface ClusterNode {
  name: string;
  partition: string;
  /** The partition that a job goes to where none is named. */
  isDefault: boolean;
  machine: Machine;
  /** Whether jobs may be started there: neither down nor draining. */
  isUp: boolean;
}

/**
 * Reads lines of sinfo: node, partition, the same with a star where it is the default, RealMemory in MB,
 * logical CPUs, threads of a core, state (sinfo(1)). A line that is none of these is passed over.
 */
export function parseNodes(text: string): ClusterNode[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', partition = '', marked = '', memory, cpus, threads, state = ''] = line
      .trim()
      .split('|');
    const [megabytes, logical] = [Number(memory), Number.parseInt(cpus ?? '', 10)];
    if (!(megabytes > 0 && logical > 0)) return [];
    const perCore = Math.max(1, Number.parseInt(threads ?? '', 10) || 1);
    const bytes = megabytes * 1024 ** 2;
    const cores = Math.max(1, Math.floor(logical / perCore));
    return {
      name,
      partition,
      isDefault: marked.endsWith('*'),
      // Swap is not among what sinfo tells. As if there were some, nothing is refused or left out for
      // the want of it: what Slurm has no option for is left out anyway, for that reason.
      machine: { cores, cpus: logical, memory: bytes, swap: bytes },
      isUp: !/^(down|drain|drng|fail|unk|inval|boot|maint|planned_down)/.test(state),
    };
  });
}

/**
 * The node that a job has to fit on, wherever it comes to run: the smallest of the partition that it
 * goes to, by memory and then by CPUs.
 * @param partition the default one where it is not said
 */
export function smallestNode(
  nodes: readonly ClusterNode[],
  partition: string | undefined,
): ClusterNode | undefined {
  const names = partition?.split(',');
  const fitting = nodes.filter((node) => names?.includes(node.partition) ?? node.isDefault);
  const those = fitting.length > 0 || names !== undefined ? fitting : nodes;
  const up = those.filter(({ isUp }) => isUp);
  return [...(up.length > 0 ? up : those)].sort(
    ({ machine: a }, { machine: b }) => a.memory - b.memory || a.cpus - b.cpus,
  )[0];
}
