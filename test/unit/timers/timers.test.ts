import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseUnitFile } from '../../../src/systemd/unit-file.js';
import {
  draftTimers,
  installTimers,
  removeTimers,
  type TimerOptions,
  type TimerPlace,
  timerNames,
  timerStatus,
} from '../../../src/timers/index.js';

const OPTIONS: TimerOptions = {
  program: ['/opt/my node/bin/node', '/opt/100%/$HOME/"run".js'],
  verifyAt: 'daily',
  metricsAt: 'minutely',
  textfile: '/var/lib/x',
  system: false,
  environment: { XDG_STATE_HOME: '/s p' },
};

interface Desk extends TimerPlace {
  asked: string[];
  read(name: string): string;
  write(name: string, text: string): void;
  names(): string[];
}

function desk(says: (args: readonly string[]) => string = () => ''): Desk {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-timers-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const asked: string[] = [];
  return {
    manager: 'user',
    directory,
    asked,
    systemctl: async (args) => {
      asked.push(args.join(' '));
      return says(args);
    },
    ask: async () => ({ status: 0, out: '', err: '' }),
    read: (name) => readFileSync(join(directory, name), 'utf8'),
    write: (name, text) => writeFileSync(join(directory, name), text),
    names: () => readdirSync(directory).sort(),
  };
}

/** `Section.Name=Value` of a unit file. */
const settingsIn = (text: string) =>
  parseUnitFile(text).map(({ section, name, value }) => `${section}.${name}=${value}`);

describe('the units', () => {
  it('start rlimit where it is, whatever the path', () => {
    const { directory, read } = desk();
    const files = draftTimers(['verify', 'metrics', 'alerts'], OPTIONS, { directory });
    const texts = Object.values(files);
    expect(Object.keys(files)).toEqual(
      [
        ...['rlimit-verify.service', 'rlimit-verify.timer', 'rlimit-metrics.service'],
        ...['rlimit-metrics.timer', 'rlimit-alerts.service'],
      ].map((name) => join(directory, name)),
    );
    expect(() => read('rlimit-verify.timer')).toThrow();
    const start = 'Service.ExecStart="/opt/my node/bin/node" "/opt/100%%/$$HOME/\\"run\\".js"';
    expect(settingsIn(texts[0] ?? '')).toContain(`${start} timers verify`);
    expect(settingsIn(texts[0] ?? '')).toContain('Service.Environment="XDG_STATE_HOME=/s p"');
    expect(settingsIn(texts[1] ?? '')).toEqual([
      'Unit.Description=Daily verification of resource limits (rlimit)',
      ...['Timer.OnCalendar=daily', 'Timer.RandomizedDelaySec=15min', 'Timer.Persistent=true'],
      'Install.WantedBy=timers.target',
    ]);
    expect(settingsIn(texts[2] ?? '')).toContain(`${start} monitor --textfile /var/lib/x`);
    expect(settingsIn(texts[4] ?? '')).toContain(`${start} monitor alerts --run`);
    expect(texts[4]).toContain('WantedBy=default.target');
    expect(texts[4]).not.toContain('OOMScoreAdjust');
  });

  it('of the system are started by it', () => {
    const [service] = Object.values(draftTimers(['alerts'], { ...OPTIONS, system: true }, desk()));
    expect(service).toContain('WantedBy=multi-user.target');
    expect(service).toContain('OOMScoreAdjust=-500');
  });

  it('have no more settings than ours, however a value is made', () => {
    const evil = { ...OPTIONS, textfile: '/x\nExecStart=/bin/evil', program: ['/a\nUser=root'] };
    const [service] = Object.values(draftTimers(['metrics'], evil, desk()));
    expect(settingsIn(service ?? '').filter((line) => /ExecStart|User/.test(line))).toEqual([
      'Service.ExecStart="/a\\nUser=root" monitor --textfile "/x\\nExecStart=/bin/evil"',
    ]);
  });
});

