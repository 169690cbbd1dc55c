/** What the machine and others say, beside the files of a scope. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Pages of most machines; a wrong size would only scale a figure that is 0 or is not. */
const PAGE = 4096;

/** What the machine has written to swap since boot, in bytes (pswpout of /proc/vmstat). */
export function swappedOut(proc = '/proc'): number {
  return Number(/^pswpout (\d+)$/m.exec(read(`${proc}/vmstat`))?.[1] ?? 0) * PAGE;
}

/** CPUs that a process may run on. */
export function allowedCpus(pid: number | 'self', proc = '/proc'): string {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(`${proc}/${pid}/status`))?.[1] ?? '';
}

/**
 * Why the kernel killed in a unit, by its own log: `CONSTRAINT_MEMCG`, `CONSTRAINT_NONE` … Absent
 * where the log may not be read (members of adm and systemd-journal may).
 */
export function killConstraint(unit: string): string | undefined {
  const { stdout } = spawnSync(
    'journalctl',
    ['--quiet', '--no-pager', '--output=cat', '--boot', '--dmesg', '--lines=200'],
    { encoding: 'utf8', timeout: 3000, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return constraintIn(stdout ?? '', unit);
}

/** Reads `oom-kill:constraint=CONSTRAINT_MEMCG,…,oom_memcg=…,task_memcg=/…/UNIT,task=dd,pid=1,…`. */
export function constraintIn(log: string, unit: string): string | undefined {
  const line = log
    .split('\n')
    .findLast((each) => each.includes('oom-kill:') && each.includes(`/${unit},task=`));
  return /constraint=(CONSTRAINT_\w+)/.exec(line ?? '')?.[1];
}

/** Arguments of a running program of that name (comm); absent where none runs. */
export function runningProgram(comm: string, proc = '/proc'): string[] | undefined {
  const pid = readdirSync(proc).find(
    (name) => /^\d+$/.test(name) && read(`${proc}/${name}/comm`).trim() === comm,
  );
  if (pid === undefined) return undefined;
  return read(`${proc}/${pid}/cmdline`).split('\0').slice(1, -1);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
