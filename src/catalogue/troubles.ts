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
  'cap-on-one-tree': {
    title: 'one tree of a user is capped and another is not',
    why: 'A user’s work lives in more than one cgroup: user-UID.slice, and services that run for the user (X@USER.service, User=). What is refused memory in one takes it in the other, so that a cap on one tree is no cap.',
    mend: 'Cap the service as well, or put both into one slice.',
    found: ['doctor'],
  },
  'capped-with-swap': {
    title: 'a capped tree may swap without bound',
    why: 'At its cap a tree is not killed but swaps, and the whole machine waits for the disk. With MemorySwapMax=0 a runaway dies where it is.',
    mend: 'MemorySwapMax=0 beside the MemoryMax; rlimit doctor --fix writes it.',
    found: ['doctor'],
    source: 'systemd.resource-control(5), MemorySwapMax=',
  },
  'cgroup-not-unified': {
    title: 'the machine does not use cgroup v2 alone',
    why: 'Memory limits of the user’s units, pressure figures and the counts of killed processes need the unified hierarchy. Under cgroup v1, and under the hybrid of both, systemd accepts the properties and the kernel holds few of them.',
    mend: 'Boot with systemd.unified_cgroup_hierarchy=1, or a systemd from 243 on.',
    found: ['doctor'],
    source: 'systemd(1), systemd.unified_cgroup_hierarchy=',
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
    found: ['doctor', 'inspect', 'profile check', 'run'],
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
  'docker-uncapped': {
    title: 'containers are not capped together',
    why: 'Each container may be limited and all of them together still take the whole machine. A cap on docker.slice holds only what is started below it (cgroup-parent).',
    mend: 'A drop-in of docker.slice with MemoryMax and MemorySwapMax=0, and cgroup-parent: docker.slice in daemon.json.',
    found: ['doctor'],
    source: 'dockerd(8), --cgroup-parent',
  },
  'earlyoom-waits-for-swap': {
    title: 'earlyoom waits for swap that the work may not use',
    why: 'It acts when free memory and free swap are both below their thresholds. Where work runs with MemorySwapMax=0, memory runs out while swap stays free, and earlyoom looks on. -s 100 leaves swap out of account.',
    mend: '-s 100,100 among its options; rlimit doctor --fix writes them.',
    found: ['doctor'],
    source: 'earlyoom(1), -s',
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
  'kernel-too-old': {
    title: 'this kernel lacks a file that rlimit reads',
    why: 'What the kernel does not count cannot be told; rlimit samples it instead, or says nothing.',
    mend: 'A newer kernel; the finding names the version that has the file.',
    found: ['doctor'],
    source: 'cgroup v2',
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
  'machine-oom': {
    title: 'the whole machine ran out of memory',
    why: 'The kernel killed what it thought best, somewhere on the machine, and everything waited meanwhile. Caps on the trees that grow make a runaway die in its own.',
    mend: 'Caps on the trees that grow: rlimit run, rlimit budget set, slices of users.',
    found: ['doctor'],
    source: 'proc(5), /proc/vmstat oom_kill',
  },
  'machine-short-of-memory': {
    title: 'too little memory is left to try anything',
    why: 'Experiments take memory themselves; on a machine that has hardly any left they could make the kernel kill programs that have nothing to do with them.',
    mend: 'End what holds the memory (rlimit inspect, rlimit kill), and try again.',
    found: ['prove'],
  },
  'manager-before-delegation': {
    title: 'the user manager is older than its delegation',
    why: 'A manager looks at its controllers once, when it starts. Those that were delegated since are in its cgroup and it does not hand them on: IOWeight= and AllowedCPUs= still do nothing.',
    mend: 'A new login, with no session of that user left before.',
    found: ['doctor'],
    source: 'systemd.resource-control(5), Delegate=',
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
    found: ['doctor', 'profile check'],
    source: 'nix.conf(5)',
  },
  'no-backstop': {
    title: 'nothing acts before the kernel’s OOM killer',
    why: 'Without a cap, and without earlyoom or a systemd-oomd that can act, a machine short of memory stalls for minutes, until the kernel finds nothing more to reclaim. Whoever is logged in is locked out meanwhile.',
    mend: 'earlyoom with thresholds that leave swap out: rlimit doctor --fix.',
    found: ['doctor'],
    source: 'earlyoom(1); systemd-oomd.service(8)',
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
  'no-linger': {
    title: 'your user manager ends with your last session',
    why: 'Without linger, logind stops the manager at logout, and every run in it with it. cron, CI and su find no manager at all.',
    mend: 'loginctl enable-linger.',
    found: ['doctor'],
    source: 'loginctl(1), enable-linger',
  },
  'no-notifications': {
    title: 'alerts cannot be shown on this desktop',
    why: 'A warning of memory running out that nobody sees helps nobody.',
    mend: 'notify-send (libnotify-bin), within the desktop session.',
    found: ['doctor'],
    source: 'Desktop Notifications Specification',
  },
  'no-swap-accounting': {
    title: 'the kernel does not account swap',
    why: 'Without memory.swap.max a run that is to do without swap swaps all the same.',
    mend: 'Boot the kernel with swapaccount=1 (before Linux 6.1), or do without swap.',
    found: ['inspect', 'run'],
    source: 'kernel parameter swapaccount=',
  },
  'no-user-bus': {
    title: 'the session bus does not answer',
    why: 'busctl, and systemd-run where its own socket is missing, reach the user manager through it.',
    mend: 'dbus-user-session, and a login through PAM.',
    found: ['doctor'],
    source: 'dbus-daemon(1)',
  },
  'no-user-manager': {
    title: 'the user manager is out of reach',
    why: 'Runs are scopes of the systemd user manager. Without it rlimit makes cgroups of its own where it may, and can only watch processes elsewhere.',
    mend: 'A login through PAM (ssh, machinectl shell), or linger: loginctl enable-linger.',
    found: ['doctor'],
    source: 'user@.service(5)',
  },
  'nofile-low': {
    title: 'few open files are allowed',
    why: 'Compilers, language servers and databases raise the soft limit up to the hard one. Where that is low they fail with “Too many open files”.',
    mend: 'DefaultLimitNOFILE= of systemd, or limits.conf; rlimit doctor --fix writes it.',
    found: ['doctor'],
    source: 'getrlimit(2), RLIMIT_NOFILE; systemd.exec(5)',
  },
  'not-for-unit-type': {
    title: 'units of this type have no such property',
    why: 'systemd refuses it, or logs “Unknown assignment” and goes on without it.',
    mend: 'Leave the property out, or put it on a service.',
    found: ['inspect', 'run'],
    source: 'systemd.scope(5)',
  },
  'nproc-above-quota': {
    title: 'nproc counts CPUs that the quota does not give',
    why: 'make -j$(nproc) starts a job for each CPU of the machine, whatever the CPU quota says; they stand in each other’s way and take the memory of all.',
    mend: 'The recommendation instead of nproc: rlimit tune PROFILE.',
    found: ['doctor'],
    source: 'coreutils NEWS, 9.8',
  },
  'nvidia-silent': {
    title: 'the NVIDIA driver does not answer',
    why: 'Without nvidia-smi the memory of GPUs can neither be shown nor watched. After an update of the driver it often fails until the next boot.',
    mend: 'Boot again after an update of the driver; else reinstall it.',
    found: ['doctor'],
    source: 'nvidia-smi(1)',
  },
  'oom-daemon-did-not-act': {
    title: 'who should end programs when memory is short did not',
    why: 'Something was put under pressure for it to act on, and it was left alone.',
    mend: 'Look at its settings and its log: rlimit doctor, journalctl -u systemd-oomd -u earlyoom.',
    found: ['prove'],
    source: 'systemd-oomd.service(8), earlyoom(1)',
  },
  'oomd-manages-nothing': {
    title: 'systemd-oomd runs and was told to watch nothing',
    why: 'It acts only on cgroups with ManagedOOMSwap=kill or ManagedOOMMemoryPressure=kill.',
    mend: 'ManagedOOMMemoryPressure=kill on the slices it is to watch, or no systemd-oomd.',
    found: ['doctor'],
    source: 'systemd-oomd.service(8); systemd.resource-control(5), ManagedOOMSwap=',
  },
  'oomd-with-swap-zero': {
    title: 'systemd-oomd is to act where there is no swap',
    why: 'It acts where pages are reclaimed while everything waits, and by swap in use. With MemorySwapMax=0 there is next to nothing to reclaim, so that it sees no reason, however long all stand still.',
    mend: 'Go by MemoryMax, and have earlyoom as the machine’s last line.',
    found: ['doctor', 'profile check', 'prove'],
    systemd: { from: 247 },
    source: 'systemd-oomd.service(8); oomd-manager.c, last_had_mem_reclaim',
  },
  'own-unit-failed': {
    title: 'a unit of rlimit failed',
    why: 'What it was to do regularly, such as a check or a warning, has not been done since.',
    mend: 'Read its log, mend the cause, and reset it: systemctl reset-failed.',
    found: ['doctor'],
  },
  'pressure-off': {
    title: 'the kernel does not tell pressure',
    why: 'Stalls can neither be seen nor told apart, and systemd-oomd cannot start.',
    mend: 'psi=1 on the kernel’s command line.',
    found: ['doctor'],
    source: 'kernel parameter psi=1; Documentation/accounting/psi.rst',
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
    found: ['doctor', 'profile check'],
    source: 'cgroup v2, section Resource Distribution Models: Limits',
  },
  'swap-as-safety-valve': {
    title: 'swap allowed where swap is a slow disk',
    why: 'What passes MemoryMax goes to the disk first. Everybody waits for that disk, and the cause is killed only when its swap is full.',
    mend: 'MemorySwapMax=0 on work (and no MemoryHigh then); or zram.',
    found: ['profile check'],
  },
  'swappiness-high': {
    title: 'memory in use is swapped to disk early',
    why: 'Above 10 the kernel moves programs out to keep its file cache while there is memory left; getting them back makes the desktop wait for the disk.',
    mend: 'vm.swappiness=10 in /etc/sysctl.d; rlimit doctor --fix writes it.',
    found: ['doctor'],
    source: 'kernel sysctl/vm, swappiness',
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
  'tree-uncapped': {
    title: 'a tree without any cap',
    why: 'What runs in it can take all memory of the machine.',
    mend: 'MemoryMax and MemorySwapMax=0 on the tree.',
    found: ['doctor'],
  },
  'unit-oom-killed': {
    title: 'a unit was ended for lack of memory',
    why: 'systemd says so of the unit (Result=oom-kill). It stays away until somebody starts it again.',
    mend: 'A larger MemoryMax, or less to do for it; then start it again.',
    found: ['doctor'],
    source: 'systemd.service(5), OOMPolicy=',
  },
  'unreadable-kernel-file': {
    title: 'a kernel file holds something that is no value',
    why: 'What cannot be read is not believed: the limit may hold or not.',
    mend: 'Look at the file; where another program writes it, stop that.',
    found: ['inspect', 'run'],
  },
  'user-tree-uncapped': {
    title: 'a user’s work has no cap',
    why: 'One runaway program of one user takes the memory of everybody, the way in by ssh included.',
    mend: 'A drop-in of user-.slice with MemoryMax and MemorySwapMax=0; rlimit doctor --fix writes it.',
    found: ['doctor'],
    source: 'systemd.resource-control(5), MemoryMax=',
  },
  'watcher-gone': {
    title: 'nobody watches over the run any more',
    why: 'The rlimit that enforced the limits by watching has been killed, and the kernel holds none of them.',
    mend: 'End the run: rlimit kill.',
    found: ['inspect'],
  },
  'zram-below-disk': {
    title: 'the disk is swapped to before compressed memory',
    why: 'The kernel fills the swap of the highest priority first. zram is some hundred times faster than a disk and should come first.',
    mend: 'A higher priority for zram: swapon --priority 100.',
    found: ['doctor'],
    source: 'swapon(8), --priority',
  },
};
