import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { jobserverEnvironment } from '../../../src/jobserver/index.js';
import {
  FifoTransport,
  PipeTransport,
  type Transport,
} from '../../../src/jobserver/transport/index.js';

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-jobs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function pipe(directory = place()): PipeTransport {
  const transport = new PipeTransport({ directory, descriptors: [10, 11] });
  onTestFinished(() => transport.close());
  return transport;
}

function fifo(directory = place()): FifoTransport {
  const transport = new FifoTransport({ path: join(directory, 'fifo') });
  onTestFinished(() => transport.close());
  return transport;
}

/** Starts a program that has the jobserver, as `run` does. */
function client(transport: Transport, argv: string[], cwd = tmpdir()): ChildProcess {
  const [program = '', ...args] = argv;
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'];
  for (const [theirs, ours] of transport.inherited) {
    while (stdio.length <= theirs) stdio.push('ignore');
    stdio[theirs] = ours;
  }
  const flags = jobserverEnvironment(transport.auth, 9, {});
  const child = spawn(program, args, { cwd, stdio, env: { ...process.env, ...flags } });
  transport.started();
  return child;
}

function ended(child: ChildProcess): Promise<{ status: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}

/** A build of so many jobs, each of which notes how many of them are running. */
function build(jobs: number, seconds = 0.2): string {
  const directory = place();
  const names = Array.from({ length: jobs }, (_, index) => `job${index}`).join(' ');
  writeFileSync(
    join(directory, 'Makefile'),
    `all: ${names}\n${names}:\n\t@touch running.$@; ls -d running.* | wc -l >>counts; sleep ${seconds}; rm running.$@\n`,
  );
  return directory;
}

function mostOf(directory: string): number {
  return Math.max(
    ...readFileSync(join(directory, 'counts'), 'utf8').trim().split('\n').map(Number),
  );
}

const version = /Make (\d+\.\d+)/.exec(
  spawnSync('make', ['--version'], { encoding: 'utf8' }).stdout,
)?.[1];
const hasFifo = Number(version) >= 4.4;

/** Gives so many at every look, for as long as a build goes on. */
async function serve(transport: Transport, child: ChildProcess, allowed: () => number) {
  const end = ended(child);
  let isOver = false;
  void end.then(() => (isOver = true));
  let most = 0;
  transport.onReturn(() => transport.give(allowed()));
  while (!isOver) {
    const { held } = transport.look();
    most = Math.max(most, held);
    transport.give(allowed());
    await sleep(20);
  }
  return { ...(await end), most, tokens: transport.look() };
}

describe.each([
  ['pipe', pipe, version !== undefined],
  ['fifo', fifo, hasFifo],
] as const)('make over a %s', (_, open, canTest) => {
  beforeEach(({ skip }) => skip(!canTest, 'needs make, and 4.4 or later for a FIFO'));

  it('runs as many jobs as there are tokens, and one', async () => {
    const transport = open();
    const directory = build(16);
    transport.give(3);
    const { status, most, tokens } = await serve(
      transport,
      client(transport, ['make'], directory),
      () => 3,
    );
    expect(status).toBe(0);
    expect(mostOf(directory)).toBe(4);
    expect(most).toBe(3);
    expect(tokens).toEqual({ held: 0, lying: 3 });
    expect(transport.surplus).toBe(0);
  });

  it('runs one job alone where there is no token', async () => {
    const transport = open();
    const directory = build(3, 0.05);
    const { status } = await serve(transport, client(transport, ['make'], directory), () => 0);
    expect(status).toBe(0);
    expect(mostOf(directory)).toBe(1);
  });

  it('follows a number that grows and shrinks', async () => {
    const transport = open();
    const directory = build(24, 0.1);
    let looks = 0;
    const { status } = await serve(transport, client(transport, ['make'], directory), () => {
      looks += 1;
      return looks < 10 ? 1 : 5;
    });
    expect(status).toBe(0);
    const counts = readFileSync(join(directory, 'counts'), 'utf8').trim().split('\n').map(Number);
    expect(Math.max(...counts.slice(0, 2))).toBeLessThanOrEqual(2);
    expect(Math.max(...counts)).toBeGreaterThan(3);
    expect(Math.max(...counts)).toBeLessThanOrEqual(6);
  });
});

