import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import type { Image } from './image.js';

export interface EmulatorOptions extends Image {
  /** The disk that brings the agent in. */
  payload: string;
  memoryMiB: number;
  cpus: number;
  clock: Clock;
}

/**
 * `host`: computing takes as long as it takes here. `instructions`: each takes a nanosecond, so computing
 * takes equally long on a busy host and on an idle one, and about as long as on a processor of 1 GHz; waiting
 * takes real time. For benchmarks: it is slow, and has one processor (with two qemu 7.2 does not come up).
 */
export type Clock = 'host' | 'instructions';

/**
 * A running qemu. It cannot outlive this process: the kernel kills it when the process that
 * started it ends, however that ends.
 */
export class Emulator {
  /** Where the agent in the machine is to be reached. */
  readonly socketPath: string;
  /** Aborts when the emulator ends. */
  readonly death: AbortSignal;
  readonly #directory: string;
  readonly #qemu: ResultPromise<typeof qemuOptions>;

  private constructor(directory: string, options: EmulatorOptions) {
    this.#directory = directory;
    this.socketPath = agentSocket(directory);
    const [command, ...args] = commandLine(directory, options);
    this.#qemu = execa(command, args, qemuOptions);
    const death = new AbortController();
    this.death = death.signal;
    this.#qemu.then(({ stderr }) => death.abort(new Error(`qemu ended. ${stderr}`)));
  }

  static async start(options: EmulatorOptions): Promise<Emulator> {
    return new Emulator(await mkdtemp(join(tmpdir(), 'rlimit-machine-')), options);
  }

  /** End it at once. Its disks are throw-away copies, so there is nothing to shut down. */
  async kill(): Promise<void> {
    this.#qemu.kill('SIGKILL');
    await this.#qemu;
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The end of what the kernel and the agent have said on the console. */
  async consoleTail(): Promise<string> {
    const text = await readFile(consoleFile(this.#directory), 'utf8').catch(() => '');
    return text.split('\n').slice(-30).join('\n');
  }
}

const qemuOptions = { stdin: 'ignore', reject: false } as const;

function commandLine(directory: string, options: EmulatorOptions): [string, ...string[]] {
  return [
    ...(['setpriv', '--pdeathsig', 'KILL'] as const),
    'qemu-system-x86_64',
    ...['-nodefaults', '-display', 'none'],
    ...['-machine', 'q35,memory-backend=ram', '-cpu', 'Nehalem', ...CLOCKS[options.clock]],
    ...['-smp', `${options.cpus}`, '-m', `${options.memoryMiB}`],
    // Not reserved here, so that it may be more than this host has: what the machine never touches
    // costs nothing. Its kernel touches 1/64 of it for its own table of pages.
    ...['-object', `memory-backend-ram,id=ram,size=${options.memoryMiB}M,reserve=off`],
    ...['-kernel', options.kernel, '-append', kernelParameters],
    // Writes go to a temporary file, so images stay as they were built. It lasts as long as qemu: a
    // reboot of the machine finds its disk as it left it.
    '-snapshot',
    ...disk('root', options.disk),
    ...disk('payload', options.payload),
    // NVMe because the kernel has it built in. One controller, so that the names are certain.
    ...['-device', 'nvme,id=nvme0,serial=rlimit'],
    ...['-device', 'nvme-ns,drive=root,bus=nvme0,nsid=1'],
    ...['-device', 'nvme-ns,drive=payload,bus=nvme0,nsid=2'],
    ...['-serial', `file:${consoleFile(directory)}`],
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=agent,path=${agentSocket(directory)},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=agent,name=rlimit.agent'],
  ];
}

const CLOCKS: Record<Clock, string[]> = {
  host: ['-accel', 'tcg,thread=multi,tb-size=512'],
  instructions: ['-accel', 'tcg,thread=single,tb-size=512', '-icount', 'shift=0,sleep=on'],
};

const kernelParameters = [
  ...['root=/dev/nvme0n1', 'rw', 'console=ttyS0', 'quiet', 'loglevel=3', 'mitigations=off'],
  'systemd.show_status=0',
].join(' ');

function disk(id: string, file: string): string[] {
  return ['-drive', `if=none,id=${id},file=${file},format=raw,cache=unsafe`];
}

function agentSocket(directory: string): string {
  return join(directory, 'agent.sock');
}

function consoleFile(directory: string): string {
  return join(directory, 'console.log');
}
