import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { importProfile, saveImported } from '../../../../src/export/import/index.js';
import { fromRunningUnit } from '../../../../src/export/import/running.js';
import { exportProfiles } from '../../../../src/export/index.js';
import { checkText } from '../../../../src/lint/index.js';
import type { Machine } from '../../../../src/model/index.js';
import { BUILT_IN_NAMES } from '../../../../src/profiles/catalog.js';
import { loadProfile, resolve } from '../../../../src/profiles/index.js';
import { GiB } from '../../../../src/quantity/index.js';
import { LARGE, subject } from '../subjects.js';

const root = mkdtempSync(join(tmpdir(), 'rlimit-import-'));
afterAll(() => rmSync(root, { recursive: true }));

const places = { cwd: root, env: {}, home: root };
let count = 0;

/** A file in a directory of its own. */
function file(name: string, text: string): string {
  count += 1;
  const directory = join(root, String(count));
  mkdirSync(directory);
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

describe('there and back', () => {
  const machines = fc.record({
    cores: fc.integer({ min: 1, max: 256 }),
    memory: fc.integer({ min: 1, max: 4096 }).map((size) => size * GiB),
    swap: fc.constantFrom(0, 8 * GiB),
  });

  it('an exported profile has the same limits when it is imported', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...BUILT_IN_NAMES),
        machines,
        fc.constantFrom('service', 'slice'),
        async (name, { cores, memory, swap }, kind) => {
          const machine: Machine = { cores, cpus: cores, memory, swap, systemd: 257 };
          const one = await subject(name, {}, machine);
          const target = { machine, shell: 'bash', unit: `x.${kind}` } as const;
          const { text, cannot } = exportProfiles('systemd', [one], target);
          const imported = await importProfile([file(`x.${kind}`, text)], places);
          const left = cannot.map(({ what }) => what);
          const expected = one.limits.properties.filter(({ property }) => !left.includes(property));
          expect(imported.limits).toEqual(
            Object.fromEntries(expected.map(({ property, value }) => [property, value])),
          );
          const known = one.limits.environment.NIX_CONFIG;
          if (kind === 'service') expect(imported.environment.NIX_CONFIG).toBe(known);
          expect(
            imported.notCarried.filter(({ what }) => !what.startsWith('the variable')),
          ).toEqual([]);
          // And the file itself says so, to who reads profiles.
          saveImported({ ...imported, name: 'again' }, places, { force: true });
          const again = resolve(await loadProfile('again', places), machine, { force: true });
          const values = (limits: typeof again) =>
            limits.properties.map(({ property, value }) => [property, value]);
          expect(values(again)).toEqual(expected.map(({ property, value }) => [property, value]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('passes the lint', async () => {
    for (const name of BUILT_IN_NAMES) {
      const { text } = exportProfiles('systemd', [await subject(name)], {
        machine: LARGE,
        shell: 'bash',
      });
      const imported = await importProfile([file('x.service', text)], places);
      const problems = await checkText('x', imported.text, places, { machine: LARGE });
      expect(problems.filter(({ severity }) => severity === 'problem')).toEqual([]);
    }
  });
});

describe('a unit file', () => {
  it('with its drop-ins in their order; one can be read alone', async () => {
    const path = file(
      'ollama.service',
      '[Unit]\nMemoryMax=1\n[Service]\nExecStart=/x\nRestart=always\nMemoryMax=8G\nTasksMax=9\n' +
        'AllowedCPUs=0-3\nNice=5\nNoNewPrivileges=yes\n',
    );
    mkdirSync(`${path}.d`);
    writeFileSync(`${path}.d/50-b.conf`, '[Service]\nTasksMax=\nCPUQuota=25.5%\nAllowedCPUs=8\n');
    writeFileSync(
      `${path}.d/10-a.conf`,
      '[Service]\nMemoryMax=60%\nIOReadBandwidthMax=/dev/a 1M\n',
    );
    writeFileSync(`${path}.d/60-c.conf`, '[Service]\nIOReadBandwidthMax=/dev/b 1M\n');
    const imported = await importProfile([path], places, { name: 'mine' });
    expect(imported.limits).toEqual({
      MemoryMax: '60%',
      CPUQuota: '25.5%',
      AllowedCPUs: '0-3 8',
      IOReadBandwidthMax: '/dev/a 1M',
    });
    expect(imported.notCarried.map(({ what }) => what)).toEqual([
      'ExecStart',
      'Restart',
      'Nice',
      'NoNewPrivileges',
      'IOReadBandwidthMax=/dev/b 1M',
    ]);
    const alone = await importProfile([`${path}.d/50-b.conf`], places);
    expect(alone).toMatchObject({
      name: 'ollama',
      limits: { CPUQuota: '25.5%', AllowedCPUs: '8' },
    });
  });

  it('laid over a built-in profile, it has no limit of that one', async () => {
    const imported = await importProfile(
      [file('ollama.service', '[Service]\nMemoryMax=1G\n')],
      places,
    );
    saveImported(imported, places, { force: false });
    const { properties } = resolve(await loadProfile('ollama', places), LARGE);
    expect(properties.map(({ property, value }) => `${property}=${value}`)).toEqual([
      'MemoryMax=1G',
    ]);
    expect(() => saveImported(imported, places, { force: false })).toThrow('is there already');
    const { backup = '' } = saveImported(imported, places, { force: true });
    expect(readFileSync(backup, 'utf8')).toBe(imported.text);
  });

  it('hostile texts stay where they belong', async () => {
    const evil =
      '[Service]\nIOReadBandwidthMax=/dev/a\x1b[31m 1M\nEnvironment="NIX_CONFIG=${x}\\n"\nFoo\x1b=1\n';
    const { text, limits, environment } = await importProfile(
      [file('x"y: #.service', evil)],
      places,
    );
    expect(limits).toEqual({});
    expect(environment).toEqual({});
    expect(text).not.toContain('\x1b');
    expect(await checkText('x', text, places, { machine: LARGE })).toEqual([]);
  });

  it.each([
    ['empty.service', '', 'no unit file with limits'],
    ['x.service', '[Unit]\nDescription=x\n', 'no unit file with limits'],
  ])('%s', async (name, text, message) => {
    await expect(importProfile([file(name, text)], places)).rejects.toThrow(message);
  });

  it('that is not there, or none', async () => {
    await expect(importProfile(['/nonexistent/x.service'], places)).rejects.toThrow(
      'cannot be read',
    );
    await expect(importProfile([root], places)).rejects.toThrow('is a directory');
    await expect(importProfile([root], places, { name: '../x' })).rejects.toThrow(
      'name of a profile',
    );
  });
});

describe('a unit that is loaded', () => {
  const shown = (FragmentPath: string) => [
    {
      manager: 'system' as const,
      shown: {
        Id: 'x.service',
        LoadState: 'loaded',
        ActiveState: 'active',
        FragmentPath,
        DropInPaths: '',
        MemoryMax: '8589934592',
        MemoryHigh: 'infinity',
        CPUQuotaPerSecUSec: '1.5s',
        TasksMax: '2310',
        IOWeight: '[not set]',
        AllowedCPUs: '0-1',
        OOMPolicy: 'stop',
        IOReadBandwidthMax: '/dev/vda 1000000\n/dev/vdb 2000000',
      },
    },
  ];

  it('has what somebody set, and not what is everybody’s default', async () => {
    const path = file('x.service', '[Service]\nMemoryMax=50%\nCPUQuota=150%\n');
    const found = await fromRunningUnit('x.service', async () => shown(path));
    expect(found.limits).toEqual({
      MemoryMax: '8G',
      CPUQuota: '150%',
      AllowedCPUs: '0-1',
      IOReadBandwidthMax: '/dev/vda 1000000',
    });
    expect(found.notCarried).toMatchObject([{ what: 'IOReadBandwidthMax=/dev/vdb 2000000' }]);
  });

  it('whose file is gone: what differs from the defaults is taken', async () => {
    const found = await fromRunningUnit('x.service', async () => shown('/nonexistent/x.service'));
    expect(found.limits).toMatchObject({ MemoryMax: '8G', CPUQuota: '150%' });
    expect(found.limits).not.toHaveProperty('TasksMax');
    expect(found.notes.join()).toContain('it is gone');
  });

  it('a name for several', async () => {
    const two = async () => [...shown(''), ...shown('')];
    await expect(fromRunningUnit('x', two)).rejects.toThrow('stands for 2 units');
  });
});
