import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { pause } from '../cgroup/end.js';
import { isAlive } from '../cgroup/process.js';
import type { GuardTouch, Machine, UnitRecord } from '../model/index.js';
import { readGuardDeeds } from '../state/guard-deeds.js';
import { readRecord } from '../state/read.js';
import { recordDirectory } from '../state/write.js';
import {
  type Culprit,
  type Evidence,
  type Guarded,
  guardTouch,
  type Measured,
  type Received,
  signalOf,
} from '../verdict/index.js';
import type { Ending } from './launch.js';
import type { Launcher } from './launcher.js';

/** What `run` knows of a run that has ended. */
export interface Ended {
  record: UnitRecord;
  /** PID that the command had. */
  pid: number;
  ending: Ending;
  elapsedMs: number;
  launcher: Launcher;
  measured: Measured;
  received: readonly Received[];
  /** Whether a second Ctrl-C ended it. */
  killedByUser: boolean;
  machine: Machine;
  env: NodeJS.ProcessEnv;
  /** How the guards may have known it. */
  guarded: Guarded;
}

/**
 * Gathers what a verdict rests on. Others are asked (systemd, the journal) only about ends that need
 * an explanation: a good run is not made to wait for its verdict.
 */
export function gatherEvidence(ended: Ended): Evidence {
  const { record, ending, elapsedMs, launcher, measured, received } = ended;
  const now = recordNow(ended);
  const killed = ended.killedByUser ? { signal: 'SIGKILL', by: 'a second Ctrl-C' } : now?.killed;
  const oomKilled = (measured.events.oom_kill ?? 0) > 0;
  const guard = askGuards(ended);
  const isExplained =
    oomKilled || killed !== undefined || received.length > 0 || guard?.ended !== undefined;
  const isOpen = !isExplained && needsReason(ended);
  const unitResult = isOpen ? launcher.result?.() : undefined;
  const others = isOpen && unitResult !== 'oom-kill' ? askKillers(ended) : {};
  return {
    command: record.command,
    launcher: launcher.kind,
    ending,
    elapsedMs,
    limits: now?.properties ?? record.properties,
    ...(record.jobs === undefined ? {} : { jobs: record.jobs }),
    cpus: ended.machine.cpus,
    measured: oomKilled ? withVictim(ended) : measured,
    received,
    ...(killed === undefined ? {} : { killed }),
    ...(unitResult === undefined ? {} : { unitResult }),
    ...(guard === undefined ? {} : { guard }),
    ...others,
  };
}

/** How long a guard may take to write down what it has done to a process on a GPU. */
const GUARD_MS = 300;

/**
 * What the guards say that they did. What they write is believed only where nobody else can have written
 * it; most of it is there before it is done.
 */
function askGuards({ env, guarded, ending }: Ended): GuardTouch | undefined {
  const kept = readGuardDeeds(env);
  const touch = guardTouch(kept, guarded);
  const signal = signalOf(ending);
  const mayBeLate = signal === 'SIGTERM' || signal === 'SIGKILL';
  if (touch?.ended !== undefined || !mayBeLate) return touch;
  if (!kept.some(({ guard }) => isAlive(guard))) return touch;
  pause(GUARD_MS);
  return guardTouch(readGuardDeeds(env), guarded);
}

/**
 * Whether somebody may have had a hand in it: a death by signal, or a failure (which may be that of
 * a job that was killed) while memory was short.
 */
function needsReason({ ending, measured }: Ended): boolean {
  if (ending.status === 0) return false;
  if (signalOf(ending) !== undefined) return true;
  const { available = 0, total = 0, swapFree = 0, swapTotal = 0 } = measured.machine;
  const isShort = available < total * 0.2 || swapFree < swapTotal * 0.2;
  return isShort || (measured.pressurePercent ?? 0) > 1;
}

/** What others wrote on the record meanwhile: who killed it, and limits that were changed. */
function recordNow({ record, env }: Ended): UnitRecord | undefined {
  const directory = recordDirectory(env);
  return directory === undefined ? undefined : readRecord(directory, record.unit);
}

