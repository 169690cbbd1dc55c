import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes files under a fresh directory, which goes when the test ends, and gives its path. */
export function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'rlimit-tree-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

export interface FakeProcess {
  comm?: string;
  argv?: string[];
  cgroup: string;
  startTicks?: number;
  state?: string;
  /** KiB. */
  rss?: number;
  ppid?: number;
  pgrp?: number;
  session?: number;
  tty?: number;
  flags?: number;
  uid?: number;
}

/** The files of /proc/PID that are read of a process, below the directory `proc`. */
export function procFiles(pid: number, fake: FakeProcess): Record<string, string> {
  const { comm = 'make', argv = [comm], cgroup, startTicks = 1000, state = 'S', rss = 1024 } = fake;
  const { ppid = 1, pgrp = pid, session = pgrp, tty = 0, flags = 0, uid = 1000 } = fake;
  // Fields 4 to 52 of proc(5): flags is 9, utime 14, stime 15, starttime 22, rss 24 (in pages).
  const fields = Array.from({ length: 49 }, () => 0);
  fields.splice(0, 4, ppid, pgrp, session, tty);
  fields[9 - 4] = flags;
  fields[14 - 4] = 150;
  fields[15 - 4] = 50;
  fields[22 - 4] = startTicks;
  fields[24 - 4] = Math.floor(rss / 4);
  return {
    [`proc/${pid}/stat`]: `${pid} (${comm}) ${state} ${fields.join(' ')}\n`,
    [`proc/${pid}/task/${pid}/stat`]: `${pid} (${comm}) ${state} ${fields.join(' ')}\n`,
    [`proc/${pid}/status`]: `Name:\t${comm}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nVmRSS:\t    ${rss} kB\n`,
    [`proc/${pid}/cmdline`]: argv.map((word) => `${word}\0`).join(''),
    [`proc/${pid}/cgroup`]: `0::${cgroup}\n`,
  };
}
