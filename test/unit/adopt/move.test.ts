import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Entry, readCensus, readEntry } from '../../../src/adopt/census.js';
import { Family } from '../../../src/adopt/family.js';
import { Freezer } from '../../../src/adopt/freezer.js';
import { moveFamily } from '../../../src/adopt/move.js';
import { UnavailableError, UsageError } from '../../../src/errors/index.js';
import type { Call } from '../../../src/systemd/bus.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

const OLD = '/user.slice/session-1.scope';
const NEW = '/user.slice/app-rlimit.slice/x.scope';
const scope = { unit: 'x.scope', slice: 'app-rlimit.slice', description: '', properties: [] };
const OK: Call = { ok: true, said: '' };

/** A machine with processes, and a service manager that moves them when it is told to. */
class Desk {
  readonly #root = tree({ 'proc/uptime': '1 1' });
  readonly #fakes = new Map<number, Partial<FakeProcess>>();
  /** Signals that were sent, as `SIGSTOP 10`. */
  readonly sent: string[] = [];
  /** Lines that the guard was told. */
  readonly guarded: string[] = [];
  readonly calls: string[] = [];
  /** What happens besides, at each call of the manager. */
  atCall: (count: number) => Call | undefined = () => undefined;

  get proc(): string {
    return join(this.#root, 'proc');
  }

  has(pid: number, fake: Partial<FakeProcess>): void {
    this.#fakes.set(pid, { cgroup: OLD, ...fake });
    for (const [path, text] of Object.entries(procFiles(pid, { cgroup: OLD, ...fake }))) {
      mkdirSync(dirname(join(this.#root, path)), { recursive: true });
      writeFileSync(join(this.#root, path), text);
    }
  }

  change(pid: number, fake: Partial<FakeProcess>): void {
    this.has(pid, { ...this.#fakes.get(pid), ...fake });
  }

  gone(pid: number): void {
    rmSync(join(this.proc, String(pid)), { recursive: true, force: true });
  }

  freezer(): Freezer {
    return new Freezer({
      proc: this.proc,
      guard: {
        watch: ({ pid, startTicks }) => this.guarded.push(`${pid}:${startTicks}`),
        dismiss: () => this.guarded.push('done'),
      },
      kill: (pid, signal) => {
        this.sent.push(`${signal} ${pid}`);
        this.change(pid, { state: signal === 'SIGSTOP' ? 'T' : 'S' });
      },
    });
  }

  async move(root: number, spared: readonly number[] = []) {
    const family = new Family([readEntry(root, this.proc) as Entry], {
      self: 900,
      admit: () => undefined,
    });
    const freezer = this.freezer();
    const seen: number[] = [];
    try {
      const moved = await moveFamily({
        family,
        scope,
        freezer,
        isSpared: ({ pid }) => spared.includes(pid),
        onSeen: (entries) => seen.push(...entries.map(({ pid }) => pid)),
        proc: this.proc,
        call: async (argv) => this.#call(argv),
      });
      return { ...moved, seen };
    } finally {
      freezer.end();
    }
  }

  placeOf(pid: number): string {
    return readFileSync(join(this.proc, String(pid), 'cgroup'), 'utf8')
      .slice(3)
      .trim();
  }

  #call(argv: readonly string[]): Call {
    const method = argv[6] === 'StartTransientUnit' ? 'start' : 'attach';
    const from = method === 'start' ? argv.indexOf('au') + 1 : argv.indexOf('') + 1;
    const count = Number(argv[from]);
    const pids = argv.slice(from + 1, from + 1 + count).map(Number);
    this.calls.push(`${method} ${pids.join(' ')}`);
    const answer = this.atCall(this.calls.length);
    if (answer !== undefined) return answer;
    for (const pid of pids) this.change(pid, { cgroup: NEW });
    return OK;
  }
}

describe('moveFamily', () => {
  it('stops all, moves all at once, and lets all go on, children first', async () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, { ppid: 10 });
    desk.has(12, { ppid: 11 });
    expect(await desk.move(10)).toEqual({
      ...{ cgroup: NEW, swept: [], escaped: [], strangers: [] },
      seen: [10, 11, 12],
    });
    expect(desk.calls).toEqual(['start 10 11 12']);
    expect(desk.sent).toEqual([
      ...['SIGSTOP 10', 'SIGSTOP 11', 'SIGSTOP 12'],
      ...['SIGCONT 12', 'SIGCONT 11', 'SIGCONT 10'],
    ]);
    // The guard knew of each before it was stopped.
    expect(desk.guarded).toEqual(['10:1000', '11:1000', '12:1000', 'done']);
  });

  it('leaves what was stopped before stopped, and does not stop what is spared', async () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, { ppid: 10, state: 'T' });
    desk.has(12, { ppid: 10, state: 't' });
    desk.has(13, { ppid: 10 });
    await desk.move(10, [10]);
    expect(desk.sent).toEqual(['SIGSTOP 13', 'SIGCONT 13']);
    expect(desk.calls).toEqual(['start 10 11 12 13']);
  });

  it('fetches those that were born outside meanwhile', async () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.atCall = (count) => {
      if (count === 1) desk.has(20, { ppid: 10 });
      if (count === 2) desk.has(21, { ppid: 20 });
      return undefined;
    };
    const { swept, escaped } = await desk.move(10, [10]);
    expect({ swept, escaped }).toEqual({ swept: ['20:1000', '21:1000'], escaped: [] });
    expect(desk.calls).toEqual(['start 10', 'attach 20', 'attach 21']);
    expect([desk.placeOf(20), desk.placeOf(21)]).toEqual([NEW, NEW]);
    // They stood still while they were fetched.
    expect(desk.sent).toContain('SIGSTOP 20');
    expect(desk.sent.at(-1)).toBe('SIGCONT 20');
  });

  it('tries again when one has ended under the manager’s hands', async () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, { ppid: 10 });
    desk.atCall = (count) => {
      if (count > 1) return undefined;
      desk.gone(11);
      return { ok: false, said: 'Failed to set unit properties: No such process' };
    };
    await desk.move(10);
    expect(desk.calls).toEqual(['start 10 11', 'start 10']);
  });

  it('says when a PID belonged to another process by the time it was moved', async () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, { ppid: 10 });
    desk.atCall = () => {
      desk.has(11, { ppid: 1, pgrp: 11, startTicks: 5000, cgroup: NEW });
      desk.change(10, { cgroup: NEW });
      return OK;
    };
    expect(await desk.move(10)).toMatchObject({ strangers: [11] });
    // The stranger is not woken either.
    expect(desk.sent).not.toContain('SIGCONT 11');
  });

  it.each([
    ['Unit x.scope was already loaded or has a fragment file.', UsageError, /already/],
    ['Access denied', UnavailableError, /could not be made/],
  ])('when the manager refuses (%s), all go on', async (said, kind, message) => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, { ppid: 10 });
    desk.atCall = () => ({ ok: false, said });
    const moving = desk.move(10);
    await expect(moving).rejects.toThrow(kind);
    await expect(moving).rejects.toThrow(message);
    expect(desk.sent.slice(2)).toEqual(['SIGCONT 11', 'SIGCONT 10']);
    expect(desk.guarded.at(-1)).toBe('done');
  });

  it('has nothing to move when all have ended', async () => {
    const desk = new Desk();
    desk.has(10, { state: 'Z' });
    await expect(desk.move(10)).rejects.toThrow(/have ended/);
    expect(desk.calls).toEqual([]);
  });
});

