/** bpftrace as a child: started, listened to, noticed when it ends, and gone with us. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Process, readProcess } from '../../cgroup/index.js';
import { onPath } from '../../gpu/program.js';
import { printable } from '../../text/index.js';
import { allocationProgram, readTracerLine } from './program.js';

/** Memory that one process took within a second, as the kernel counted it. */
export interface SeenGrowth {
  pid: number;
  bytes: number;
  /** In so many milliseconds. */
  overMs: number;
  /** Who it was when the news came; absent where it had ended by then. */
  process?: Pick<Process, 'pid' | 'comm' | 'argv0' | 'startTicks'>;
}

/** Where the tracer stands. */
export type TracerState =
  | { kind: 'starting' }
  | { kind: 'tracing' }
  /** It ended, or never began; for good, with a sentence on why. */
  | { kind: 'ended'; reason: string };

export interface TracerOptions {
  thresholdBytes: number;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  /** Another program in tests; else bpftrace and setpriv are looked for on PATH. */
  argv?: readonly string[];
  /** How long it may take to begin: it compiles its program with LLVM. */
  startMs?: number;
  identify?: (pid: number) => Process | undefined;
}

/** More news than these are not kept between two questions: an alarm needs no list of thousands. */
const KEPT = 256;
/** So much of what it says on stderr is kept for the reason of its end. */
const SAID = 4096;
/** A second after SIGTERM it is killed. */
const END_MS = 1000;
/** After its end, what it said last may still come. */
const LAST_WORDS_MS = 200;

/** See `startTracer`. */
export interface Tracer {
  state(): TracerState;
  /** What was seen since the last question, and how many news were lost. */
  take(): { seen: SeenGrowth[]; lost: number };
  /** Ends it, and comes back when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts bpftrace with the program of `allocationProgram`. Never throws: that it cannot be had is a state.
 * It dies with the process that started it, however that ends, where setpriv(1) is there (PR_SET_PDEATHSIG).
 */
export function startTracer(options: TracerOptions): Tracer {
  const argv = options.argv ?? tracerArgv(options);
  if ('reason' in argv) return neverBegun(argv.reason);
  return listen(argv, options);
}

/** The line that starts it, or why there is none. */
function tracerArgv({
  thresholdBytes,
  env = process.env,
  uid = process.getuid?.() ?? 0,
}: TracerOptions): readonly string[] | { reason: string } {
  if (uid !== 0) return { reason: 'only root can load eBPF programs' };
  const bpftrace = onPath('bpftrace', env);
  if (bpftrace === undefined) return { reason: 'bpftrace is not installed' };
  const setpriv = onPath('setpriv', env);
  const tied = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL'];
  return [...tied, bpftrace, '-f', 'json', '-B', 'line', '-e', allocationProgram(thresholdBytes)];
}

function neverBegun(reason: string): Tracer {
  return {
    state: () => ({ kind: 'ended', reason }),
    take: () => ({ seen: [], lost: 0 }),
    stop: async () => {},
  };
}

function listen([program = '', ...args]: readonly string[], options: TracerOptions): Tracer {
  const { startMs = 60_000, identify = readProcess } = options;
  let state: TracerState = { kind: 'starting' };
  let seen: SeenGrowth[] = [];
  let lost = 0;
  let said = '';
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      if (state.kind !== 'ended') state = { kind: 'ended', reason };
      clearTimeout(patience);
      resolve();
    };
    child.once('error', ({ message }) => end(`bpftrace could not be started: ${message}`));
    child.once('close', (status, signal) => end(endOf(status, signal, said)));
    // What holds its pipes open longer, a child of its own, is not waited for.
    child.once('exit', (status, signal) => {
      setTimeout(() => end(endOf(status, signal, said)), LAST_WORDS_MS);
    });
  });
  const patience = setTimeout(() => {
    state = { kind: 'ended', reason: `bpftrace did not begin within ${startMs / 1000} s` };
    child.kill('SIGKILL');
  }, startMs);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(0, SAID);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const news = readTracerLine(line);
    if (news.kind === 'attached' && state.kind === 'starting') {
      clearTimeout(patience);
      state = { kind: 'tracing' };
    }
    if (news.kind === 'lost') lost += news.events;
    if (news.kind !== 'growth') return;
    if (seen.length >= KEPT) lost += 1;
    else seen.push(named(news, identify));
  });
  return {
    state: () => state,
    take: () => {
      const taken = { seen, lost };
      seen = [];
      lost = 0;
      return taken;
    },
    stop: () => endChild(child, ended),
  };
}

function named(
  { pid, bytes, overMs }: { pid: number; bytes: number; overMs: number },
  identify: (pid: number) => Process | undefined,
): SeenGrowth {
  const who = identify(pid);
  if (who === undefined) return { pid, bytes, overMs };
  const { comm, argv0, startTicks } = who;
  const process = { pid, comm, startTicks, ...(argv0 === undefined ? {} : { argv0 }) };
  return { pid, bytes, overMs, process };
}

function endOf(status: number | null, signal: string | null, said: string): string {
  const how = signal === null ? `with status ${status}` : `by ${signal}`;
  // Warnings come first, and what stopped it says ERROR.
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /error/i.test(text)) ?? lines.at(-1);
  return `bpftrace ended ${how}${line === undefined ? '' : `: ${printable(line.trim())}`}`;
}

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(hard);
}
