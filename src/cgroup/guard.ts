import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A small shell that outlives rlimit: it is told of every process before that is stopped, and when
 * rlimit is gone without a word, killed even, it lets them go on. Processes are known to it by PID
 * and start (field 22 of /proc/PID/stat, the 20th behind the name).
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT
stopped=
while read -r one; do
  case $one in
    done) exit 0 ;;
    none) stopped= ;;
    *) stopped="$one $stopped" ;;
  esac
done
relay=$1
for one in $stopped; do
  stat=$(cat "/proc/\${one%:*}/stat" 2>/dev/null) || continue
  set -- \${stat##*) }
  [ "\${20}" = "\${one#*:}" ] && kill -CONT "\${one%:*}"
done
[ "$relay" ] && exec cat <&3 >&4
`;

/** A process that is known for ever. */
interface Stopped {
  pid: number;
  startTicks: number;
}

export interface Guard {
  /** Tells it of a process that is about to be stopped. */
  watch(process: Stopped): void;
  /** Tells it that all go on, and that more may be stopped later. */
  relax(): void;
  /** Tells it that all go on, and that it is not needed any more. */
  dismiss(): void;
}

/**
 * Starts the guard in a session of its own, where no Ctrl-C reaches it.
 * @param relay descriptors of pipes: when rlimit is gone, what comes from the first goes to the second,
 *   until nobody has the first one's other end
 */
export function startGuard(relay?: readonly [from: number, to: number]): Guard {
  const child: ChildProcess = spawn(
    '/bin/sh',
    ['-c', SCRIPT, 'sh', ...(relay === undefined ? [] : ['relay'])],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore', ...(relay ?? [])],
      env: { PATH: '/usr/bin:/bin' },
    },
  );
  child.on('error', () => {}); // Without a shell there is no guard; the rest goes on.
  child.stdin?.on('error', () => {});
  child.unref();
  return {
    // A pipe with room takes what is written at once, before SIGSTOP is sent.
    watch: ({ pid, startTicks }) => void child.stdin?.write(`${pid}:${startTicks}\n`),
    relax: () => void child.stdin?.write('none\n'),
    dismiss: () => void child.stdin?.end('done\n'),
  };
}
