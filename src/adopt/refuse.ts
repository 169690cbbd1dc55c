/** Which processes are not adopted: pure, from what was read of them. */
import { UsageError } from '../errors/index.js';
import { type Census, type Entry, hasEnded } from './census.js';
import { ancestorsOf } from './family.js';
import type { Target } from './target.js';

/** What was read of a process that was named. Absent fields could not be had. */
export interface Candidate {
  target: Target;
  entry?: Entry;
  /** Real user ID. */
  uid?: number;
  /** Path of its cgroup. */
  cgroup?: string;
  /** The process it is a thread of. */
  threadOf?: number;
}

/** What the refusals depend on besides the process itself. */
export interface Surroundings {
  census: Census;
  /** PID and user of rlimit itself. */
  self: number;
  uid: number;
  /** Tells the unit of rlimit that a cgroup lies in, where it does. */
  unitOf(cgroup: string): string | undefined;
  force: boolean;
}

/**
 * Makes sure that a process may be adopted.
 * @returns the process
 * @throws {UsageError} with the reason and what to do instead
 */
export function checkCandidate(candidate: Candidate, surroundings: Surroundings): Entry {
  const entry = checkExists(candidate);
  const who = named(entry);
  refuseManagers(entry, candidate, who);
  refuseStranger(candidate, surroundings, who);
  if (entry.pid === surroundings.self) {
    throw new UsageError(`${who} is rlimit itself`, {
      remedy: 'the PID of the program to limit: pgrep -l NAME',
    });
  }
  if (surroundings.force) return entry;
  refuseSession(entry, surroundings, who);
  refuseLimited(candidate, surroundings, who);
  return entry;
}

function checkExists({ target, entry, threadOf }: Candidate): Entry {
  const { pid, startTicks } = target;
  if (threadOf !== undefined) {
    throw new UsageError(`${pid} is a thread of process ${threadOf}, not a process`, {
      why: 'Limits hold for whole processes.',
      remedy: `--pid ${threadOf}`,
    });
  }
  if (entry === undefined) {
    throw new UsageError(`there is no process ${pid}`, {
      why: 'It has ended, or it cannot be seen by you.',
      remedy: 'ps -u "$USER" -o pid,rss,args --sort=-rss | head',
    });
  }
  if (startTicks !== undefined && entry.startTicks !== startTicks) {
    throw new UsageError(`${pid} is another process by now: ${JSON.stringify(entry.comm)}`, {
      why: `It was started at tick ${entry.startTicks} after boot, and ${startTicks} was meant: the PID has changed hands.`,
      remedy: 'pgrep -l NAME',
    });
  }
  if (hasEnded(entry)) {
    throw new UsageError(`${named(entry)} has ended already`, {
      why: 'It is a zombie: it uses nothing any more, and waits for its parent to take its status.',
      remedy: `its parent is ${entry.ppid}`,
    });
  }
  return entry;
}

function named({ pid, comm }: Entry): string {
  return `process ${pid} (${JSON.stringify(comm).slice(1, -1)})`;
}

/** Without these the session, or the manager that is to hold the limits, would be limited itself. */
function refuseManagers(entry: Entry, { cgroup }: Candidate, who: string): void {
  if (entry.pid === 1) {
    throw new UsageError(`${who} is the system's first process`, {
      why: 'Everything else depends on it.',
    });
  }
  if (entry.kernel) {
    throw new UsageError(`${who} is a thread of the kernel`, {
      why: 'The kernel does not put its own threads under limits.',
    });
  }
  // systemd and its helper run in init.scope, the system's as well as the user's.
  const isManager = cgroup !== undefined && /\/init\.scope$/.test(cgroup);
  if (isManager || /^dbus-(daemon|broker)/.test(entry.comm)) {
    throw new UsageError(`${who} is ${isManager ? 'a service manager' : 'a message bus'}`, {
      why: 'It is what sets limits for others; all of the session would wait for it.',
    });
  }
}

function refuseStranger({ uid }: Candidate, { uid: own }: Surroundings, who: string): void {
  if (uid === own) return;
  const owner = uid === undefined ? 'another user' : `user ${uid}`;
  throw new UsageError(`${who} belongs to ${owner}, and you are user ${own}`, {
    why: 'Your service manager holds your own processes only.',
    remedy:
      'adopt it as that user; or limit its unit: sudo systemctl set-property --runtime UNIT …',
  });
}

function refuseSession(entry: Entry, { census, self }: Surroundings, who: string): void {
  const own = census.get(self);
  if (ancestorsOf(self, census).includes(entry.pid) || entry.pid === own?.session) {
    throw new UsageError(`${who} is what you work in: rlimit was started below it`, {
      why: 'Its limits would hold for your shell, its terminal, and all that you start in them.',
      remedy: 'the PID of the program to limit; or --force',
    });
  }
  if (entry.session === entry.pid && entry.tty !== 0) {
    throw new UsageError(`${who} leads the session of a terminal`, {
      why: 'It is a login or a shell: its limits would hold for all that is typed there.',
      remedy: `the PID of a program in it: pgrep -ls ${entry.pid}; or --force`,
    });
  }
}

function refuseLimited({ cgroup = '' }: Candidate, { unitOf }: Surroundings, who: string): void {
  const unit = unitOf(cgroup);
  if (unit === undefined) return;
  throw new UsageError(`${who} is under limits already, in ${unit}`, {
    why: 'It would leave those limits for the new ones.',
    remedy: `to change the limits it has: rlimit tune ${unit} -p NAME=VALUE; or --force`,
  });
}
