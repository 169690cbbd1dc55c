import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Decision,
  Freezer,
  type Look,
  Server,
  type Sight,
  type Transport,
} from '../../../src/jobserver/index.js';

const PLAIN: Decision = {
  ...{ tokens: 0, freeze: [], thaw: [], lost: 0, surplus: 0, beyond: 0 },
  ...{ againMs: 1000 },
};

/** A transport in which a test plays the clients. */
class Clients implements Transport {
  readonly style = 'pipe';
  readonly auth = { read: 10, write: 11 };
  readonly inherited = [];
  surplus = 0;
  held = 0;
  lying = 0;
  closed = false;
  trouble: string | undefined;
  #heard = () => {};

  take(count: number): void {
    this.held += count;
    this.lying -= count;
  }
  bringBack(count: number): void {
    this.held -= count;
    this.#heard();
  }
  started(): void {}
  look() {
    const { held, lying } = this;
    this.lying = 0;
    return { held, lying };
  }
  give(tokens: number): void {
    this.lying = Math.max(this.lying, tokens - this.held);
  }
  forget(count: number): void {
    this.held -= count;
  }
  onReturn(listener: () => void): void {
    this.#heard = listener;
  }
  mend() {
    return this.trouble;
  }
  close(): void {
    this.closed = true;
  }
}

function serverOf(
  decide: (look: Look) => Partial<Decision>,
  sight: () => Partial<Sight> = () => ({}),
) {
  const clients = new Clients();
  const looks: Look[] = [];
  const finished: number[] = [];
  const said: string[] = [];
  const signals: [number, string][] = [];
  const freezer = new Freezer({
    membersOf: (key) => [Number(key)],
    startGuard: () => ({ watch: () => {}, relax: () => {}, dismiss: () => {} }),
    kill: (pid, signal) => signals.push([pid, signal]),
  });
  const server = new Server({
    transport: clients,
    freezer,
    cap: 7,
    policy: {
      decide: (look) => {
        looks.push(look);
        return { ...PLAIN, ...decide(look) };
      },
      finished: (peak) => void finished.push(peak),
    },
    see: () => ({ limit: 1000, free: 1000, used: 0, jobs: [], finished: [], ...sight() }),
    onTrouble: (says) => said.push(says),
  });
  onTestFinished(() => void server.stop());
  return { server, clients, looks, finished, signals, said };
}

const own = String(process.pid);
const job = (key: string, more = {}) => ({
  ...{ key, comm: 'cc1plus', ageMs: 10, memory: 100, stopped: false },
  ...more,
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

describe('the server', () => {
  it('gives out the first tokens before anybody asks', () => {
    const { server, clients, looks } = serverOf(() => ({ tokens: 3 }));
    server.start();
    expect(clients.lying).toBe(3);
    expect(looks).toMatchObject([{ tokensOut: 0, demand: 0, limit: 1000 }]);
  });

  it('far from a limit passes on at once what comes back, without a look', () => {
    const { server, clients, looks } = serverOf(() => ({ tokens: 3 }));
    server.start();
    clients.take(3);
    clients.bringBack(1);
    expect(clients.lying).toBe(1);
    expect(looks).toHaveLength(1);
  });

  it('near a limit looks first, and soon', async () => {
    let tokens = 3;
    const { server, clients, looks } = serverOf(() => ({ tokens, againMs: 150 }));
    server.start();
    clients.take(3);
    tokens = 1;
    clients.bringBack(1);
    expect(clients.lying).toBe(0);
    await until(() => looks.length === 2);
    expect(looks[1]).toMatchObject({ tokensOut: 2, demand: 0 });
    expect(clients.lying).toBe(0);
  });

  it('tells the policy of jobs that have ended, and of those that are frozen', async () => {
    let seen: Partial<Sight> = { jobs: [job(own)] };
    const { server, looks, finished, signals } = serverOf(
      ({ jobs }) => ({ freeze: jobs.map(({ key }) => key), againMs: 1 }),
      () => seen,
    );
    server.start();
    expect(signals).toEqual([[process.pid, 'SIGSTOP']]);
    await until(() => looks.length === 2);
    expect(looks[1]?.jobs).toEqual([{ key: own, ageMs: 10, memory: 100, frozen: true }]);
    seen = { finished: [42] };
    await until(() => finished.length > 0);
    expect(finished[0]).toBe(42);
  });

  it('freezes nobody for a while after a signal, and lets all go on', () => {
    const { server, signals } = serverOf(
      ({ jobs }) => ({ freeze: jobs.map(({ key }) => key), againMs: 1 }),
      () => ({ jobs: [job(own)] }),
    );
    server.start();
    server.release();
    expect(signals).toEqual([
      [process.pid, 'SIGSTOP'],
      [process.pid, 'SIGCONT'],
    ]);
    return sleep(80).then(() => expect(signals).toHaveLength(2));
  });

  it('counts what it did, and says a trouble once', async () => {
    const { server, clients, looks, said } = serverOf(({ tokensOut, demand = 0 }) => ({
      tokens: 5,
      againMs: 1,
      lost: tokensOut - demand > 1 ? 1 : 0,
    }));
    clients.trouble = 'the FIFO was deleted';
    server.start();
    clients.take(2);
    await until(() => looks.length > 20);
    clients.surplus = 4;
    expect(server.stop()).toEqual({
      ...{ style: 'pipe', most: 2, cap: 7, freezes: 0, frozenMs: 0 },
      ...{ kills: 0, lost: 1, surplus: 4 },
    });
    expect(said).toEqual(['the FIFO was deleted']);
    expect(clients.closed).toBe(true);
  });

  it('goes on when a look fails', async () => {
    let looks = 0;
    const { server, clients } = serverOf(
      () => ({ tokens: 2, againMs: 1 }),
      () => {
        looks += 1;
        if (looks === 2) throw new Error('EMFILE');
        return {};
      },
    );
    server.start();
    await until(() => looks > 2);
    expect(clients.lying).toBe(2);
  });
});