describe('Freezer', () => {
  it('stops and wakes exactly the process that was meant', () => {
    const desk = new Desk();
    desk.has(10, {});
    desk.has(11, {});
    const freezer = desk.freezer();
    const [ten, eleven] = [...readCensus(desk.proc).values()] as [Entry, Entry];
    desk.change(11, { startTicks: 2000 });
    freezer.stop(ten);
    freezer.stop(ten);
    freezer.stop(eleven);
    expect(desk.sent).toEqual(['SIGSTOP 10']);
    desk.change(10, { startTicks: 3000 });
    freezer.end();
    expect(desk.sent).toEqual(['SIGSTOP 10']);
  });

  it('takes a process that is gone, or another’s by now, for let be', () => {
    const desk = new Desk();
    desk.has(10, {});
    const [ten] = [...readCensus(desk.proc).values()] as [Entry];
    for (const code of ['ESRCH', 'EPERM']) {
      const freezer = new Freezer({
        proc: desk.proc,
        guard: { watch: () => {}, dismiss: () => {} },
        kill: () => {
          throw Object.assign(new Error(code), { code });
        },
      });
      freezer.stop(ten);
      freezer.end();
    }
  });

  it('leaves no listener behind', () => {
    const count = () => process.listenerCount('SIGTERM') + process.listenerCount('exit');
    const before = count();
    const freezer = new Desk().freezer();
    expect(count()).toBe(before + 2);
    freezer.end();
    expect(count()).toBe(before);
  });
});