describe('install', () => {
  it('writes, reloads, enables and starts; again it changes nothing', async () => {
    const place = desk();
    const first = await installTimers(['verify', 'alerts'], OPTIONS, place);
    expect(first.files.map(({ done }) => done)).toEqual(['written', 'written', 'written']);
    expect(first.commands).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable --now rlimit-verify.timer rlimit-alerts.service',
    ]);
    const again = await installTimers(['verify', 'alerts'], OPTIONS, place);
    expect(again.files.map(({ done }) => done)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(place.names()).toEqual([
      'rlimit-alerts.service',
      'rlimit-verify.service',
      'rlimit-verify.timer',
    ]);
  });

  it('with other settings replaces its own without a backup, and starts it anew', async () => {
    const place = desk();
    await installTimers(['verify'], OPTIONS, place);
    const { files, commands } = await installTimers(
      ['verify'],
      { ...OPTIONS, verifyAt: 'weekly' },
      place,
    );
    expect(files).toMatchObject([{ done: 'unchanged' }, { done: 'replaced' }]);
    expect(files[1]).not.toHaveProperty('backup');
    expect(commands.at(-1)).toBe('systemctl --user restart rlimit-verify.timer');
    expect(place.names()).toHaveLength(2);
  });

  it('writes nothing that systemd does not take, or without a manager', async () => {
    const refusal = async () => ({ status: 1, out: '', err: 'rlimit-verify.timer: no such time.' });
    const refusing = { ...desk(), ask: refusal };
    await expect(installTimers(['verify'], OPTIONS, refusing)).rejects.toThrow(
      'does not take the units',
    );
    const lost = desk(() => {
      throw new Error('no bus');
    });
    await expect(installTimers(['verify'], OPTIONS, lost)).rejects.toThrow('no bus');
    expect([...refusing.names(), ...lost.names()]).toEqual([]);
  });
});

it('leaves what a plan has written to the plan, and says so', async () => {
  const place = desk(() => '');
  const text = '# Written by rlimit apply, plan ai-services; and so on\n\n[Timer]\n';
  place.write('rlimit-verify.timer', text);
  await expect(installTimers(['verify'], OPTIONS, place)).rejects.toMatchObject({
    message: 'rlimit-verify.timer is there by plan ai-services',
    exitCode: 2,
  });
  expect(place.names()).toEqual(['rlimit-verify.timer']);
  place.write('rlimit-verify.service', text);
  expect((await timerStatus(place))[0]).toMatchObject({ origin: 'foreign', plan: 'ai-services' });
});

