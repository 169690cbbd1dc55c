import type { TroubleId } from '../model/index.js';

/** The verbs that tell of troubles. */
export type Finder = 'budget' | 'doctor' | 'inspect' | 'profile check' | 'prove' | 'run';

/** What is known of a trouble, wherever it is found. */
export interface Trouble {
  /** What is wrong, in a few words, without a full stop. */
  title: string;
  /** What comes of it, and how it comes about; whole sentences. */
  why: string;
  /** What mends it, in general. The finding has the command for the case at hand. */
  mend: string;
  /** Who tells of it. */
  found: readonly Finder[];
  /** Only these major versions of systemd have it; absent: all. */
  systemd?: { from?: number; until?: number };
  /** Where it was read or seen: man page, kernel document, issue. */
  source?: string;
}

/** Every trouble by its name. */
export const TROUBLES: Readonly<Record<TroubleId, Trouble>> = {
  'ancestor-tighter': {
    title: 'a cgroup above allows less',
    why: 'A limit counts only as far as no cgroup above is tighter, and what all units below that one use together counts against it.',
    mend: 'Raise the limit above, or go by it: the finding names the unit or file that sets it.',
    found: ['inspect', 'run'],
    source: 'cgroup v2, section Resource Distribution Models: Limits',
  },
  'budget-set-elsewhere': {
    title: 'the budget’s slice has a limit that rlimit did not write',
    why: 'A file of the user’s or of the system’s limits app-rlimit.slice as well; that one holds where it says otherwise.',
    mend: 'Remove the other file, or set the budget again: rlimit budget set.',
    found: ['budget'],
    source: 'systemd.unit(5), drop-ins',
  },
  'changed-since': {
    title: 'systemd holds another value than was asked for',
    why: 'Somebody changed the running unit (systemctl set-property), or a drop-in overrides what was asked.',
    mend: 'Set the value again (systemctl set-property --runtime), or start the unit anew.',
    found: ['inspect'],
  },
  'controller-not-delegated': {
    title: 'the user manager was not given the controller',
    why: 'user@.service delegates cpu, memory and pids only (before systemd 252: memory and pids). systemd accepts IOWeight= and AllowedCPUs= of a user’s unit without a word, and the kernel has no file to hold them.',
    mend: 'As root a drop-in of user@.service with Delegate=cpu cpuset io memory pids, and a new login; or leave the property out.',
    found: ['inspect', 'profile check', 'run'],
    source: 'systemd.resource-control(5), Delegate=; user@.service',
  },
  'controller-not-enabled': {
    title: 'the controller is not switched on for this cgroup',
    why: 'The cgroup above does not have it in cgroup.subtree_control, so that the kernel shows no file for it here.',
    mend: 'Set the property again, so that systemd switches the controller on.',
    found: ['inspect', 'run'],
    source: 'cgroup v2, section Enabling and Disabling',
  },
  'cpu-not-present': {
    title: 'AllowedCPUs names a CPU that is not there',
    why: 'The kernel may refuse the whole list for it (Numerical result out of range, in systemd’s journal): then none of it holds, and the unit runs on every CPU.',
    mend: 'AllowedCPUs: 0-7 where present, which takes those of them that there are.',
    found: ['profile check', 'run'],
    source: 'cgroup v2, cpuset.cpus; seen on systemd 257 and 262',
  },
  'experiment-not-carried-out': {
    title: 'an experiment could not be carried out',
    why: 'What was not tried is neither proved nor refuted.',
    mend: 'Go by what the finding says, and try again: rlimit doctor --prove --only NAME.',
    found: ['prove'],
  },
  'held-by-affinity': {
    title: 'CPUs instead of a share of them',
    why: 'Without a cgroup a quota can only be had by fewer CPUs, and a program may choose others for itself.',
    mend: 'Run it where systemd, or a cgroup v2 tree that you may write in, is to be had.',
    found: ['inspect', 'run'],
    source: 'sched_setaffinity(2)',
  },
  'held-by-niceness': {
    title: 'niceness instead of a weight',
    why: 'Niceness counts process by process: whoever has more processes gets more.',
    mend: 'Run it where systemd, or a cgroup v2 tree that you may write in, is to be had.',
    found: ['inspect', 'run'],
    source: 'sched(7)',
  },
  'high-above-max': {
    title: 'MemoryHigh above MemoryMax',
    why: 'Usage can never reach MemoryHigh, since MemoryMax kills before; nothing is slowed down or reclaimed early.',
    mend: 'A MemoryHigh below MemoryMax, or none.',
    found: ['profile check', 'run'],
    source: 'cgroup v2, memory.high',
  },
  'high-below-max-without-swap': {
    title: 'MemoryHigh below MemoryMax without swap',
    why: 'A process that settles between the two is never killed and never gets on, and everything in its cgroup stalls with it.',
    mend: 'MemoryHigh=infinity, so that MemoryMax kills at once; or swap.',
    found: ['inspect', 'profile check', 'run'],
    source: 'cgroup v2, memory.high',
  },
  'io-weight-without-scheduler': {
    title: 'the I/O weight is held and nothing reads it',
    why: 'Weights count only where the device’s scheduler is BFQ, or where io.cost is enabled; under none, mq-deadline and kyber they are only a number in a file.',
    mend: 'Give the disk the BFQ scheduler: echo bfq into /sys/block/DEVICE/queue/scheduler.',
    found: ['inspect', 'run'],
    source: 'cgroup v2, section IO; block/bfq-iosched',
  },
  'jobs-above-memory': {
    title: 'more jobs than their memory holds',
    why: 'Each job is as large as the profile says, and together they pass MemoryMax: the kernel kills one of them, or the build as a whole ends.',
    mend: 'Fewer jobs (rlimit tune says how many), or a larger MemoryMax.',
    found: ['profile check'],
  },
  'kernel-differs': {
    title: 'the kernel holds another value than systemd',
    why: 'Somebody wrote into the cgroup’s file, or the kernel refused the value. systemd does not look again.',
    mend: 'Set the property again through systemd.',
    found: ['inspect', 'run'],
  },
  'limit-not-enforced': {
    title: 'the kernel holds the limit and does not enforce it',
    why: 'The file has the value that was asked for, and what it should prevent was seen to happen.',
    mend: 'Look for who changes the file meanwhile: rlimit inspect UNIT, and the services of root.',
    found: ['prove'],
  },
  livelock: {
    title: 'the unit is stalled between MemoryHigh and MemoryMax',
    why: 'Without swap there is nothing to reclaim: above MemoryHigh the kernel slows every process of the cgroup down without end, and none reaches MemoryMax, where it would be killed.',
    mend: 'rlimit inspect --break-stall; then no MemoryHigh, or swap for it to go to.',
    found: ['inspect'],
    source: 'cgroup v2, memory.high',
  },
  'machine-short-of-memory': {
    title: 'too little memory is left to try anything',
    why: 'Experiments take memory themselves; on a machine that has hardly any left they could make the kernel kill programs that have nothing to do with them.',
    mend: 'End what holds the memory (rlimit inspect, rlimit kill), and try again.',
    found: ['prove'],
  },
  'memory-above-machine': {
    title: 'a size larger than the machine’s memory',
    why: 'The limit would never act: the machine is out of memory before.',
    mend: 'A share of the machine, such as 60% of memory.',
    found: ['profile check', 'run'],
  },
  'memory-floor': {
    title: 'MemoryMax under 16 MiB',
    why: 'Hardly a program can start in so little, and the user’s systemd itself may get stuck.',
    mend: 'A larger MemoryMax.',
    found: ['profile check', 'run'],
    source: 'systemd issue 40208',
  },
  'needs-systemd': {
    title: 'only systemd acts on it',
    why: 'The property has no kernel file; where a run is started without systemd nobody acts on it.',
    mend: 'Leave the property out, or start the run through systemd.',
    found: ['inspect', 'run'],
  },
  'nix-jobs-times-cores': {
    title: 'Nix’s max-jobs × cores is more than the machine has',
    why: 'Each of max-jobs builds starts as many threads as cores says; auto and 0 stand for all of them. At all times all, a machine of 8 has 64 compilers, and the memory of 64.',
    mend: 'max-jobs of half the cores, and cores 1.',
    found: ['profile check'],
    source: 'nix.conf(5)',
  },
  'no-cgroup': {
    title: 'the run has no cgroup',
    why: 'Without a cgroup of its own the kernel holds no limit for it.',
    mend: 'Run it where systemd, or a cgroup v2 tree that you may write in, is to be had.',
    found: ['inspect', 'run'],
  },
  'no-kernel-file': {
    title: 'the kernel has no such file',
    why: 'It is too old or was built without it, so that the property is accepted and does nothing.',
    mend: 'Leave the property out, or use a kernel that has it.',
    found: ['inspect', 'run'],
  },
  'no-swap-accounting': {
    title: 'the kernel does not account swap',
    why: 'Without memory.swap.max a run that is to do without swap swaps all the same.',
    mend: 'Boot the kernel with swapaccount=1 (before Linux 6.1), or do without swap.',
    found: ['inspect', 'run'],
    source: 'kernel parameter swapaccount=',
  },
  'not-for-unit-type': {
    title: 'units of this type have no such property',
    why: 'systemd refuses it, or logs “Unknown assignment” and goes on without it.',
    mend: 'Leave the property out, or put it on a service.',
    found: ['inspect', 'run'],
    source: 'systemd.scope(5)',
  },
  'oom-daemon-did-not-act': {
    title: 'who should end programs when memory is short did not',
    why: 'Something was put under pressure for it to act on, and it was left alone.',
    mend: 'Look at its settings and its log: rlimit doctor, journalctl -u systemd-oomd -u earlyoom.',
    found: ['prove'],
    source: 'systemd-oomd.service(8), earlyoom(1)',
  },
  'oomd-with-swap-zero': {
    title: 'systemd-oomd is to act where there is no swap',
    why: 'It acts where pages are reclaimed while everything waits, and by swap in use. With MemorySwapMax=0 there is next to nothing to reclaim, so that it sees no reason, however long all stand still.',
    mend: 'Go by MemoryMax, and have earlyoom as the machine’s last line.',
    found: ['profile check', 'prove'],
    systemd: { from: 247 },
    source: 'systemd-oomd.service(8); oomd-manager.c, last_had_mem_reclaim',
  },
  'quota-above-machine': {
    title: 'CPUQuota above all CPUs',
    why: 'The limit would never act.',
    mend: 'A share, such as 75% of cores.',
    found: ['profile check', 'run'],
  },
  'sum-of-caps': {
    title: 'caps that are more than the machine together',
    why: 'Each unit stays below its own cap, so that none is stopped, and the machine runs out of memory: the kernel or systemd-oomd then chooses who dies.',
    mend: 'Smaller caps; or one cap above them all: a slice, or rlimit budget set.',
    found: ['profile check'],
    source: 'cgroup v2, section Resource Distribution Models: Limits',
  },
  'swap-as-safety-valve': {
    title: 'swap allowed where swap is a slow disk',
    why: 'What passes MemoryMax goes to the disk first. Everybody waits for that disk, and the cause is killed only when its swap is full.',
    mend: 'MemorySwapMax=0 on work (and no MemoryHigh then); or zram.',
    found: ['profile check'],
  },
  'systemd-too-old': {
    title: 'this systemd does not know the property yet',
    why: 'It refuses the property, or goes on without it.',
    mend: 'Leave the property out, or use a system with a later systemd.',
    found: ['inspect', 'profile check', 'run'],
  },
  'tasks-too-few-for-jobs': {
    title: 'TasksMax below what the jobs need',
    why: 'A job of a build is several tasks: the shell of the recipe, the compiler’s driver, the compiler, its threads. At TasksMax fork() fails, and the build with it.',
    mend: 'A larger TasksMax, or fewer jobs.',
    found: ['profile check'],
    source: 'cgroup v2, section PID',
  },
  'unreadable-kernel-file': {
    title: 'a kernel file holds something that is no value',
    why: 'What cannot be read is not believed: the limit may hold or not.',
    mend: 'Look at the file; where another program writes it, stop that.',
    found: ['inspect', 'run'],
  },
  'watcher-gone': {
    title: 'nobody watches over the run any more',
    why: 'The rlimit that enforced the limits by watching has been killed, and the kernel holds none of them.',
    mend: 'End the run: rlimit kill.',
    found: ['inspect'],
  },
};
