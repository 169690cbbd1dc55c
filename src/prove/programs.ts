/**
 * What runs inside the scopes: lines for a POSIX sh, with dd(1) and sleep(1). They are light, so
 * that small limits are enough, and every one of them is bounded in itself.
 */

/** The word with which a scope says that it is there. */
export const READY = 'ready';
/** A sign of life. */
export const BEAT = 'beat';

/**
 * A program that waits for a line on stdin before it begins. Where the whole machine runs out of
 * memory meanwhile, it is what the kernel takes first (proc_pid_oom_score_adj(5): anybody may raise
 * it).
 */
export function gated(script: string): string {
  return [
    'echo 1000 2>/dev/null >/proc/self/oom_score_adj',
    `echo ${READY}`,
    'read -r word || exit 1',
    script,
  ].join('\n');
}

/**
 * Takes and touches that many MiB in steps of 64K, and gives them back at once: a read from a pipe
 * ends after 64K, so that it goes back and forth between kernel and program as a program that grows
 * does. (One read of it all would stay in the kernel, which before Linux 5.18 slows down at
 * memory.high only on the way back.)
 */
export function balloon(mebibytes: number): string {
  return (
    `dd if=/dev/zero bs=64k count=${mebibytes * 16} 2>/dev/null | ` +
    `dd bs=${mebibytes}M iflag=fullblock of=/dev/null 2>/dev/null`
  );
}

/** The same, but keeps it: its buffer is never full. */
export function holding(mebibytes: number): string {
  return (
    `(dd if=/dev/zero bs=64k count=${mebibytes * 16} 2>/dev/null; echo holding >&2; exec sleep 60) | ` +
    `dd bs=${mebibytes + 1}M iflag=fullblock of=/dev/null 2>/dev/null`
  );
}

/** What a small server does: every 50 ms it starts a process, which takes a little memory. */
export const HEARTBEAT = `while echo ${BEAT}; do sleep 0.05; done`;

/** Takes all CPU time that it is given, on one CPU. */
export const SPIN = 'while :; do :; done';

/** As many processes are started at most. */
export const MOST_FORKS = 40;

/**
 * Starts processes until the kernel refuses one, and tells how many there were and the name of the
 * error. In JavaScript, since a shell does not tell the error (dash), or tries again for half a
 * minute (bash). Nothing in it may need a quote for the shell.
 */
export const FORKER = `
const { spawn } = require("node:child_process");
let started = 0;
const say = (code) => console.log("forks " + started + " " + code);
const next = () => {
  if (started >= ${MOST_FORKS}) return say("none");
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  child.once("error", (error) => say(error.code));
  child.once("spawn", () => { started += 1; next(); });
};
next();
`;

/**
 * Reads a file of 48 MiB over and over: under a MemoryMax of less, the kernel must drop and reread
 * pages all the time. The file has no name any more when it is read, so nothing is left of it.
 */
export const THRASH = [
  'file=$(mktemp "$1/rlimit-prove.XXXXXX") || exit 9',
  'exec 3<>"$file" && rm -f "$file"',
  'dd if=/dev/urandom bs=64k count=768 >&3 2>/dev/null || exit 9',
  'echo pressed',
  'while :; do dd if=/proc/self/fd/3 of=/dev/null bs=64k 2>/dev/null; done',
].join('\n');
