import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent, Channel } from './channel.js';

/** A line for bash, or a program with its arguments. */
export type Command = string | readonly string[];

export interface ExecOptions {
  /** Whose command it is; `dev` is an ordinary user with a running user manager. */
  user?: 'dev' | 'root';
  /** The home directory, unless told otherwise. */
  cwd?: string;
  /** Added to what a login of that user would have. */
  env?: Record<string, string>;
  /** Standard input, or the beginning of it. */
  input?: string | Uint8Array;
  /** After this time the command's process group is killed, and waiting for it fails. */
  timeoutMs?: number;
}

export interface SpawnOptions extends ExecOptions {
  /** Give the command a terminal of its own. All it says is then its `stdout`. */
  tty?: boolean | TerminalSize;
}

export interface TerminalSize {
  rows: number;
  cols: number;
}

/** How a command ended, and all it said until then. */
export interface ExecResult {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** The same, byte for byte. */
  stdoutBytes: Buffer;
  stderrBytes: Buffer;
}

type Stream = 'stdout' | 'stderr';
type OutputListener = (data: Buffer, stream: Stream) => void;

const defaultTerminal: TerminalSize = { rows: 24, cols: 80 };
/** Within this time the agent must have said what it has to say about a command's time limit. */
const answerTimeMs = 30_000;
const pollMs = 20;

/**
 * A command in the machine, from its start on. Its output is gathered until the command itself
 * ends; what a process that it left behind says later is not.
 */
export class GuestProcess {
  readonly #channel: Channel;
  readonly #id: string;
  readonly #command: Command;
  readonly #output: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
  readonly #started = deferred<number>();
  readonly #ended = deferred<ExecResult>();
  #watchdog: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #pid = 0;
  #matchedUpTo = 0;
  #onOutput: OutputListener = () => {};

  private constructor(
    channel: Channel,
    command: Command,
    options: SpawnOptions,
    keepInput: boolean,
  ) {
    this.#channel = channel;
    this.#command = command;
    const request = startRequest(command, options, keepInput);
    this.#id = channel.request(request, (event) => this.#hear(event));
    if (options.timeoutMs !== undefined) this.#watch(options.timeoutMs);
  }

  /** Start a command and wait until it is there. With `keepInput` its input stays open. */
  static async start(
    channel: Channel,
    command: Command,
    options: SpawnOptions,
    keepInput: boolean,
  ): Promise<GuestProcess> {
    const started = new GuestProcess(channel, command, options, keepInput);
    started.#pid = await started.#started.promise;
    return started;
  }

  /** The process ID in the machine; also that of its process group and session. */
  get pid(): number {
    return this.#pid;
  }

