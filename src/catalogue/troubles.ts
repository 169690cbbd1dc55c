import type { TroubleId } from '../model/index.js';

/** What is known of a trouble, wherever it is found. What to do about it stands in the finding. */
export interface Trouble {
  /** What is wrong, in a few words, without a full stop. */
  title: string;
  /** What comes of it, and how it comes about; whole sentences. */
  why: string;
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
    source: 'cgroup v2, section Resource Distribution Models: Limits',
  },
  'budget-set-elsewhere': {
    title: 'the budget’s slice has a limit that rlimit did not write',
    why: 'A file of the user’s or of the system’s limits app-rlimit.slice as well; that one holds where it says otherwise.',
    source: 'systemd.unit(5), drop-ins',
  },
  'cap-on-one-tree': {
    title: 'one tree of a user is capped and another is not',
    why: 'A user’s work lives in more than one cgroup: user-UID.slice, and services that run for the user (X@USER.service, User=). What is refused memory in one takes it in the other, so that a cap on one tree is no cap.',
  },
  'capped-with-swap': {
    title: 'a capped tree may swap without bound',
    why: 'At its cap a tree is not killed but swaps, and the whole machine waits for the disk. With MemorySwapMax=0 a runaway dies where it is.',
    source: 'systemd.resource-control(5), MemorySwapMax=',
  },
  'cgroup-not-unified': {
    title: 'the machine does not use cgroup v2 alone',
    why: 'Memory limits of the user’s units, pressure figures and the counts of killed processes need the unified hierarchy. Under cgroup v1, and under the hybrid of both, systemd accepts the properties and the kernel holds few of them.',
    source: 'systemd(1), systemd.unified_cgroup_hierarchy=',
  },
  'changed-since': {
    title: 'systemd holds another value than was asked for',
    why: 'Somebody changed the running unit (systemctl set-property), or a drop-in overrides what was asked.',
  },
  'controller-not-delegated': {
    title: 'the user manager was not given the controller',
    why: 'user@.service delegates cpu, memory and pids only (before systemd 252: memory and pids). systemd accepts IOWeight= and AllowedCPUs= of a user’s unit without a word, and the kernel has no file to hold them.',
    source: 'systemd.resource-control(5), Delegate=; user@.service',
  },
  'controller-not-enabled': {
    title: 'the controller is not switched on for this cgroup',
    why: 'The cgroup above does not have it in cgroup.subtree_control, so that the kernel shows no file for it here.',
    source: 'cgroup v2, section Enabling and Disabling',
  },
  'docker-uncapped': {
    title: 'containers are not capped together',
    why: 'Each container may be limited and all of them together still take the whole machine. A cap on docker.slice holds only what is started below it (cgroup-parent).',
    source: 'dockerd(8), --cgroup-parent',
  },
  'earlyoom-waits-for-swap': {
    title: 'earlyoom waits for swap that the work may not use',
    why: 'It acts when free memory and free swap are both below their thresholds. Where work runs with MemorySwapMax=0, memory runs out while swap stays free, and earlyoom looks on. -s 100 leaves swap out of account.',
    source: 'earlyoom(1), -s',
  },
  'held-by-affinity': {
    title: 'CPUs instead of a share of them',
    why: 'Without a cgroup a quota can only be had by fewer CPUs, and a program may choose others for itself.',
    source: 'sched_setaffinity(2)',
  },
  'held-by-niceness': {
    title: 'niceness instead of a weight',
    why: 'Niceness counts process by process: whoever has more processes gets more.',
    source: 'sched(7)',
  },
  'io-weight-without-scheduler': {
    title: 'the I/O weight is held and nothing reads it',
    why: 'Weights count only where the device’s scheduler is BFQ, or where io.cost is enabled; under none, mq-deadline and kyber they are only a number in a file.',
    source: 'cgroup v2, section IO; block/bfq-iosched',
  },
  'kernel-differs': {
    title: 'the kernel holds another value than systemd',
    why: 'Somebody wrote into the cgroup’s file, or the kernel refused the value. systemd does not look again.',
  },
  'kernel-too-old': {
    title: 'this kernel lacks a file that rlimit reads',
    why: 'What the kernel does not count cannot be told; rlimit samples it instead, or says nothing.',
    source: 'cgroup v2',
  },
  livelock: {
    title: 'the unit is stalled between MemoryHigh and MemoryMax',
    why: 'Without swap there is nothing to reclaim: above MemoryHigh the kernel slows every process of the cgroup down without end, and none reaches MemoryMax, where it would be killed.',
    source: 'cgroup v2, memory.high',
  },
  'livelock-zone': {
    title: 'MemoryHigh below MemoryMax without swap',
    why: 'A process that settles between the two is never killed and never gets on, and everything in its cgroup stalls with it.',
    source: 'cgroup v2, memory.high',
  },
  'machine-oom': {
    title: 'the whole machine ran out of memory',
    why: 'The kernel killed what it thought best, somewhere on the machine, and everything waited meanwhile. Caps on the trees that grow make a runaway die in its own.',
    source: 'proc(5), /proc/vmstat oom_kill',
  },
  'manager-before-delegation': {
    title: 'the user manager started before it was given the controllers',
    why: 'A manager looks at its controllers once, when it starts. Those that were delegated since are in its cgroup and it does not hand them on: IOWeight= and AllowedCPUs= still do nothing.',
    source: 'systemd.resource-control(5), Delegate=',
  },
  'needs-systemd': {
    title: 'only systemd acts on it',
    why: 'The property has no kernel file; where a run is started without systemd nobody acts on it.',
  },
  'nix-jobs-times-cores': {
    title: 'Nix may start more compilers than there are CPUs',
    why: 'It runs max-jobs builds at once, each with as many processes as cores says; 0 and auto mean all CPUs. All of them together take the machine’s CPUs and, worse, its memory.',
    source: 'nix.conf(5), max-jobs, cores',
  },
  'no-backstop': {
    title: 'nothing acts before the kernel’s OOM killer',
    why: 'Without a cap, and without earlyoom or a systemd-oomd that can act, a machine short of memory stalls for minutes, until the kernel finds nothing more to reclaim. Whoever is logged in is locked out meanwhile.',
    source: 'earlyoom(1); systemd-oomd.service(8)',
  },
  'no-cgroup': {
    title: 'the run has no cgroup',
    why: 'Without a cgroup of its own the kernel holds no limit for it.',
  },
  'no-kernel-file': {
    title: 'the kernel has no such file',
    why: 'It is too old or was built without it, so that the property is accepted and does nothing.',
  },
  'no-linger': {
    title: 'your user manager ends with your last session',
    why: 'Without linger, logind stops the manager at logout, and every run in it with it. cron, CI and su find no manager at all.',
    source: 'loginctl(1), enable-linger',
  },
  'no-notifications': {
    title: 'alerts cannot be shown on this desktop',
    why: 'A warning of memory running out that nobody sees helps nobody.',
    source: 'Desktop Notifications Specification',
  },
  'no-swap-accounting': {
    title: 'the kernel does not account swap',
    why: 'Without memory.swap.max a run that is to do without swap swaps all the same.',
    source: 'kernel parameter swapaccount=',
  },
  'no-user-bus': {
    title: 'the session bus does not answer',
    why: 'busctl, and systemd-run where its own socket is missing, reach the user manager through it.',
    source: 'dbus-daemon(1)',
  },
  'no-user-manager': {
    title: 'the user manager is out of reach',
    why: 'Runs are scopes of the systemd user manager. Without it rlimit makes cgroups of its own where it may, and can only watch processes elsewhere.',
    source: 'user@.service(5)',
  },
  'nofile-low': {
    title: 'few open files are allowed',
    why: 'Compilers, language servers and databases raise the soft limit up to the hard one. Where that is low they fail with “Too many open files”.',
    source: 'getrlimit(2), RLIMIT_NOFILE; systemd.exec(5)',
  },
  'not-for-unit-type': {
    title: 'units of this type have no such property',
    why: 'systemd refuses it, or logs “Unknown assignment” and goes on without it.',
    source: 'systemd.scope(5)',
  },
  'nproc-above-quota': {
    title: 'nproc counts CPUs that the quota does not give',
    why: 'make -j$(nproc) starts a job for each CPU of the machine, whatever the CPU quota says; they stand in each other’s way and take the memory of all.',
    source: 'coreutils NEWS, 9.8',
  },
  'nvidia-silent': {
    title: 'the NVIDIA driver does not answer',
    why: 'Without nvidia-smi the memory of GPUs can neither be shown nor watched. After an update of the driver it often fails until the next boot.',
    source: 'nvidia-smi(1)',
  },
  'oomd-manages-nothing': {
    title: 'systemd-oomd runs and was told to watch nothing',
    why: 'It acts only on cgroups with ManagedOOMSwap=kill or ManagedOOMMemoryPressure=kill.',
    source: 'systemd-oomd.service(8); systemd.resource-control(5), ManagedOOMSwap=',
  },
  'oomd-with-swap-zero': {
    title: 'systemd-oomd cannot act without swap',
    why: 'It kills under pressure only where the kernel reclaims (Pgscan), and by swap only where swap is used. Without swap there is next to nothing to reclaim: it runs, looks healthy, and never fires.',
    source: 'systemd-oomd.service(8), System Requirements and Configuration',
  },
  'own-unit-failed': {
    title: 'a unit of rlimit failed',
    why: 'What it was to do regularly, such as a check or a warning, has not been done since.',
  },
  'pressure-off': {
    title: 'the kernel does not tell pressure',
    why: 'Stalls can neither be seen nor told apart, and systemd-oomd cannot start.',
    source: 'kernel parameter psi=1; Documentation/accounting/psi.rst',
  },
  'sum-of-caps': {
    title: 'the caps together are more than the machine has',
    why: 'Each cap holds by itself, and yet all trees together can take more memory than there is: then the kernel kills somewhere, and not in the tree that grew.',
  },
  'swappiness-high': {
    title: 'memory in use is swapped to disk early',
    why: 'Above 10 the kernel moves programs out to keep its file cache while there is memory left; getting them back makes the desktop wait for the disk.',
    source: 'kernel sysctl/vm, swappiness',
  },
  'systemd-too-old': {
    title: 'this systemd does not know the property yet',
    why: 'It refuses the property, or goes on without it.',
  },
  'tree-uncapped': {
    title: 'a tree without any cap',
    why: 'What runs in it can take all memory of the machine.',
  },
  'unit-oom-killed': {
    title: 'a unit was ended for lack of memory',
    why: 'systemd says so of the unit (Result=oom-kill). It stays away until somebody starts it again.',
    source: 'systemd.service(5), OOMPolicy=',
  },
  'unreadable-kernel-file': {
    title: 'a kernel file holds something that is no value',
    why: 'What cannot be read is not believed: the limit may hold or not.',
  },
  'user-tree-uncapped': {
    title: 'a user’s work has no cap',
    why: 'One runaway program of one user takes the memory of everybody, the way in by ssh included.',
    source: 'systemd.resource-control(5), MemoryMax=',
  },
  'watcher-gone': {
    title: 'nobody watches over the run any more',
    why: 'The rlimit that enforced the limits by watching has been killed, and the kernel holds none of them.',
  },
  'zram-below-disk': {
    title: 'the disk is swapped to before compressed memory',
    why: 'The kernel fills the swap of the highest priority first. zram is some hundred times faster than a disk and should come first.',
    source: 'swapon(8), --priority',
  },
};
