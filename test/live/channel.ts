import { randomUUID } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the agent in the machine is asked to do (see agent.py). */
export type Request =
  | {
      op: 'start';
      argv: readonly string[];
      user: string;
      cwd?: string | undefined;
      env: Record<string, string>;
      input: string;
      keepInput: boolean;
      tty?: { rows: number; cols: number } | undefined;
      timeoutMs?: number | undefined;
    }
  | { op: 'input'; data: string }
  | { op: 'endInput' }
  | { op: 'resize'; rows: number; cols: number }
  | { op: 'signal'; signal: string; group: boolean }
  | { op: 'writeFile'; path: string; data: string; mode: number; owner: string }
  | { op: 'readFile'; path: string };

/** What the agent says about one request. `lost` is our own word: the machine went away. */
export type AgentEvent =
  | { event: 'started'; pid: number }
  | { event: 'output'; stream: 'stdout' | 'stderr'; data: string }
  | {
      event: 'exit';
      status: number | null;
      signal: NodeJS.Signals | null;
      timedOut: boolean;
    }
  | { event: 'done'; data: string }
  | { event: 'error'; message: string }
  | { event: 'lost'; message: string };

type Line =
  | { event: 'hello'; session: string; boot: string }
  | (AgentEvent & { id: string | null });
type Listener = (event: AgentEvent) => void;

/**
 * The line to the agent in a machine. One host at a time can be connected; each that connects
 * begins a new session, which ends whatever the session before left running.
 */
export class Channel {
  readonly #socket: Socket;
  readonly #session = randomUUID();
  readonly #listeners = new Map<string, Listener>();
  #unread = '';
  #requests = 0;
  #lost: string | undefined;
  /** Which boot of the machine the agent belongs to. */
  #boot: string | undefined;
  #onHello: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#lose('The test machine is gone.'));
  }

  /** Connect, waiting for the socket to appear and then for the agent to answer. */
  static async connect(socketPath: string, signal: AbortSignal): Promise<Channel> {
    const channel = new Channel(await connectSocket(socketPath, signal));
    try {
      await channel.#greet(signal);
      return channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Send a request; what the agent says about it goes to the listener. */
  request(request: Request, listener: Listener): string {
    this.#requests += 1;
    const id = `${this.#session}/${this.#requests}`;
    if (this.#lost === undefined) {
      this.#listeners.set(id, listener);
      this.tell(id, request);
    } else {
      listener({ event: 'lost', message: this.#lost });
    }
    return id;
  }

  /** Say something more about an earlier request, without an answer of its own. */
  tell(id: string, request: Request): void {
    this.#send({ id, ...request });
  }

  /** Hear no more about a request. */
  forget(id: string): void {
    this.#listeners.delete(id);
  }

  /**
   * Wait for the agent of the next boot. The line itself outlives a reboot; what the machine was asked
   * before does not.
   */
  async nextBoot(signal: AbortSignal): Promise<void> {
    const before = this.#boot;
    this.#endListeners('The test machine was booted anew.');
    while (this.#boot === before) {
      signal.throwIfAborted();
      // The old agent may answer still, and what is said to a machine without an agent may get lost.
      this.#sayHello();
      await sleep(1000);
    }
  }

  close(): void {
    this.#socket.destroy();
    this.#lose('The connection to the test machine was closed.');
  }

  #greet(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#onHello = resolve;
      this.#sayHello();
    });
  }

  #sayHello(): void {
    // The newline ends whatever part of a line the host before left on its way.
    if (this.#lost === undefined) this.#socket.write('\n');
    this.#send({ op: 'hello', session: this.#session });
  }

  #send(message: object): void {
    if (this.#lost === undefined) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    for (const text of lines) {
      const line = parseLine(text);
      if (line !== undefined) this.#hear(line);
    }
  }

  #hear(line: Line): void {
    if (line.event === 'hello') {
      if (line.session !== this.#session) return;
      this.#boot = line.boot;
      this.#onHello();
    } else if (line.id !== null) {
      this.#listeners.get(line.id)?.(line);
    }
  }

  #lose(message: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = message;
    this.#endListeners(message);
  }

  #endListeners(message: string): void {
    for (const listener of this.#listeners.values()) listener({ event: 'lost', message });
    this.#listeners.clear();
  }
}

/** A whole line of the agent; nothing for the end of one that was meant for the host before us. */
function parseLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

async function connectSocket(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = createConnection(path);
        socket.once('connect', () => resolve(socket));
        socket.once('error', reject);
      });
    } catch {
      await sleep(50); // the emulator has not made it yet
    }
  }
}
