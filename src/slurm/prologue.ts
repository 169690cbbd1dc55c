/**
 * The shell around a command in a step of Slurm. Before the command it reads what its cgroup is held to,
 * and after it what the kernel has counted there, and tells both on stderr in lines that rlimit takes out
 * again. On stderr, because nothing else comes back from a step but its two streams; behind a word that
 * nobody can guess, so that no other line is taken for one of these.
 */

/** What a step is to be held to. */
export interface Wanted {
  /** In bytes. What is absent may be anything. */
  memory?: number;
  /** Whole CPUs. */
  cpus?: number;
  /** Whether the command is not to start without. */
  strict: boolean;
}

/** Where the kernel's files are; another tree in tests. */
export interface Roots {
  proc: string;
  cgroup: string;
}

const KERNEL: Roots = { proc: '/proc', cgroup: '/sys/fs/cgroup' };

/** Slurm gives memory in whole MB, rounded up. */
const MIB = 1024 ** 2;

/** The most that a step may have of what was asked for, in bytes. */
export function memoryGiven(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}

/**
 * The command line to hand to srun.
 * @param word begins the lines of the report
 * @param command with env(1) before it where a shell would change its environment
 */
export function wrapStep(
  command: readonly string[],
  { word, wanted, roots = KERNEL }: { word: string; wanted: Wanted; roots?: Roots },
): string[] {
  const { memory, cpus, strict } = wanted;
  const most = memory === undefined ? '-' : memoryGiven(memory);
  const script = SCRIPT.replaceAll('@proc@', roots.proc).replaceAll('@cgroup@', roots.cgroup);
  const asked = [most, cpus ?? '-', strict ? 1 : 0].map(String);
  return ['/bin/sh', '-c', script, 'sh', word, ...asked, ...command];
}

/**
 * Variables begin with RLIMIT_S_, so that none of the command's is changed. The limit that counts is the
 * smallest on the way up, and of equal ones the uppermost: slurmd sets it on `step_N/user` and on the job
 * (https://slurm.schedmd.com/cgroup_v2.html), and the job's is hit first, since slurmstepd counts there as
 * well. `oom` is counted where the limit was hit (of the whole job: what was there before is taken off),
 * `oom_kill` where the victim was.
 *
 * Where Slurm makes no cgroup for a job (proctrack/linuxproc), that of the daemon would be read: its counts
 * are those of others as well, and are left alone.
 *
 * The shell stays as the parent of the command, unlike the one of a run on this machine: when the step has
 * gone, so has all that the kernel counted in it. Slurm signals the first process of a task alone (SIGKILL
 * goes to all), so the shell hands signals on; it can do so only while it waits for a command in the
 * background. There it would have /dev/null as stdin, and SIGINT and SIGQUIT ignored (POSIX, 2.11): env(1)
 * of coreutils 8.31 and bash's job control know how to avoid that. The shell's own stderr is shut, since it
 * would say "Killed" there.
 */
