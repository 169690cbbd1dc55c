/** The bpftrace program that sees memory being taken, and the lines it prints. Pure. */

/** Length of the window in which growth is added up, in nanoseconds: a second. */
const WINDOW_NS = 1_000_000_000;

/**
 * A program for `bpftrace -f json` that prints `PID BYTES MILLISECONDS` when the resident anonymous memory
 * of a process has grown by more than a threshold within a second, at most once in that second.
 *
 * `kmem:rss_stat` (Linux 5.5 and later) tells the size of an address space whenever pages are counted for
 * it, a huge page with its 2 MiB: mapping memory does not come to it, only touching does. Member 1 is
 * MM_ANONPAGES (include/linux/mm_types_task.h). `curr` leaves out sizes that somebody else changes: a
 * parent that forks, or the kernel that reclaims. Up to Linux 6.1 it tells of every 64th page.
 *
 * A window begins with the first growth after it, so a burst after a rest is seen as a whole. The first
 * size seen of a process is where its growth begins: what it has from its parent is not its own doing.
 * Each process has four numbers here; they go when it ends, and all go once a minute, so that what ended
 * unseen does not fill the maps (4096 entries; further processes are not watched until then).
 *
 * The syntax is that of bpftrace 0.17 to 0.24: `BEGIN` gives the maps their types, which later versions do
 * not find out by themselves here.
 * @param thresholdBytes a positive integer
 */
export function allocationProgram(thresholdBytes: number): string {
  if (!Number.isSafeInteger(thresholdBytes) || thresholdBytes <= 0) {
    throw new RangeError(`${thresholdBytes} is no threshold in bytes`);
  }
  return `BEGIN
{
  @since[0] = nsecs; @low[0] = (int64)0; @last[0] = (int64)0; @told[0] = (int64)0;
}
tracepoint:kmem:rss_stat
/args->curr && args->member == 1/
{
  $size = args->size;
  $now = nsecs;
  $last = @last[pid];
  if (@since[pid] == 0) {
    @since[pid] = $now;
    @low[pid] = $size;
    @told[pid] = 0;
  } else if ($now - @since[pid] > ${WINDOW_NS}) {
    @since[pid] = $now;
    @low[pid] = $last;
    @told[pid] = 0;
  }
  if ($size < @low[pid]) {
    @low[pid] = $size;
  }
  @last[pid] = $size;
  if (@told[pid] == 0 && $size - @low[pid] > ${thresholdBytes}) {
    @told[pid] = 1;
    printf("%d %lld %lld\\n", pid, $size - @low[pid], ($now - @since[pid]) / 1000000);
  }
}
tracepoint:sched:sched_process_exit
/pid == tid && @since[pid] != 0/
{
  delete(@since[pid]); delete(@low[pid]); delete(@last[pid]); delete(@told[pid]);
}
interval:s:60 { clear(@since); clear(@low); clear(@last); clear(@told); }
END { clear(@since); clear(@low); clear(@last); clear(@told); }
`;
}

/** What one line of `bpftrace -f json` says to us. */
export type TracerLine =
  | { kind: 'attached' }
  | { kind: 'growth'; pid: number; bytes: number; overMs: number }
  /** So many lines were lost, since they came faster than they were read. */
  | { kind: 'lost'; events: number }
  /** Anything else, also lines that make no sense. */
  | { kind: 'other' };

/** Reads a line of `bpftrace -f json` (bpftrace(8), Output format). */
export function readTracerLine(line: string): TracerLine {
  const { type, data } = parsed(line);
  if (type === 'attached_probes') return { kind: 'attached' };
  if (type === 'printf') return readGrowth(data);
  if (type === 'lost_events') {
    const events = (data as { events?: unknown } | undefined)?.events;
    return { kind: 'lost', events: typeof events === 'number' ? events : 1 };
  }
  return { kind: 'other' };
}

function parsed(line: string): { type?: unknown; data?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function readGrowth(data: unknown): TracerLine {
  const match = typeof data === 'string' ? /^(\d+) (\d+) (\d+)$/.exec(data.trim()) : null;
  const [pid = 0, bytes = 0, overMs = 0] = (match ?? []).slice(1).map(Number);
  if (pid < 1 || !Number.isSafeInteger(bytes)) return { kind: 'other' };
  return { kind: 'growth', pid, bytes, overMs };
}
