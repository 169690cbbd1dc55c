/**
 * MAKEFLAGS as make writes and reads it. What was read for this:
 * - GNU make 4.2, 4.3 and 4.4.1, src/main.c: decode_env_switches() splits at blanks, takes a backslash
 *   as a quote and expands `$`; the first word gets a dash unless it has one or is a definition; the
 *   last --jobserver-auth wins; a -j from here, unlike one of the command line, keeps the jobserver.
 * - ninja 1.13, src/jobserver.cc, ParseMakeFlagsValue(): splits at blanks without any quoting, the last
 *   --jobserver-auth wins, and one of descriptors is refused.
 * - cargo, crate jobserver 0.1, src/lib.rs: the first of CARGO_MAKEFLAGS, MAKEFLAGS and MFLAGS that is
 *   set, and in it the last --jobserver-auth=, else --jobserver-fds=.
 * - GCC 13, gcc/opts-common.cc, jobserver_info(): the last --jobserver-auth= of MAKEFLAGS.
 */

/** How a client finds its tokens. */
export type JobserverAuth =
  /** A named pipe, in both directions: make from 4.4 on, ninja from 1.13 on, cargo, GCC from 13 on. */
  | { fifo: string }
  /** Numbers of inherited descriptors, to read tokens from and to return them to: no ninja. */
  | { read: number; write: number };

/** Written by us, or by a make whose child we are: what says it again would be in the way. */
const JOBSERVER_OPTION = /^--jobserver-(?:auth|fds|style)(?:=|$)/;

/** `-j8`, also behind flags without an argument (`-kj8`), and `--jobs=8`. */
const JOBS_OPTION = /^(?:(-?[bBdeikLmnpqrRsStvw]*)j\d*|--jobs(?:=\d*)?)$/;

/**
 * The environment that leads a build tool to the jobserver.
 *
 * What the caller has in MAKEFLAGS stays: flags, and definitions behind ` -- `. A number of jobs and
 * another jobserver go, for they would contradict this one.
 * @param jobs most jobs at one time, the implicit slot counted; make shows it in its MAKEFLAGS
 * @throws {RangeError} for the path of a FIFO that would not come through MAKEFLAGS in one piece
 */
export function jobserverEnvironment(
  auth: JobserverAuth,
  jobs: number,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const flags = composeMakeflags(auth, jobs, env.MAKEFLAGS ?? '');
  // Cargo reads the first that is set, even where it names no jobserver.
  if (env.CARGO_MAKEFLAGS === undefined) return { MAKEFLAGS: flags };
  return { MAKEFLAGS: flags, CARGO_MAKEFLAGS: composeMakeflags(auth, jobs, '') };
}

/** MAKEFLAGS with the jobserver in it; see `jobserverEnvironment`. */
export function composeMakeflags(auth: JobserverAuth, jobs: number, theirs: string): string {
  const words = makeWords(theirs);
  const end = words.indexOf('--');
  const definitions = end === -1 ? [] : words.slice(end);
  const flags = withoutJobs(end === -1 ? words : words.slice(0, end));
  const [first = ''] = flags;
  // Letters without a dash are flags in the first word alone, and a definition there is none.
  const letters = /^[A-Za-z]+$/.test(first) ? flags.slice(0, 1) : [];
  const rest = flags.slice(letters.length);
  return [...letters, ...rest, `-j${jobs}`, authOption(auth), ...definitions].join(' ');
}

/** Whether a jobserver is in MAKEFLAGS already: this run was started by a make. */
export function hasJobserver(makeflags: string): boolean {
  return makeWords(makeflags).some((word) => /^--jobserver-(?:auth|fds)=/.test(word));
}

/** The words of MAKEFLAGS as they stand there, their backslashes kept. */
export function makeWords(makeflags: string): string[] {
  return makeflags.match(/(?:\\[\s\S]|[^\s\\])+|\\$/g) ?? [];
}

/** What make would otherwise take for a number of jobs of its own, or for another jobserver. */
function withoutJobs(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (JOBSERVER_OPTION.test(word)) return [];
    // `4` of `-j 4`.
    const before = words[index - 1] ?? '';
    if (/^\d+$/.test(word) && /^(?:-[a-zA-Z]*j|--jobs)$/.test(before)) return [];
    const match = JOBS_OPTION.exec(word);
    // Only the first word may be letters without a dash.
    if (!match || (index > 0 && !word.startsWith('-'))) return [word];
    const flags = match[1] ?? '';
    return flags === '' || flags === '-' ? [] : [flags];
  });
}

function authOption(auth: JobserverAuth): string {
  if ('read' in auth) return `--jobserver-auth=${auth.read},${auth.write}`;
  // Make would take a backslash or a dollar as its own, and ninja knows no way to quote a blank.
  if (!/^[^\s\\$#'"]+$/.test(auth.fifo)) {
    throw new RangeError(
      `the path of a jobserver has to be free of blanks and quotes: ${auth.fifo}`,
    );
  }
  return `--jobserver-auth=fifo:${auth.fifo}`;
}
