import { type AgentEvent, Channel, type Request } from './channel.js';
import { type Clock, Emulator } from './emulator.js';
import {
  base64,
  type Command,
  type ExecOptions,
  type ExecResult,
  GuestProcess,
  type SpawnOptions,
} from './guest-process.js';
import { ensureImage, type ImageKind } from './image.js';
import { type Payload, payloadDisk } from './payload.js';
import type { Suite } from './suites.js';

export interface BootOptions {
  /** What to carry in. `product`, unless told otherwise. */
  payload?: Payload;
  /** Which Debian; `standard`, unless told otherwise. */
  image?: ImageKind;
  /** May be more than the host has (see emulator.ts): 252 GiB and 36 processors come up. */
  memoryMiB?: number;
  cpus?: number;
  /** How time goes by while the machine computes; `instructions` has one processor. */
  clock?: Clock;
}

const bootTimeoutMs = 180_000;
const connectTimeoutMs = 30_000;
const execTimeoutMs = 180_000;

/** A machine with systemd as its init, and the commands to run there. */
export class LiveMachine {
  readonly suite: Suite;
  readonly socketPath: string;
  readonly #channel: Channel;
  readonly #emulator: Emulator | undefined;
  #spawned: GuestProcess[] = [];

  constructor(suite: Suite, socketPath: string, channel: Channel, emulator?: Emulator) {
    this.suite = suite;
    this.socketPath = socketPath;
    this.#channel = channel;
    this.#emulator = emulator;
  }

  /** Run a command to its end. Any exit status is a result; a command that takes too long is not. */
  async exec(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
    const limited = { timeoutMs: execTimeoutMs, ...options };
    const running = await GuestProcess.start(this.#channel, command, limited, false);
    return running.wait(Number.POSITIVE_INFINITY);
  }

  /** Start a command that runs beside the test, its standard input open. */
  async spawn(command: Command, options: SpawnOptions = {}): Promise<GuestProcess> {
    const process = await GuestProcess.start(this.#channel, command, options, true);
    this.#spawned.push(process);
    return process;
  }

  /** What was spawned since the last call of this. */
  takeSpawned(): GuestProcess[] {
    return this.#spawned.splice(0);
  }

  async writeFile(
    path: string,
    data: string | Uint8Array,
    { mode = 0o644, owner = 'dev' }: { mode?: number; owner?: 'dev' | 'root' } = {},
  ): Promise<void> {
    await this.#ask({ op: 'writeFile', path, data: base64(data), mode, owner });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#ask({ op: 'readFile', path });
  }

  /**
   * Boot it anew, with the disk as it is now; what ran in it ends. With `cut` as after a power cut: at
   * once, and what was not written to the disk yet is lost.
   */
  async reboot({ cut = false }: { cut?: boolean } = {}): Promise<void> {
    const command = cut ? 'echo b >/proc/sysrq-trigger' : 'systemctl reboot';
    // Behind the back of the agent, which ends commands of its own when it is greeted anew.
    await this.exec(`setsid sh -c 'sleep 0.2; ${command}' </dev/null >/dev/null 2>&1 &`, {
      user: 'root',
    });
    const signal = AbortSignal.any([
      AbortSignal.timeout(bootTimeoutMs),
      ...(this.#emulator === undefined ? [] : [this.#emulator.death]),
    ]);
    await this.#channel.nextBoot(signal);
    await waitForUserManager(this);
  }

  /** Let go of the machine, so that another process can connect to it. */
  disconnect(): void {
    this.#channel.close();
  }

  /** Let go of the machine; where it was booted by this process, it ends. */
  async close(): Promise<void> {
    this.disconnect();
    await this.#emulator?.kill();
  }

  /** A request with one answer. */
  #ask(request: Request): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const id = this.#channel.request(request, (event: AgentEvent) => {
        this.#channel.forget(id);
        if (event.event === 'done') resolve(Buffer.from(event.data, 'base64'));
        else reject(new Error('message' in event ? event.message : `unexpected ${event.event}`));
      });
    });
  }
}

/**
 * Boot a machine of a suite, after building its image where that is missing. Ready means that
 * commands can be run and that the user manager of `dev` is up.
 */
export async function bootMachine(suite: Suite, options: BootOptions = {}): Promise<LiveMachine> {
  const [image, payload] = await Promise.all([
    ensureImage(suite, options.image),
    payloadDisk(options.payload ?? 'product'),
  ]);
  const { clock = 'host' } = options;
  const emulator = await Emulator.start({
    ...image,
    payload,
    memoryMiB: options.memoryMiB ?? 2048,
    cpus: options.cpus ?? (clock === 'instructions' ? 1 : 2),
    clock,
  });
  try {
    const patience = AbortSignal.any([emulator.death, AbortSignal.timeout(bootTimeoutMs)]);
    const channel = await Channel.connect(emulator.socketPath, patience);
    const machine = new LiveMachine(suite, emulator.socketPath, channel, emulator);
    await waitForUserManager(machine);
    return machine;
  } catch (error) {
    const lastWords = await emulator.consoleTail();
    await emulator.kill();
    throw new Error(`The ${suite} machine did not boot: ${error}\n${lastWords}`, { cause: error });
  }
}

/** Connect to a machine that another process has booted and has let go of. */
export async function connectMachine(suite: Suite, socketPath: string): Promise<LiveMachine> {
  const channel = await Channel.connect(socketPath, AbortSignal.timeout(connectTimeoutMs));
  return new LiveMachine(suite, socketPath, channel);
}

async function waitForUserManager(machine: LiveMachine): Promise<void> {
  await machine.exec(
    'systemctl is-system-running --wait; ' +
      'until systemctl is-active --quiet user@1000.service; do sleep 0.1; done',
    { user: 'root', timeoutMs: bootTimeoutMs },
  );
}