const SCRIPT = `
RLIMIT_S_word=$1 RLIMIT_S_most=$2 RLIMIT_S_cpus=$3 RLIMIT_S_strict=$4
shift 4
RLIMIT_S_own= RLIMIT_S_set= RLIMIT_S_v=0
while IFS= read -r RLIMIT_S_l; do
  case $RLIMIT_S_l in
  *:memory:* | *,memory:* | *:memory,*:*) RLIMIT_S_v=1 RLIMIT_S_own=@cgroup@/memory/\${RLIMIT_S_l#*:*:/} ;;
  *:cpuset:* | *,cpuset:* | *:cpuset,*:*) RLIMIT_S_set=@cgroup@/cpuset/\${RLIMIT_S_l#*:*:/} ;;
  0::/*) [ $RLIMIT_S_v = 1 ] || RLIMIT_S_v=2 RLIMIT_S_own=@cgroup@/\${RLIMIT_S_l#0::/} ;;
  esac
done <@proc@/self/cgroup
[ $RLIMIT_S_v = 2 ] && RLIMIT_S_set=$RLIMIT_S_own
RLIMIT_S_fm=memory.max RLIMIT_S_fp=memory.peak RLIMIT_S_fe=memory.events
if [ $RLIMIT_S_v = 1 ]; then
  RLIMIT_S_fm=memory.limit_in_bytes RLIMIT_S_fp=memory.max_usage_in_bytes RLIMIT_S_fe=memory.oom_control
fi
rlimit_s_read() { IFS= read -r RLIMIT_S_r <"$1"; } 2>/dev/null
rlimit_s_key() {
  RLIMIT_S_r=
  while read -r RLIMIT_S_k RLIMIT_S_x; do
    [ "$RLIMIT_S_k" = "$2" ] && RLIMIT_S_r=$RLIMIT_S_x
  done <"$1"
} 2>/dev/null
rlimit_s_count() {
  RLIMIT_S_n=0
  IFS=,
  for RLIMIT_S_x in $1; do
    RLIMIT_S_n=$((RLIMIT_S_n + \${RLIMIT_S_x#*-} - \${RLIMIT_S_x%-*} + 1))
  done
  unset IFS
}
RLIMIT_S_max=max RLIMIT_S_at=$RLIMIT_S_own RLIMIT_S_d=$RLIMIT_S_own
while :; do
  if rlimit_s_read "$RLIMIT_S_d/$RLIMIT_S_fm" && [ "$RLIMIT_S_r" != max ]; then
    if [ $RLIMIT_S_max = max ] || [ "$RLIMIT_S_r" -le $RLIMIT_S_max ]; then
      RLIMIT_S_max=$RLIMIT_S_r RLIMIT_S_at=$RLIMIT_S_d
    fi
  fi
  case $RLIMIT_S_d in @cgroup@/?*) RLIMIT_S_d=\${RLIMIT_S_d%/*} ;; *) break ;; esac
done
RLIMIT_S_in=
for RLIMIT_S_x in cpuset.cpus.effective cpuset.effective_cpus cpuset.cpus; do
  [ -z "$RLIMIT_S_in" ] && rlimit_s_read "$RLIMIT_S_set/$RLIMIT_S_x" && RLIMIT_S_in=$RLIMIT_S_r
done
rlimit_s_key @proc@/self/status Cpus_allowed_list:
RLIMIT_S_on=$RLIMIT_S_r
if [ "$RLIMIT_S_cpus" != - ] && [ "\${SLURM_CPUS_ON_NODE:-0}" -gt "$RLIMIT_S_cpus" ]; then
  RLIMIT_S_cpus=$SLURM_CPUS_ON_NODE
fi
RLIMIT_S_gate=go
if [ "$RLIMIT_S_strict" = 1 ]; then
  if [ "$RLIMIT_S_most" != - ]; then
    [ $RLIMIT_S_max != max ] && [ $RLIMIT_S_max -le $RLIMIT_S_most ] || RLIMIT_S_gate=refused
  fi
  if [ "$RLIMIT_S_cpus" != - ]; then
    rlimit_s_count "$RLIMIT_S_in"
    [ $RLIMIT_S_n -ge 1 ] && [ $RLIMIT_S_n -le "$RLIMIT_S_cpus" ] || RLIMIT_S_gate=refused
  fi
fi
printf '%s\\n' "$RLIMIT_S_word begin step=$SLURM_JOB_ID.$SLURM_STEP_ID node=$SLURMD_NODENAME memory=$RLIMIT_S_max cpuset=$RLIMIT_S_in allowed=$RLIMIT_S_on given=$RLIMIT_S_cpus gate=$RLIMIT_S_gate." >&2
[ $RLIMIT_S_gate = go ] || exit 125
rlimit_s_key "$RLIMIT_S_at/$RLIMIT_S_fe" oom
RLIMIT_S_before=\${RLIMIT_S_r:-0}
if env --default-signal=INT,QUIT true 2>/dev/null; then
  set -- env --default-signal=INT,QUIT "$@"
elif [ -n "$BASH_VERSION" ]; then
  set -m
fi
exec 3>&2 4<&0 2>/dev/null
RLIMIT_S_pid=
for RLIMIT_S_x in HUP INT QUIT ALRM TERM USR1 USR2 CONT; do
  trap "kill -$RLIMIT_S_x \\$RLIMIT_S_pid" $RLIMIT_S_x
done
(exec "$@" <&4 2>&3 3>&- 4<&-) &
RLIMIT_S_pid=$!
while
  wait $RLIMIT_S_pid
  RLIMIT_S_end=$?
  kill -0 $RLIMIT_S_pid
do :; done
RLIMIT_S_peak= RLIMIT_S_oom= RLIMIT_S_kills= RLIMIT_S_r=
case $RLIMIT_S_own in
*/job_$SLURM_JOB_ID/*)
  rlimit_s_read "$RLIMIT_S_own/$RLIMIT_S_fp" && RLIMIT_S_peak=$RLIMIT_S_r
  rlimit_s_key "$RLIMIT_S_at/$RLIMIT_S_fe" oom
  RLIMIT_S_oom=\${RLIMIT_S_r:+$((RLIMIT_S_r - RLIMIT_S_before))}
  rlimit_s_key "$RLIMIT_S_own/$RLIMIT_S_fe" oom_kill
  RLIMIT_S_kills=$RLIMIT_S_r
  rlimit_s_key "$RLIMIT_S_own/cpu.stat" usage_usec
  ;;
esac
printf '%s\\n' "$RLIMIT_S_word end status=$RLIMIT_S_end peak=$RLIMIT_S_peak oom=$RLIMIT_S_oom kills=$RLIMIT_S_kills cpu=$RLIMIT_S_r." >&3
exit $RLIMIT_S_end
`.trim();