describe('tokens over a pipe', () => {
  it('come back unchanged', () => {
    const transport = pipe();
    const [[, read] = [], [, write] = []] = transport.inherited;
    transport.give(2);
    const taken = Buffer.alloc(8);
    expect(readSync(read ?? -1, taken)).toBe(2);
    expect(taken.toString('latin1', 0, 2)).toBe('++');
    expect(transport.look()).toEqual({ held: 2, lying: 0 });
    writeSync(write ?? -1, 'xy');
    return until(() => transport.look().held === 0).then(() => {
      transport.give(3);
      const again = Buffer.alloc(8);
      expect(readSync(read ?? -1, again)).toBe(3);
      expect(again.toString('latin1', 0, 3)).toBe('xy+');
    });
  });

  it('that come back are heard of at once', async () => {
    const transport = pipe();
    const [[, read] = [], [, write] = []] = transport.inherited;
    transport.give(1);
    readSync(read ?? -1, Buffer.alloc(1));
    const heard = new Promise<void>((resolve) => transport.onReturn(resolve));
    writeSync(write ?? -1, '+');
    await heard;
    expect(transport.look()).toEqual({ held: 0, lying: 0 });
  });

  it('too many are swallowed and counted, and those that are lost replaced', async () => {
    const transport = pipe();
    const [[, read] = [], [, write] = []] = transport.inherited;
    transport.give(4);
    readSync(read ?? -1, Buffer.alloc(4));
    writeSync(write ?? -1, Buffer.alloc(1000, '+'));
    await until(() => transport.surplus === 996);
    expect(transport.look()).toEqual({ held: 0, lying: 0 });
    // A client may also write where it should read.
    writeSync(read ?? -1, Buffer.alloc(7, '+'));
    expect(transport.look()).toEqual({ held: 0, lying: 0 });
    expect(transport.surplus).toBe(1003);
    transport.give(2);
    readSync(read ?? -1, Buffer.alloc(2));
    transport.forget(2);
    transport.give(2);
    expect(transport.look()).toEqual({ held: 0, lying: 2 });
    transport.forget(5);
    expect(transport.look()).toEqual({ held: 0, lying: 0 });
  });

  it('are given back to the system once', () => {
    const transport = pipe();
    transport.started();
    transport.close();
    const numbers = Array.from({ length: 8 }, () => openSync('/dev/null', 'r'));
    transport.started();
    transport.close();
    for (const descriptor of numbers) expect(() => fstatSync(descriptor)).not.toThrow();
    for (const descriptor of numbers) closeSync(descriptor);
  });

  it('are taken back while nobody has them', () => {
    const transport = pipe();
    transport.give(5);
    expect(transport.look()).toEqual({ held: 0, lying: 5 });
    transport.give(2);
    expect(transport.look()).toEqual({ held: 0, lying: 2 });
  });

  it('need no name, and block a client that reads none', async () => {
    const directory = place();
    const transport = pipe(directory);
    expect(readdirSync(directory)).toEqual([]);
    const [[, read] = []] = transport.inherited;
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${read}`, 'utf8'))?.[1];
    expect(Number.parseInt(flags ?? '', 8) & constants.O_NONBLOCK).toBe(0);
  });
});

describe('tokens in a FIFO', () => {
  it('that a client adds are swallowed and counted', () => {
    const transport = fifo();
    const client = openSync(transport.auth.fifo, 'r+');
    transport.give(2);
    writeSync(client, Buffer.alloc(1000, '+'));
    expect(transport.look()).toEqual({ held: 0, lying: 2 });
    expect(transport.surplus).toBe(1000);
    transport.give(1);
    readSync(client, Buffer.alloc(1));
    expect(transport.look()).toEqual({ held: 1, lying: 0 });
    writeSync(client, 'z');
    expect(transport.look()).toEqual({ held: 0, lying: 1 });
    transport.give(2);
    const again = Buffer.alloc(4);
    expect(again.toString('latin1', 0, readSync(client, again))).toBe('+z');
  });

  it('go on when somebody deletes it, and reach those that come later', () => {
    const transport = fifo();
    const path = transport.auth.fifo;
    const before = openSync(path, 'r+');
    expect(transport.mend()).toBeUndefined();
    rmSync(path);
    expect(transport.mend()).toContain('was deleted, and is made anew');
    expect(transport.mend()).toBeUndefined();
    const after = openSync(path, 'r+');
    transport.give(4);
    expect(readSync(before, Buffer.alloc(8))).toBe(2);
    expect(readSync(after, Buffer.alloc(8))).toBe(2);
    expect(transport.look()).toEqual({ held: 4, lying: 0 });
    writeSync(before, '+++');
    writeSync(after, '+');
    expect(transport.look()).toEqual({ held: 0, lying: 4 });
  });

  it('that was replaced by a file is said', () => {
    const transport = fifo();
    const path = transport.auth.fifo;
    rmSync(path);
    writeFileSync(path, '');
    expect(transport.mend()).toContain('was replaced by something else');
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}
