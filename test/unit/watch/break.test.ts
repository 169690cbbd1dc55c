import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../src/errors/index.js';
import { breakStall } from '../../../src/watch/break.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

const UNIT = 'rlimit-a-1.scope';
const CGROUP = `/${UNIT}`;

function scope(processes: Record<number, Partial<FakeProcess>> = {}) {
  const files = Object.entries(processes).map(([pid, fake]) =>
    procFiles(Number(pid), { cgroup: CGROUP, ...fake }),
  );
  const root = tree({
    [`${CGROUP}/memory.high`]: '41943040\n',
    [`${CGROUP}/memory.max`]: '209715200\n',
    [`${CGROUP}/cgroup.procs`]: Object.keys(processes)
      .map((pid) => `${pid}\n`)
      .join(''),
    ...Object.assign({}, ...files),
  });
  const killed: string[] = [];
  const kill = (pid: number, signal: string) => {
    killed.push(`${signal} ${pid}`);
    rmSync(`${root}/proc/${pid}`, { recursive: true });
  };
  return { root, killed, options: { root, proc: `${root}/proc`, kill } };
}

describe('raise', () => {
  it('lifts MemoryHigh, and sees it in the kernel', async () => {
    const { root, options } = scope();
    const asked: unknown[] = [];
    const ask = async (...call: unknown[]) => {
      asked.push(call);
      setTimeout(() => writeFileSync(`${root}${CGROUP}/memory.high`, 'max\n'), 50);
      return '';
    };
    expect(await breakStall(UNIT, CGROUP, 'raise', { ...options, ask })).toEqual({
      unit: UNIT,
      how: 'raise',
      done: true,
      upTo: 209715200,
    });
    const args = ['set-property', '--runtime', '--no-ask-password', '--', UNIT];
    expect(asked).toEqual([[[...args, 'MemoryHigh=infinity'], 'user']]);
  });

  it('says so where systemd refuses', async () => {
    const ask = async () => {
      throw new UnavailableError('systemctl set-property failed', { why: 'Access denied' });
    };
    expect(await breakStall(UNIT, CGROUP, 'raise', { ...scope().options, ask })).toEqual({
      unit: UNIT,
      how: 'raise',
      done: false,
      why: 'systemctl set-property failed: Access denied',
    });
  });
});

describe('kill', () => {
  it('kills the largest process, and waits until it is gone', async () => {
    const { root, killed, options } = scope({
      10: { rss: 5 },
      11: { rss: 900, comm: 'hog', startTicks: 7 },
      12: { rss: 6 },
    });
    expect(await breakStall(UNIT, CGROUP, 'kill', options)).toEqual({
      unit: UNIT,
      how: 'kill',
      done: true,
      process: { pid: 11, startTicks: 7, comm: 'hog', memory: 900 * 1024 },
    });
    expect(killed).toEqual(['SIGKILL 11']);
    expect(existsSync(`${root}/proc/10`)).toBe(true);
  });

  it('never rlimit itself, and not those that are to be spared', async () => {
    const { killed, options } = scope({ [process.pid]: { rss: 900 }, 11: { rss: 800 }, 12: {} });
    const broken = await breakStall(UNIT, CGROUP, 'kill', { ...options, spare: [11] });
    expect(broken.process?.pid).toBe(12);
    expect(killed).toEqual(['SIGKILL 12']);
  });

  it('says so where there is none, or it is another user’s', async () => {
    const none = scope({ [process.pid]: {} });
    expect(await breakStall(UNIT, CGROUP, 'kill', none.options)).toMatchObject({
      done: false,
      why: 'it has no process that may be killed',
    });
    const { options } = scope({ 11: {} });
    const kill = () => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    };
    expect(await breakStall(UNIT, CGROUP, 'kill', { ...options, kill })).toMatchObject({
      done: false,
      process: { pid: 11 },
      why: 'you may not signal it',
    });
  });
});
