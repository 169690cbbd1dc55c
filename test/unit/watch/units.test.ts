import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnavailableError, UnknownNameError } from '../../../src/errors/index.js';
import type { UnitRecord } from '../../../src/model/index.js';
import { UnitFinder } from '../../../src/watch/units.js';
import { tree } from '../cgroup/tree.js';

const APP = '/user.slice/user-1000.slice/user@1000.service/app.slice';
const OURS = `${APP}/app-rlimit.slice`;

/** A machine: a cgroup tree, records, and a systemctl that is asked as seldom as possible. */
function machine() {
  const root = tree({ [`${APP}/cgroup.events`]: '', 'run/rlimit/x': '' });
  const shown = new Map<string, string>();
  const asked: string[][] = [];
  let changes = 0;
  return {
    root,
    asked,
    begin(cgroup: string) {
      mkdirSync(`${root}${cgroup}`, { recursive: true });
      writeFileSync(`${root}${cgroup}/cgroup.events`, 'populated 1\n');
    },
    end: (cgroup: string) => rmSync(`${root}${cgroup}`, { recursive: true }),
    record(unit: string, profile = 'default') {
      const record: UnitRecord = {
        version: 1,
        unit,
        slice: 'app-rlimit.slice',
        profile,
        properties: {},
        command: ['make'],
        cwd: '/',
        started: 0,
      };
      writeFileSync(`${root}/run/rlimit/${unit}.json`, JSON.stringify(record));
      changes += 1;
      utimesSync(`${root}/run/rlimit`, changes, changes);
    },
    /** What systemd says of a unit from now on. */
    says: (
      unit: string,
      state: string,
      { cgroup = '', result = 'success', load = 'loaded' } = {},
    ) =>
      shown.set(
        unit,
        `Id=${unit}\nLoadState=${load}\nActiveState=${state}\nResult=${result}\nControlGroup=${cgroup}\n`,
      ),
    finder: (...names: string[]) =>
      new UnitFinder({
        names,
        root,
        uid: 1000,
        env: { XDG_RUNTIME_DIR: `${root}/run` },
        ask: async (args) => {
          asked.push([...args]);
          const wanted = args.slice(args.indexOf('--') + 1);
          if (wanted.includes('broken')) throw new UnavailableError('systemctl show failed');
          const units = [...shown].filter(
            ([unit]) => wanted.includes(unit) || wanted.includes('rlimit-*.scope'),
          );
          return units.map(([, text]) => text).join('\n');
        },
      }),
  };
}

const names = (finder: UnitFinder) => finder.units.map(({ unit }) => unit);

describe('without names', () => {
  it('finds units that begin later without asking systemd, wherever ours lie', async () => {
    const { finder, begin, record, asked } = machine();
    const units = finder();
    await units.start(0);
    expect(asked).toHaveLength(1);
    begin(`${OURS}/rlimit-a-1.scope`);
    begin(`${OURS}/app-rlimit-2.slice/rlimit-b-2.scope`);
    begin(`${OURS}/app-rlimit-2.slice/app-rlimit-2-3.slice/rlimit-c-3.scope`);
    begin(`${OURS}/own-name.scope`);
    begin(`${OURS}/foreign.scope`);
    record('own-name.scope', 'coq-standard');
    expect(await units.refresh(1000)).toEqual([]);
    expect(names(units).sort()).toEqual([
      'own-name.scope',
      'rlimit-a-1.scope',
      'rlimit-b-2.scope',
      'rlimit-c-3.scope',
    ]);
    const own = units.units.find(({ unit }) => unit === 'own-name.scope');
    expect(own).toMatchObject({
      cgroup: `${OURS}/own-name.scope`,
      record: { profile: 'coq-standard' },
    });
    expect(asked).toHaveLength(1);
  });

  it('learns the profile of a unit whose record comes after it', async () => {
    const { finder, begin, record } = machine();
    const units = finder();
    await units.start(0);
    begin(`${OURS}/rlimit-a-1.scope`);
    await units.refresh(1000);
    expect(units.units[0]).not.toHaveProperty('record');
    record('rlimit-a-1.scope', 'agent');
    await units.refresh(2000);
    expect(units.units[0]).toMatchObject({ record: { profile: 'agent' } });
  });

  it('asks systemd for recorded units that are not there, but not for ever', async () => {
    const { finder, begin, record, says, asked } = machine();
    const units = finder();
    await units.start(0);
    record('elsewhere.scope');
    await units.refresh(1000);
    expect(asked).toHaveLength(1);
    begin('/elsewhere.scope');
    says('elsewhere.scope', 'active', { cgroup: '/elsewhere.scope' });
    await units.refresh(6000);
    expect(names(units)).toEqual(['elsewhere.scope']);
    record('never.scope');
    for (let ms = 10_000; ms < 60_000; ms += 1000) await units.refresh(ms);
    expect(asked).toHaveLength(5);
    await units.refresh(120_000);
    expect(asked).toHaveLength(6);
  });

  it('says how a unit has ended, and forgets it', async () => {
    const { finder, begin, end, says } = machine();
    begin(`${OURS}/rlimit-a-1.scope`);
    begin(`${OURS}/rlimit-b-1.scope`);
    says('rlimit-a-1.scope', 'active', { cgroup: `${OURS}/rlimit-a-1.scope` });
    const units = finder();
    await units.start(0);
    await units.refresh(0);
    expect(names(units)).toHaveLength(2);
    end(`${OURS}/rlimit-a-1.scope`);
    end(`${OURS}/rlimit-b-1.scope`);
    says('rlimit-a-1.scope', 'failed', { result: 'oom-kill' });
    expect(await units.refresh(1000)).toEqual([
      { unit: 'rlimit-a-1.scope', state: 'failed', result: 'oom-kill' },
      { unit: 'rlimit-b-1.scope', state: 'gone' },
    ]);
    expect(names(units)).toEqual([]);
    expect(await units.refresh(2000)).toEqual([]);
  });

  it('does not show failed units that systemd keeps', async () => {
    const { finder, says } = machine();
    says('rlimit-a-1.scope', 'failed', { result: 'oom-kill' });
    const units = finder();
    await units.start(0);
    expect(names(units)).toEqual([]);
  });
});

describe('named ones', () => {
  it('are watched, and no others', async () => {
    const { finder, begin, says } = machine();
    begin('/a.service');
    says('a.service', 'active', { cgroup: '/a.service' });
    const units = finder('a.service');
    await units.start(0);
    begin(`${OURS}/rlimit-a-1.scope`);
    await units.refresh(1000);
    expect(names(units)).toEqual(['a.service']);
  });

  it('are waited for between two starts', async () => {
    const { finder, begin, end, says } = machine();
    begin('/a.service');
    says('a.service', 'active', { cgroup: '/a.service' });
    const units = finder('a.service');
    await units.start(0);
    end('/a.service');
    says('a.service', 'activating');
    expect(await units.refresh(1000)).toEqual([]);
    says('a.service', 'active', { cgroup: '/a.service' });
    begin('/a.service');
    expect(await units.refresh(2000)).toEqual([]);
    expect(names(units)).toEqual(['a.service']);
    end('/a.service');
    says('a.service', 'inactive');
    expect(await units.refresh(600_000)).toEqual([
      { unit: 'a.service', state: 'inactive', result: 'success' },
    ]);
  });

  it('must be there', async () => {
    const { finder } = machine();
    await expect(finder('a.service').start(0)).rejects.toThrow(UnknownNameError);
  });
});