describe('remove', () => {
  it('takes away what was installed and nothing else', async () => {
    const place = desk();
    place.write('mine.timer', 'x');
    await installTimers(['verify', 'alerts'], OPTIONS, place);
    const { files, timers, commands } = await removeTimers(timerNames([]), place);
    expect(timers).toEqual(['verify', 'alerts']);
    expect(files.map(({ done }) => done)).toEqual(['removed', 'removed', 'removed']);
    expect(commands[0]).toBe(
      'systemctl --user disable --now rlimit-verify.timer rlimit-alerts.service',
    );
    expect(place.names()).toEqual(['mine.timer']);
    place.asked.length = 0;
    expect(await removeTimers(timerNames([]), place)).toMatchObject({ files: [], commands: [] });
    expect(place.asked).toEqual([]);
  });

  it('puts back what stood there, also after a second install', async () => {
    const place = desk();
    place.write('rlimit-verify.timer', '[Timer]\nOnCalendar=hourly\n');
    const { files } = await installTimers(['verify'], OPTIONS, place);
    const backup = join(place.directory, 'rlimit-verify.timer.before-rlimit');
    expect(files[1]).toMatchObject({ done: 'replaced', backup });
    expect(place.read('rlimit-verify.timer')).toContain(`# In place of: ${backup}\n`);
    const again = await installTimers(['verify'], { ...OPTIONS, verifyAt: 'weekly' }, place);
    expect(again.files[1]).not.toHaveProperty('backup');
    expect((await removeTimers(['verify'], place)).files).toMatchObject([
      { done: 'removed' },
      { done: 'restored' },
    ]);
    expect(place.names()).toEqual(['rlimit-verify.timer']);
    expect(place.read('rlimit-verify.timer')).toBe('[Timer]\nOnCalendar=hourly\n');
  });

  it('keeps what was edited, and leaves what is not ours', async () => {
    const place = desk();
    await installTimers(['verify', 'alerts'], OPTIONS, place);
    place.write(
      'rlimit-verify.timer',
      place.read('rlimit-verify.timer').replace('daily', 'hourly'),
    );
    place.write('rlimit-alerts.service', '[Service]\nExecStart=/bin/true\n');
    const { files, timers } = await removeTimers(timerNames([]), place);
    expect(timers).toEqual(['verify']);
    expect(files[1]).toMatchObject({ done: 'removed', backup: expect.stringMatching(/\.bak$/) });
    expect(place.read('rlimit-verify.timer.bak')).toContain('OnCalendar=hourly');
    expect(place.names()).toEqual(['rlimit-alerts.service', 'rlimit-verify.timer.bak']);
  });

  it('puts nothing back that a header only claims', async () => {
    const place = desk();
    await installTimers(['alerts'], OPTIONS, place);
    const elsewhere = join(place.directory, 'elsewhere');
    place.write('elsewhere', 'keep me');
    const text = place.read('rlimit-alerts.service');
    place.write('rlimit-alerts.service', text.replace('\n', `\n# In place of: ${elsewhere}\n`));
    expect((await removeTimers(['alerts'], place)).files).toMatchObject([{ done: 'removed' }]);
    expect(existsSync(elsewhere)).toBe(true);
  });
});

describe('status', () => {
  /** As systemd 257 prints it. */
  const shown = [
    'Id=rlimit-verify.timer\nActiveState=active\nUnitFileState=enabled\nResult=success\nLastTriggerUSec=n/a\nNextElapseUSecRealtime=Fri 2025-11-21 00:00:00 UTC',
    'Id=rlimit-verify.service\nActiveState=inactive\nUnitFileState=static\nResult=success\nExecMainStatus=1\nExecMainStartTimestamp=Thu 2025-11-20 23:03:22 UTC\nExecMainExitTimestamp=Thu 2025-11-20 23:03:29 UTC',
    'Id=rlimit-alerts.service\nActiveState=failed\nUnitFileState=enabled\nResult=exit-code\nExecMainStatus=2\nExecMainStartTimestamp=Thu 2025-11-20 23:03:22 UTC\nExecMainExitTimestamp=Thu 2025-11-20 23:03:23 UTC',
  ].join('\n\n');

  it('says when it ran, how it ended, and when it runs next', async () => {
    const place = desk((args) => (args[0] === 'show' ? shown : ''));
    await installTimers(['verify', 'alerts'], OPTIONS, place);
    expect(await timerStatus(place)).toMatchObject([
      {
        ...{
          name: 'verify',
          installed: true,
          origin: 'ours',
          active: 'active',
          enabled: 'enabled',
        },
        ...{ next: 1_763_683_200_000, last: 1_763_679_802_000, result: 'success', status: 1 },
      },
      { name: 'metrics', installed: false },
      { name: 'alerts', installed: true, active: 'failed', result: 'exit-code', status: 2 },
    ]);
  });

  it('says nothing of units that are not installed', async () => {
    const status = await timerStatus(desk(() => shown));
    expect(status.map(({ installed, active }) => [installed, active])).toEqual([
      ...[
        [false, undefined],
        [false, undefined],
        [false, undefined],
      ],
    ]);
  });
});

it('names are checked', () => {
  expect(timerNames(['alerts', 'verify', 'alerts'])).toEqual(['verify', 'alerts']);
  expect(() => timerNames(['nightly'])).toThrow('there is no timer "nightly"');
});
