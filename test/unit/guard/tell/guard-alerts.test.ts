import { describe, expect, it } from 'vitest';
import type { Note } from '../../../../src/guard/collect/index.js';
import type { Action } from '../../../../src/guard/decide/types.js';
import type { GuardEvent } from '../../../../src/guard/events.js';
import { GuardAlerts } from '../../../../src/guard/tell/guard-alerts.js';
import type { AlertChanges } from '../../../../src/model/index.js';
import { MiB, machine, process } from '../world.js';

const MINUTE = 60_000;

/** A guard's alerts, told at a time in milliseconds. */
function desk() {
  const alerts = new GuardAlerts(5 * MINUTE);
  const seen = (atMs: number) => machine(atMs, 10, [process(9, 'hog', 500 * MiB)]);
  const tell = (atMs: number, event: object) =>
    alerts.see({ time: atMs, ...event } as GuardEvent, seen(atMs));
  return {
    alerts,
    act: (atMs: number, action: Action, more: object = { result: 'done' }) =>
      tell(atMs, { event: 'action', action, ...more }),
    note: (atMs: number, note: Note) => tell(atMs, { event: 'note', note }),
    settle: (atMs: number, isShort: boolean) => alerts.settle(isShort, seen(atMs)),
    close: (atMs: number) => alerts.close(seen(atMs)),
  };
}

const none: AlertChanges = { raised: [], ended: [] };
const warn: Action = { do: 'warn', why: '14.2 % of memory is available' };
const unit = { unit: 'rlimit-a.scope', cgroup: '/a', why: 'because' };
const freeze: Action = { do: 'freeze', seconds: 60, ...unit };
const thaw: Action = { do: 'thaw', ...unit };
const kill = (pid: number, signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Action => ({
  ...{ do: 'end', signal, memory: 5, why: 'short' },
  process: { pid, startTicks: 1, comm: 'hog' },
});

describe('the alerts of a guard', () => {
  it('tell a shortage once, and that it is over', () => {
    const { act, settle } = desk();
    const { raised } = act(0, warn);
    expect(raised).toMatchObject([
      {
        ...{ rule: 'guard', severity: 'WARNING', subject: { kind: 'machine' } },
        says: 'memory is short: 14.2 % of memory is available',
        facts: expect.arrayContaining([expect.stringMatching(/^memory 90% used/)]),
        top: { comm: 'hog' },
      },
    ]);
    expect(settle(1000, true)).toEqual(none);
    expect(act(2000, warn)).toEqual(none);
    const { ended } = settle(20_000, false);
    expect(ended).toMatchObject([{ id: raised[0]?.id, lastedMs: 20_000 }]);
    // It flaps.
    expect(act(30_000, warn)).toEqual(none);
    expect(settle(40_000, false)).toEqual(none);
    expect(act(6 * MINUTE, warn).raised).toHaveLength(1);
  });

  it('tell of a frozen run and of taken tokens until that has an end', () => {
    const { act } = desk();
    const { raised } = act(0, freeze);
    expect(raised).toMatchObject([{ subject: { kind: 'unit', name: 'rlimit-a.scope' } }]);
    expect(act(3000, thaw).ended).toMatchObject([{ id: raised[0]?.id, lastedMs: 3000 }]);
    expect(act(4000, thaw)).toEqual(none);
    expect(act(5000, { do: 'tokens', most: 2, why: '' }).raised).toHaveLength(1);
    expect(act(6000, { do: 'tokens', most: 0, why: '' })).toEqual(none);
    expect(act(7000, { do: 'tokens', why: '' }).ended).toHaveLength(1);
  });

  it('name the first victim at once and those that follow together, each once', () => {
    const { act, settle, alerts } = desk();
    expect(act(0, kill(1, 'SIGTERM')).raised).toMatchObject([
      {
        severity: 'CRITICAL',
        subject: { kind: 'process', name: 'hog' },
        top: { pid: 1, bytes: 5 },
      },
    ]);
    expect(act(4000, kill(1))).toEqual(none);
    for (let pid = 2; pid <= 9; pid += 1) expect(act(5000 + pid, kill(pid))).toEqual(none);
    expect(settle(4 * MINUTE, true)).toEqual(none);
    const { raised } = settle(6 * MINUTE, false);
    expect(raised).toMatchObject([
      { value: 8, says: 'the guard has ended 8 more victims meanwhile' },
    ]);
    expect(raised[0]?.facts).toHaveLength(6);
    expect(act(7 * MINUTE, kill(10))).toEqual(none);
    settle(30 * MINUTE, false);
    settle(60 * MINUTE, false);
    expect(alerts.remembered).toBe(0);
  });

  it('leave nothing open or untold behind when it ends', () => {
    const { act, close } = desk();
    act(0, warn);
    act(0, freeze);
    act(0, kill(1));
    act(1, kill(2));
    const { raised, ended } = close(5000);
    expect([raised.length, ended.length]).toEqual([1, 2]);
    expect(close(6000)).toEqual(none);
  });

  it('tell what could not be done, and nothing of what nobody has to know', () => {
    const { act } = desk();
    const failed = { result: 'failed', failed: 'you may not signal it' };
    expect(act(0, kill(1), failed).raised).toMatchObject([
      { severity: 'WARNING', says: expect.stringContaining('could not end hog (PID 1): you may') },
    ]);
    expect(act(1, kill(1), failed)).toEqual(none);
    expect(act(2, kill(1), { result: 'gone' })).toEqual(none);
    const process = { pid: 1, startTicks: 1, comm: 'hog' };
    expect(act(3, { do: 'adjust', process, from: 0, to: 700, why: '' })).toEqual(none);
  });

  it('tell of a stall that was broken, and of GPUs', () => {
    const { act, note } = desk();
    const broken = (how: 'raise' | 'kill'): Action => ({
      do: 'breakLivelock',
      ...unit,
      how,
      spare: [],
    });
    expect(act(0, broken('raise')).raised).toMatchObject([{ severity: 'WARNING' }]);
    expect(act(1, broken('kill')).raised).toMatchObject([{ severity: 'CRITICAL' }]);
    const fields = { pid: 7, name: '/usr/bin/train', memory: 3, result: 'done' };
    const end: Note = { level: 'critical', about: 'gpu-end', message: 'SIGTERM to train', fields };
    expect(note(2, end).raised).toMatchObject([
      { severity: 'CRITICAL', top: { pid: 7, bytes: 3 } },
    ]);
    expect(note(3, { ...end, fields: { ...fields, result: 'gone' } })).toEqual(none);
    const driver = (verdict: string): Note => ({
      ...{ level: 'notice', about: 'gpu-driver', message: 'it differs', fields: { verdict } },
    });
    expect(note(4, driver('current'))).toEqual(none);
    expect(note(5, driver('reboot')).raised).toMatchObject([{ says: 'it differs' }]);
    expect(note(6, { level: 'critical', about: 'allocation', message: '' })).toEqual(none);
  });
});
