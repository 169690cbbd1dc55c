import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readAlerts } from '../../../../src/alerts/index.js';
import { type AlertSettings, DEFAULT_RULES } from '../../../../src/alerts/settings.js';
import { openSinks } from '../../../../src/alerts/sinks/index.js';
import type { GuardEvent } from '../../../../src/guard/events.js';
import { Teller } from '../../../../src/guard/tell/teller.js';
import type { AlertChanges } from '../../../../src/model/index.js';
import { tree } from '../../cgroup/tree.js';
import { machine } from '../world.js';

const warn: GuardEvent = {
  ...{ time: 1, event: 'action', result: 'done' },
  action: { do: 'warn', why: 'little' },
};

function desk(settings?: Partial<AlertSettings> | Error) {
  const root = tree({ 'config/rlimit/.keep': '' });
  if (settings !== undefined) writeFileSync(`${root}/config/rlimit/alerts.yaml`, '');
  const told: AlertChanges[] = [];
  const troubles: string[] = [];
  const tells: boolean[] = [];
  const defaults = { rules: DEFAULT_RULES, sinks: { journal: { from: 'WARNING' as const } } };
  const teller = new Teller({
    read: async () => {
      if (settings instanceof Error) throw settings;
      return { ...defaults, ...settings };
    },
    env: { XDG_CONFIG_HOME: `${root}/config` },
    uid: 1000,
    onTrouble: (text) => troubles.push(text),
    onSettings: (each) => tells.push(each),
    open: async () => ({ tell: (changes) => void told.push(changes), close: async () => {} }),
  });
  teller.look(machine(0, 10));
  return { root, teller, told, troubles, tells };
}

describe('the teller', () => {
  it('keeps what happens before its settings are there', async () => {
    const { teller, told, tells } = desk({});
    teller.see(warn);
    await sleep(5);
    expect(told).toEqual([]);
    await teller.load();
    await sleep(5);
    expect(told).toMatchObject([{ raised: [{ rule: 'guard' }] }]);
    expect(tells).toEqual([true]);
    await teller.close();
    expect(told).toMatchObject([{}, { ended: [{ rule: 'guard' }] }]);
  });

  it('tells nobody where the settings say so', async () => {
    const events = new Set(DEFAULT_RULES.events);
    events.delete('guard');
    const { teller, told, tells } = desk({ rules: { ...DEFAULT_RULES, events } });
    await teller.load();
    teller.see(warn);
    await teller.close();
    expect(told).toEqual([]);
    expect(tells).toEqual([false]);
  });

  it('goes by the defaults where the settings are wrong, and says so', async () => {
    const { teller, told, troubles } = desk(new Error('alerts.yaml:1:1: no'));
    await teller.load();
    expect(troubles).toEqual(['the settings of alerts: alerts.yaml:1:1: no']);
    teller.see(warn);
    await teller.close();
    expect(told).toHaveLength(2);
  });

  it('makes no decision wait for a command that hangs or a disk that is full', async () => {
    const root = tree({});
    const troubles: string[] = [];
    let isOpen = false;
    const sinks: AlertSettings['sinks'] = {
      command: { from: 'WARNING', argv: ['/bin/sleep', '60'], timeoutMs: 300 },
      log: { from: 'WARNING', file: '/dev/full', limitBytes: 4096 },
    };
    const teller = new Teller({
      read: async () => ({ rules: DEFAULT_RULES, sinks }),
      env: { XDG_CONFIG_HOME: root },
      uid: 1000,
      onTrouble: (text) => troubles.push(text),
      onSettings: () => {},
      open: async (_, onTrouble) => {
        isOpen = true;
        return openSinks(sinks, onTrouble);
      },
    });
    await teller.load();
    teller.look(machine(0, 10));
    for (let count = 0; count < 200; count += 1) {
      teller.see(warn);
      teller.settle(count % 2 === 0);
    }
    // Within a step no program is started and no file written.
    expect(isOpen).toBe(false);
    await teller.close();
    expect(troubles.some((text) => text.includes('took longer than 0.3 s'))).toBe(true);
    expect(troubles.some((text) => text.includes('alerts do not reach the log'))).toBe(true);
  });

  it('writes the log that alerts are listed from', async () => {
    const root = tree({});
    const file = `${root}/alerts.jsonl`;
    const sinks: AlertSettings['sinks'] = { log: { from: 'WARNING', file, limitBytes: 4096 } };
    const teller = new Teller({
      read: async () => ({ rules: DEFAULT_RULES, sinks }),
      env: { XDG_CONFIG_HOME: `${root}/config` },
      uid: 1000,
      onTrouble: () => {},
      onSettings: () => {},
      open: async (_, onTrouble) => openSinks(sinks, onTrouble),
    });
    await teller.load();
    teller.look(machine(0, 10));
    teller.see(warn);
    await teller.close();
    expect(readAlerts(file).alerts).toMatchObject([{ rule: 'guard', ended: expect.any(Number) }]);
  });
});
