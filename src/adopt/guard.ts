import { type ChildProcess, spawn } from 'node:child_process';
import { type Entry, keyOf } from './census.js';

/**
 * A small shell that outlives rlimit: it is told of every process before that is stopped, and when
 * rlimit is gone without a word, killed even, it lets them go on. Processes are known to it by PID
 * and start (field 22 of /proc/PID/stat, the 20th behind the name).
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT
stopped=
while read -r one; do
  [ "$one" = done ] && exit 0
  stopped="$one $stopped"
done
for one in $stopped; do
  stat=$(cat "/proc/\${one%:*}/stat" 2>/dev/null) || continue
  set -- \${stat##*) }
  [ "\${20}" = "\${one#*:}" ] && kill -CONT "\${one%:*}"
done
`;

export interface Guard {
  /** Tells it of a process that is about to be stopped. */
  watch(entry: Entry): void;
  /** Tells it that all go on. */
  dismiss(): void;
}

/** Starts the guard in a session of its own, where no Ctrl-C reaches it. */
export function startGuard(): Guard {
  const child: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
  });
  child.on('error', () => {}); // Without a shell there is no guard; the rest goes on.
  child.stdin?.on('error', () => {});
  child.unref();
  return {
    // A pipe with room takes what is written at once, before SIGSTOP is sent.
    watch: (entry) => void child.stdin?.write(`${keyOf(entry)}\n`),
    dismiss: () => void child.stdin?.end('done\n'),
  };
}
