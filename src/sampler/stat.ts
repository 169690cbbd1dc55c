/** /proc/PID/stat from its bytes: for hundreds of processes a second. */

/** What a look at all processes wants of one. */
export interface ProcessStat {
  pid: number;
  comm: string;
  /** `Z` has ended and waits to be collected. */
  state: string;
  ppid: number;
  /** A thread of the kernel: PF_KTHREAD of include/linux/sched.h. */
  kernel: boolean;
  /** utime and stime in clock ticks. */
  cpuTicks: number;
  startTicks: number;
  residentPages: number;
}

const PF_KTHREAD = 0x00200000;
const [SPACE, MINUS, ZERO, NINE, CLOSE] = [0x20, 0x2d, 0x30, 0x39, 0x29];

/** The numbers behind the state of `pid (comm) state ppid …`, by their number in proc_pid_stat(5). */
const WANTED = { ppid: 4, flags: 9, utime: 14, stime: 15, starttime: 22, rss: 24 } as const;

/** So many numbers are read, from field 4 on. */
const COUNT = WANTED.rss - 3;
const numbers = new Float64Array(COUNT);

/**
 * Reads one stat. comm may hold anything, brackets, blanks and line ends as well, but no number comes
 * after it that holds a bracket: so the last bracket ends it.
 * @param length bytes of `bytes` that count
 */
export function parseStatBytes(bytes: Buffer, length: number): ProcessStat | undefined {
  const open = bytes.indexOf(' (');
  const close = bytes.lastIndexOf(CLOSE, length - 1);
  if (open <= 0 || close < open + 2 || close + 3 >= length) return undefined;
  const pid = Number(bytes.toString('latin1', 0, open));
  if (!readNumbers(bytes, close + 3, length) || !Number.isSafeInteger(pid)) return undefined;
  const field = (number: number) => numbers[number - 4] as number;
  return {
    pid,
    comm: bytes.toString('utf8', open + 2, close),
    state: bytes.toString('latin1', close + 2, close + 3),
    ppid: field(WANTED.ppid),
    kernel: (field(WANTED.flags) & PF_KTHREAD) !== 0,
    cpuTicks: field(WANTED.utime) + field(WANTED.stime),
    startTicks: field(WANTED.starttime),
    residentPages: field(WANTED.rss),
  };
}

/** Into `numbers`; false where they are too few, or something else stands there. */
function readNumbers(bytes: Buffer, from: number, length: number): boolean {
  let at = from;
  for (let index = 0; index < COUNT; index += 1) {
    if (bytes[at] !== SPACE) return false;
    at += 1;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at += 1;
    const begun = at;
    let value = 0;
    for (let byte = bytes[at] ?? 0; at < length && byte >= ZERO && byte <= NINE; ) {
      value = value * 10 + byte - ZERO;
      at += 1;
      byte = bytes[at] ?? 0;
    }
    if (at === begun) return false;
    numbers[index] = isNegative ? -value : value;
  }
  return true;
}