  /** What it has said so far. */
  get stdout(): string {
    return Buffer.concat(this.#output.stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#output.stderr).toString();
  }

  /**
   * Wait for its end. Fails when it was killed for exceeding its own time, and when it is still
   * there after the time given here.
   */
  async wait(timeoutMs = 180_000): Promise<ExecResult> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#hasEnded) {
      if (Date.now() > deadline) {
        throw new Error(`${this} did not end within ${timeoutMs} ms. It said:\n${this.#allSaid()}`);
      }
      await Promise.race([this.#ended.promise, sleep(pollMs)]);
    }
    return this.#ended.promise;
  }

  /**
   * Wait until it has said something that matches, after what the call before this one matched,
   * and give back the matching text.
   */
  async waitForOutput(pattern: string | RegExp, timeoutMs = 120_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const ended = this.#hasEnded;
      const text = this.stdout;
      const match = findMatch(text.slice(this.#matchedUpTo), pattern);
      if (match !== undefined) {
        this.#matchedUpTo += match.end;
        return match.text;
      }
      if (ended) throw new Error(`${this} ended without saying ${pattern}. It said:\n${text}`);
      if (Date.now() > deadline) {
        throw new Error(`${this} did not say ${pattern} within ${timeoutMs} ms. It said:\n${text}`);
      }
      await sleep(pollMs);
    }
  }

  /** Call back with every piece of output that comes from now on. */
  onOutput(callback: OutputListener): void {
    this.#onOutput = callback;
  }

  /** Type into its terminal, or write to its standard input. */
  write(data: string | Uint8Array): void {
    this.#channel.tell(this.#id, { op: 'input', data: base64(data) });
  }

  /** End its standard input. */
  end(): void {
    this.#channel.tell(this.#id, { op: 'endInput' });
  }

  resize(size: TerminalSize): void {
    this.#channel.tell(this.#id, { op: 'resize', ...size });
  }

  /** Send a signal to the process, or to its whole process group. */
  kill(signal: NodeJS.Signals = 'SIGTERM', { group = false } = {}): void {
    this.#channel.tell(this.#id, { op: 'signal', signal, group });
  }

  /** Kill it with its process group, unless it has ended, and wait for its end. */
  async destroy(): Promise<void> {
    if (this.#hasEnded) return;
    this.kill('SIGKILL', { group: true });
    await this.wait(30_000);
  }

  toString(): string {
    return describe(this.#command);
  }

  #hear(event: AgentEvent): void {
    switch (event.event) {
      case 'started':
        this.#started.resolve(event.pid);
        break;
      case 'output': {
        const data = Buffer.from(event.data, 'base64');
        this.#output[event.stream].push(data);
        this.#onOutput(data, event.stream);
        break;
      }
      case 'exit':
        this.#finish(event.timedOut ? this.#timeoutError() : this.#result(event));
        break;
      case 'error':
      case 'lost':
        this.#finish(new Error(`${this}: ${event.message}`));
        break;
    }
  }

  #watch(timeoutMs: number): void {
    this.#watchdog = setTimeout(
      () => this.#finish(new Error(`${this}: the test machine does not answer any more.`)),
      timeoutMs + answerTimeMs,
    );
  }

  #finish(outcome: ExecResult | Error): void {
    clearTimeout(this.#watchdog);
    this.#channel.forget(this.#id);
    this.#hasEnded = true;
    if (outcome instanceof Error) {
      this.#started.reject(outcome);
      this.#ended.reject(outcome);
    } else {
      this.#ended.resolve(outcome);
    }
  }

  #result({ status, signal }: Pick<ExecResult, 'status' | 'signal'>): ExecResult {
    const stdoutBytes = Buffer.concat(this.#output.stdout);
    const stderrBytes = Buffer.concat(this.#output.stderr);
    return {
      status,
      signal,
      stdout: stdoutBytes.toString(),
      stderr: stderrBytes.toString(),
      stdoutBytes,
      stderrBytes,
    };
  }

  #timeoutError(): Error {
    return new Error(`${this} was killed: it took too long. It said:\n${this.#allSaid()}`);
  }

  #allSaid(): string {
    return [this.stdout, this.stderr].filter((text) => text !== '').join('\n');
  }
}

function startRequest(command: Command, options: SpawnOptions, keepInput: boolean) {
  return {
    op: 'start',
    argv: typeof command === 'string' ? ['bash', '-c', command] : command,
    user: options.user ?? 'dev',
    cwd: options.cwd,
    env: options.env ?? {},
    input: base64(options.input ?? ''),
    keepInput,
    tty: options.tty === true ? defaultTerminal : options.tty || undefined,
    timeoutMs: options.timeoutMs,
  } as const;
}

function findMatch(text: string, pattern: string | RegExp) {
  if (typeof pattern === 'string') {
    const start = text.indexOf(pattern);
    return start < 0 ? undefined : { text: pattern, end: start + pattern.length };
  }
  const match = pattern.exec(text);
  return match === null ? undefined : { text: match[0], end: match.index + match[0].length };
}

function describe(command: Command): string {
  return typeof command === 'string' ? command : command.join(' ');
}

export function base64(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64');
}

/** A promise that others settle. Nobody has to listen to it: a rejection by itself is no crash. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
