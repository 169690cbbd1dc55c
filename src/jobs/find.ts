import { isBuildTool, jobNames } from './tools.js';

/** What is to be known of a process to find the jobs of a run. */
export interface JobProcess {
  pid: number;
  ppid: number;
  /** /proc/PID/comm: the process may have set it to anything. */
  comm: string;
  /** Clock ticks from boot to its start: with the PID it names one process for ever. */
  startTicks: number;
  /** Anonymous memory in bytes, swapped out parts included. */
  memory: number;
  /** The same at its most since the process was last looked at; absent where it is not known. */
  peak?: number;
  /** Whether it is stopped (state T: SIGSTOP). */
  frozen?: boolean;
}

/** One job: what a build tool started and waits for, with all that this started in turn. */
export interface Job {
  /** `PID:STARTTICKS` of the process at its root: names this job for ever. */
  key: string;
  /** PID of that process. */
  root: number;
  /** All its processes, parents before their children, the root first. */
  pids: number[];
  /** Name of its largest process. */
  comm: string;
  /** Anonymous memory of all its processes in bytes. */
  memory: number;
  /** The sum of what each of them had at most since it was last looked at, in bytes. */
  peak: number;
  /** Clock ticks from boot to the start of its root. */
  startTicks: number;
  /** Whether all of its processes are stopped. */
  frozen: boolean;
}

/**
 * Finds the jobs among the processes of a run. A job is a whole subtree of processes
 * - whose parent is a build tool, or whose root is named in `named`, and
 * - in which there is no build tool: a shell that runs a sub-make is none, its make's children are.
 * Of subtrees within each other the outermost is the job. A build tool is none whatever `named` says.
 * @param processes in any order; parents need not be among them, and a PID may be there twice
 * @param named comms of processes that are jobs wherever they are, as `jobNames` makes them
 */
export function findJobs(
  processes: Iterable<JobProcess>,
  named: ReadonlySet<string> = COMPILERS_ALONE,
): Job[] {
  const nodes = treeOf(processes);
  const jobs: Job[] = [];
  const open = nodes.filter(({ parent }) => parent === undefined);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { process, parent, holdsTool, children } = node;
    const isMeant = named.has(process.comm) || (parent !== undefined && isTool(parent));
    if (isMeant && !holdsTool) jobs.push(jobOf(node));
    else for (const child of children) open.push(child);
  }
  return jobs;
}

const COMPILERS_ALONE = jobNames();

interface Node {
  process: JobProcess;
  parent: Node | undefined;
  children: Node[];
  /** Whether it is a build tool, or one is below it. */
  holdsTool: boolean;
}

function isTool({ process }: Node): boolean {
  return isBuildTool(process.comm);
}

/** Links the processes. Of two with one PID the younger one is there now. */
function treeOf(processes: Iterable<JobProcess>): Node[] {
  const nodes = new Map<number, Node>();
  for (const process of processes) {
    const other = nodes.get(process.pid);
    if (other !== undefined && other.process.startTicks >= process.startTicks) continue;
    nodes.set(process.pid, { process, parent: undefined, children: [], holdsTool: false });
  }
  for (const node of nodes.values()) {
    const parent = nodes.get(node.process.ppid);
    // One that is younger than its child has got the PID of the parent, which has ended.
    if (parent === undefined || parent.process.startTicks > node.process.startTicks) continue;
    if (parent === node) continue;
    node.parent = parent;
    parent.children.push(node);
  }
  for (const node of nodes.values()) if (isTool(node)) markUpwards(node);
  return [...nodes.values()];
}

/** It stops at what is marked already, so it goes over each process once, and ends in a circle. */
function markUpwards(tool: Node): void {
  for (let node: Node | undefined = tool; node && !node.holdsTool; node = node.parent) {
    node.holdsTool = true;
  }
}

function jobOf(root: Node): Job {
  const members = [root];
  // It grows while it is gone through.
  for (const { children } of members) members.push(...children);
  let [memory, peak, most, frozen] = [0, 0, -1, true];
  let { comm } = root.process;
  for (const { process } of members) {
    const peakHere = process.peak ?? process.memory;
    memory += process.memory;
    peak += peakHere;
    frozen &&= process.frozen === true;
    if (peakHere > most) [most, comm] = [peakHere, process.comm];
  }
  const { pid, startTicks } = root.process;
  const pids = members.map(({ process }) => process.pid);
  return { key: `${pid}:${startTicks}`, root: pid, pids, comm, memory, peak, startTicks, frozen };
}
