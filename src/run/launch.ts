import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { CannotRunError } from '../errors/index.js';
import { Signals } from './signals.js';
import type { StartedWith } from './started-with.js';
import { GO, wrapCommand } from './wrapper.js';

/** How a process ended: one of the two is absent. */
export interface Ending {
  status?: number;
  signal?: NodeJS.Signals;
}

export interface LaunchRequest {
  /** Builds the systemd-run line around the command that runs inside the scope. */
  argvFor(command: readonly string[]): string[];
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  startedWith: StartedWith;
  /** Whether stdout and stderr are to come through us (for `--log`) and not straight. */
  piped: boolean;
  /** Descriptors that the command gets besides: its number, and ours. */
  inherited?: readonly (readonly [theirs: number, ours: number])[];
}

/** A command that stands in its scope, before its first instruction. */
export interface AtGate {
  /** PID of what will be the command; it is already in the scope's cgroup. */
  pid: number;
  stdout: Readable | null;
  stderr: Readable | null;
  /** What comes to rlimit meanwhile. */
  signals: Signals;
  /** Lets the command start, and waits for its end. */
  go(): Promise<Ending>;
  /** Ends it before it has started. */
  refuse(): Promise<void>;
}

/**
 * Starts systemd-run and waits until the scope exists and the command stands at the gate in it.
 * Terminal, working directory, stdin and inherited descriptors are the command's own.
 * @returns how it ended instead, where a signal (Ctrl-C) came before the gate was reached
 * @throws {CannotRunError} when systemd-run failed; it has said why on stderr
 */
export async function launch(request: LaunchRequest): Promise<AtGate | Ending> {
  const { descriptors } = request.startedWith;
  const gate = freeDescriptor(descriptors);
  const wrapped = wrapCommand(request.command, { ...request, gate });
  const [program = '', ...args] = request.argvFor(wrapped);
  const output = request.piped ? 'pipe' : 'inherit';
  const child = spawn(program, args, {
    env: request.env,
    stdio: stdioFor([...descriptors.map(same), ...(request.inherited ?? [])], gate, output),
  });
  const signals = new Signals(child);
  const ending = endingOf(child, request.piped);
  const channel = child.stdio[gate] as Duplex;
  channel.on('error', () => {}); // A reset only says what `ending` tells better.
  const reached = await Promise.race([firstByte(channel), ending.then(() => false)]);
  if (!reached || child.pid === undefined) {
    const early = await ending;
    if (early.signal !== undefined) return early;
    throw startFailure(early);
  }
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    signals,
    go: () => {
      channel.end(`${GO}\n`);
      return ending;
    },
    refuse: async () => {
      channel.end();
      await ending;
    },
  };
}

/**
 * The lowest descriptor the command does not have: one digit, since a shell redirects no others.
 */
function freeDescriptor(taken: readonly number[]): number {
  const free = [3, 4, 5, 6, 7, 8, 9].find((descriptor) => !taken.includes(descriptor));
  if (free === undefined) {
    throw new CannotRunError('the descriptors 3 to 9 are all in use', {
      why: 'One of them is needed to hold the command back until its limits are seen in force.',
      remedy: 'close one: 9>&-',
    });
  }
  return free;
}

/** `ignore` above 2 leaves a descriptor closed (libuv opens /dev/null only for 0 to 2). */
function stdioFor(
  descriptors: readonly (readonly [theirs: number, ours: number])[],
  gate: number,
  output: 'pipe' | 'inherit',
) {
  const given = new Map(descriptors);
  const highest = Math.max(2, gate, ...given.keys());
  return Array.from({ length: highest + 1 }, (_, descriptor) => {
    if (descriptor === gate) return 'pipe';
    if (descriptor === 0) return 'inherit';
    if (descriptor <= 2) return output;
    return given.get(descriptor) ?? 'ignore';
  });
}

/** A descriptor that keeps its number. */
function same(descriptor: number): readonly [number, number] {
  return [descriptor, descriptor];
}

/** Where output is piped, its end is waited for as well, as `command | tee FILE` does. */
function endingOf(child: ChildProcess, piped: boolean): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(spawnFailure(cause)));
    child.once(piped ? 'close' : 'exit', (status, signal) => {
      resolve(signal === null ? { status: status ?? 0 } : { signal });
    });
  });
}

function firstByte(channel: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    channel.once('data', () => resolve(true));
    channel.once('close', () => resolve(false));
  });
}

function spawnFailure(cause: Error): CannotRunError {
  return new CannotRunError('systemd-run could not be started', {
    why: `${cause.message}. It comes with systemd.`,
    remedy: 'sudo apt-get install systemd',
  });
}

function startFailure({ status }: Ending): CannotRunError {
  return new CannotRunError('the scope could not be started', {
    why: `systemd-run ended with status ${status} before the command began; what it said stands above.`,
    remedy: 'rlimit run --dry-run shows the line that was tried',
  });
}