/** The kernel's own words on who was killed, where they may be read, in place of what was seen. */
function withVictim({ measured, record, pid, ending }: Ended): Measured {
  const logged = loggedVictim(record.unit);
  if (logged !== undefined) return { ...measured, victim: logged };
  const { victim, ...rest } = measured;
  // When last seen it may not even have been what it then became.
  const grown = victim?.memory !== undefined && victim.memory >= (rest.figures.memoryPeak ?? 0) / 4;
  if (grown) return measured;
  if (ending.signal !== 'SIGKILL') return rest;
  const comm = (record.command[0] ?? '').split('/').at(-1) ?? '';
  return { ...rest, victim: { comm, pid } };
}

/**
 * Reads the kernel's log from the journal, which members of the groups adm and systemd-journal may
 * do. The victim is named in two lines:
 * `oom-kill:constraint=…,oom_memcg=…,task_memcg=/…/UNIT,task=NAME,pid=N,uid=N` and
 * `Memory cgroup out of memory: Killed process N (NAME) total-vm:1kB, anon-rss:2kB, …`.
 */
function loggedVictim(unit: string): Culprit | undefined {
  const log = journal(['--dmesg', '--lines=200']);
  const task = log
    .split('\n')
    .findLast((line) => line.startsWith('oom-kill:') && line.includes(`${unit},task=`));
  const pid = /,pid=(\d+),/.exec(task ?? '')?.[1];
  if (pid === undefined) return undefined;
  const killed = new RegExp(`Killed process ${pid} \\((.*?)\\) .*anon-rss:(\\d+)kB`, 'g');
  const [, comm = '', kibibytes] = [...log.matchAll(killed)].at(-1) ?? [];
  if (kibibytes === undefined) return undefined;
  return { comm, pid: Number(pid), memory: Number(kibibytes) * 1024, exact: true };
}

/** Asks those who kill on behalf of the machine, where they run. */
function askKillers(ended: Ended): Pick<Evidence, 'oomd' | 'earlyoom'> {
  const running = commandLinesOf(['systemd-oomd', 'earlyoom']);
  const [oomd, earlyoom] = [running['systemd-oomd'], running.earlyoom];
  return {
    ...(oomd === undefined ? {} : { oomd: askOomd(ended) }),
    ...(earlyoom === undefined ? {} : { earlyoom: askEarlyoom(earlyoom, ended) }),
  };
}

/**
 * What the manager of the unit said about it: `systemd-oomd killed 2 process(es) in this unit.` It says
 * so after the end of the last process, as we see it, so after a death that could be of that kind it is
 * given a moment.
 */
function askOomd({ record, launcher, ending }: Ended): { says?: string } {
  const unit = launcher.kind === 'user' ? `USER_UNIT=${record.unit}` : `UNIT=${record.unit}`;
  const tries = signalOf(ending) === 'SIGKILL' ? 5 : 1;
  for (let count = 1; ; count += 1) {
    const found = said('systemd-oomd killed', journal([unit]));
    if (found.says !== undefined || count === tries) return found;
    pause(200);
  }
}

/** From when on earlyoom acts, and what it said about a process of the run. */
function askEarlyoom(
  argv: readonly string[],
  { pid, measured }: Ended,
): NonNullable<Evidence['earlyoom']> {
  const at = argv.indexOf('-m');
  const attached = argv.find((word) => /^-m\d/.test(word))?.slice(2);
  // 10 % is its default (earlyoom(1)).
  const termPercent = Number.parseFloat(attached ?? (at < 0 ? '10' : (argv[at + 1] ?? '10')));
  const pids = [pid, measured.largest?.pid].filter(Boolean).join('|');
  const log = journal(['--unit=earlyoom', '--lines=50']);
  return { termPercent, ...said(`sending SIG\\w+ to process (${pids}) `, log) };
}

/** The last line of a log with those words. */
function said(words: string, log: string): { says?: string } {
  const line = log.split('\n').findLast((candidate) => new RegExp(words).test(candidate));
  return line === undefined ? {} : { says: line };
}

/** Arguments of the running programs of these names (comm). */
function commandLinesOf(names: readonly string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const pid of readdirSync('/proc')) {
    const comm = /^\d+$/.test(pid) ? read(`/proc/${pid}/comm`).trim() : '';
    if (names.includes(comm)) found[comm] = read(`/proc/${pid}/cmdline`).split('\0');
  }
  return found;
}

function journal(args: readonly string[]): string {
  const options = ['--quiet', '--no-pager', '--output=cat', '--boot'];
  const { stdout } = spawnSync('journalctl', [...options, ...args], {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return stdout ?? '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
