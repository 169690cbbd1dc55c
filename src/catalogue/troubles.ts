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
  'experiment-not-carried-out': {
    title: 'an experiment could not be carried out',
    why: 'What was not tried is neither proved nor refuted.',
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
  'limit-not-enforced': {
    title: 'the kernel holds the limit and does not enforce it',
    why: 'The file has the value that was asked for, and what it should prevent was seen to happen.',
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
  'machine-short-of-memory': {
    title: 'too little memory is left to try anything',
    why: 'Experiments take memory themselves; on a machine that has hardly any left they could make the kernel kill programs that have nothing to do with them.',
  },
  'needs-systemd': {
    title: 'only systemd acts on it',
    why: 'The property has no kernel file; where a run is started without systemd nobody acts on it.',
  },
  'no-cgroup': {
    title: 'the run has no cgroup',
    why: 'Without a cgroup of its own the kernel holds no limit for it.',
  },
  'no-kernel-file': {
    title: 'the kernel has no such file',
    why: 'It is too old or was built without it, so that the property is accepted and does nothing.',
  },
  'no-swap-accounting': {
    title: 'the kernel does not account swap',
    why: 'Without memory.swap.max a run that is to do without swap swaps all the same.',
    source: 'kernel parameter swapaccount=',
  },
  'not-for-unit-type': {
    title: 'units of this type have no such property',
    why: 'systemd refuses it, or logs “Unknown assignment” and goes on without it.',
    source: 'systemd.scope(5)',
  },
  'oom-daemon-did-not-act': {
    title: 'who should end programs when memory is short did not',
    why: 'Something was put under pressure for it to act on, and it was left alone.',
    source: 'systemd-oomd.service(8), earlyoom(1)',
  },
  'oomd-with-swap-zero': {
    title: 'systemd-oomd does not act on work without swap',
    why: 'It acts where pages are reclaimed while everything waits. Without swap there is next to nothing to reclaim, so that it sees no reason, however long all stand still.',
    source: 'systemd-oomd.service(8); oomd-manager.c, last_had_mem_reclaim',
  },
  'systemd-too-old': {
    title: 'this systemd does not know the property yet',
    why: 'It refuses the property, or goes on without it.',
  },
  'unreadable-kernel-file': {
    title: 'a kernel file holds something that is no value',
    why: 'What cannot be read is not believed: the limit may hold or not.',
  },
  'watcher-gone': {
    title: 'nobody watches over the run any more',
    why: 'The rlimit that enforced the limits by watching has been killed, and the kernel holds none of them.',
  },
};