/** What a step told of itself before the command started. */
export interface Begun {
  /** Job and step: `123.0`. */
  step: string;
  node?: string;
  /** The smallest limit above the command in bytes; absent where there is none. */
  memory?: number;
  /** CPUs of its cpuset, as a list: `0-3,8`; absent without one. */
  cpuset?: string;
  /** CPUs that it may run on, by affinity or cpuset. */
  allowed?: string;
  /** CPUs that were asked for, or that Slurm gave where those are more: it gives whole cores. */
  given?: number;
  /** The command was not started: --strict. */
  refused: boolean;
}

/** What it told after the command. What the kernel did not say is absent. */
export interface Ended {
  /** As from a shell: 128 and the number of a signal. */
  status: number;
  /** memory.peak in bytes. */
  peak?: number;
  /** `oom` where the limit is, `oom_kill` of the step. */
  oom?: number;
  kills?: number;
  /** CPU time in µs. */
  cpu?: number;
}

/** KEY=VALUE of a line, without those that have no value. */
type Said = ReadonlyMap<string, string>;

/** A line of the report, without the word that it begins with; undefined where it is none. */
export function parseReport(line: string): { begin: Begun } | { end: Ended } | undefined {
  const [, kind, rest = ''] = /^ (begin|end) (.*)\.$/.exec(line) ?? [];
  const pairs = rest.split(' ').map((word) => word.split('=', 2) as [string, string]);
  const said: Said = new Map(pairs.filter(([, value]) => value));
  if (kind === 'begin') return { begin: begunOf(said) };
  return kind === 'end' ? { end: endedOf(said) } : undefined;
}

/** cgroup v1 says "no limit" with the largest number of pages that fits. */
const NO_LIMIT_V1 = 2 ** 62;

function begunOf(said: Said): Begun {
  const memory = Number(said.get('memory'));
  return {
    step: said.get('step') ?? '',
    ...text('node', said),
    ...(memory < NO_LIMIT_V1 ? { memory } : {}),
    ...text('cpuset', said),
    ...text('allowed', said),
    ...figure('given', said),
    refused: said.get('gate') !== 'go',
  };
}

function endedOf(said: Said): Ended {
  return {
    status: Number(said.get('status')),
    ...figure('peak', said),
    ...figure('oom', said),
    ...figure('kills', said),
    ...figure('cpu', said),
  };
}

function text<K extends string>(key: K, said: Said) {
  const value = said.get(key);
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}

function figure<K extends string>(key: K, said: Said) {
  const value = Number(said.get(key));
  return (Number.isFinite(value) ? { [key]: value } : {}) as { [P in K]?: number };
}
