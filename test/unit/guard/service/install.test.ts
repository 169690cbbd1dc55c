import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  changeService,
  installService,
  type ServiceNeeds,
  uninstallService,
} from '../../../../src/guard/service/index.js';
import type { AskProgram } from '../../../../src/units/index.js';

const base = mkdtempSync(join(tmpdir(), 'rlimit-service-'));
afterAll(() => rmSync(base, { recursive: true }));
let number = 0;

const needs: ServiceNeeds = {
  manager: 'system',
  argv: ['/usr/local/bin/rlimit', 'guard', 'run'],
  path: [],
  writable: [],
  ebpf: false,
  gpu: false,
  gpuSettings: false,
};

/** A machine with a systemd that does what it is told. */
function machine({ uid = 0, systemd = true, complaints = '' } = {}) {
  number += 1;
  const root = join(base, String(number));
  mkdirSync(join(root, systemd ? 'run/systemd/system' : 'run'), { recursive: true });
  const file = join(root, 'etc/systemd/system/rlimit-guard.service');
  const told: string[] = [];
  const service = { active: 'inactive' };
  const systemctl = async (args: readonly string[]) => {
    if (args[0] !== 'show') told.push(args.join(' '));
    if (args[0] === 'start') service.active = 'active';
    if (args[0] === 'disable') service.active = 'inactive';
    return `ActiveState=${service.active}\nUnitFileState=enabled\nMainPID=0\nStatusText=\nResult=success\n`;
  };
  const ask: AskProgram = async ([, ...args]) => {
    const out = '→ Overall exposure level for rlimit-guard.service: 3.4 OK 🙂\n';
    return { status: 0, out: args.includes('security') ? out : '', err: complaints };
  };
  const tools = { places: { env: { HOME: root }, uid, root }, systemctl, ask };
  return {
    file,
    told,
    service,
    text: () => readFileSync(file, 'utf8'),
    write: (text: string) => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
    files: () => readdirSync(dirname(file)).sort(),
    install: (more: Partial<ServiceNeeds> = {}, start = false) =>
      installService({ ...needs, ...more }, { ...tools, start }),
    uninstall: () => uninstallService('system', tools),
    change: () => changeService('reload', 'system', { places: tools.places, control: systemctl }),
  };
}

describe('install', () => {
  it('writes the unit, enables it, and starts it where asked', async () => {
    const { install, told, file, text } = machine();
    expect(await install({}, true)).toMatchObject({
      change: 'written',
      file,
      exposure: 3.4,
      verified: true,
      restartNeeded: false,
      state: { active: 'active' },
    });
    expect(told).toEqual([
      'daemon-reload',
      'enable --quiet rlimit-guard.service',
      'start rlimit-guard.service',
    ]);
    expect(text()).toContain('ExecStart=/usr/local/bin/rlimit guard run\n');
  });

  it('done once more changes nothing; with other needs it says that a restart is due', async () => {
    const { install, told, files } = machine();
    await install({}, true);
    told.length = 0;
    expect(await install()).toMatchObject({ change: 'unchanged', restartNeeded: false });
    expect(told).not.toContain('daemon-reload');
    expect(await install({ ebpf: true })).toMatchObject({ change: 'written', restartNeeded: true });
    expect(files()).toEqual(['rlimit-guard.service']);
  });

  it('keeps a file of somebody else, through a second install, and uninstall puts it back', async () => {
    const { install, uninstall, write, file, files, text } = machine();
    write('[Service]\nExecStart=/bin/other\n');
    const before = `${file}.before-rlimit`;
    expect(await install()).toMatchObject({ change: 'written', backup: before });
    expect(await install({ ebpf: true })).not.toHaveProperty('backup');
    expect(await uninstall()).toMatchObject({ change: 'put-back' });
    expect(text()).toBe('[Service]\nExecStart=/bin/other\n');
    expect(files()).toEqual(['rlimit-guard.service']);
  });

  it('keeps what somebody edited, and does not put that back', async () => {
    const { install, uninstall, write, text, file, files } = machine();
    await install();
    write(`${text()}Nice=-5\n`);
    expect(await install()).toMatchObject({ change: 'written', backup: `${file}.bak` });
    write(text().replace('WatchdogSec=30s', 'WatchdogSec=90s'));
    expect(await uninstall()).toMatchObject({ change: 'removed', backup: `${file}.bak2` });
    expect(files()).toEqual(['rlimit-guard.service.bak', 'rlimit-guard.service.bak2']);
  });

  it('writes nothing that systemd has something against', async () => {
    const complaints =
      '/tmp/rlimit-unit-abc123/rlimit-guard.service:9: Unknown key name\nother.service: x\n';
    const { install, told, file } = machine({ complaints });
    await expect(install()).rejects.toMatchObject({
      why: 'rlimit-guard.service:9: Unknown key name',
      exitCode: 3,
    });
    expect(existsSync(file)).toBe(false);
    expect(told).toEqual([]);
  });

  it.each([
    [{ uid: 1000 }, /for root/],
    [{ systemd: false }, /systemd does not run this system/],
  ])('is refused with %j', async (options, words) => {
    const { install, uninstall, change, told, file } = machine(options);
    for (const action of [install, uninstall, change]) {
      await expect(action()).rejects.toThrow(words);
    }
    expect(told).toEqual([]);
    expect(existsSync(file)).toBe(false);
  });
});

describe('uninstall', () => {
  it('stops, disables and removes', async () => {
    const { install, uninstall, told, file } = machine();
    await install({}, true);
    told.length = 0;
    expect(await uninstall()).toMatchObject({ change: 'removed', state: { active: 'inactive' } });
    expect(told).toEqual(['disable --now --quiet rlimit-guard.service', 'daemon-reload']);
    expect(existsSync(file)).toBe(false);
  });

  it('leaves a file alone that is not ours', async () => {
    const { uninstall, write, told, text } = machine();
    expect(await uninstall()).toMatchObject({ change: 'absent' });
    write('[Service]\nExecStart=/bin/other\n');
    expect(await uninstall()).toMatchObject({ change: 'absent' });
    expect(text()).toContain('/bin/other');
    expect(told).toEqual([]);
  });
});
