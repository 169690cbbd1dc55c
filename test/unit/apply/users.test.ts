import { mkdirSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asUser, loggedIn } from '../../../src/apply/users.js';
import { verify } from '../../../src/apply/verify.js';
import { treeWith } from './world.js';

const WISH = {
  units: 'session.slice',
  kind: 'slice',
  manager: 'user',
  properties: { ManagedOOMPreference: 'avoid' },
  ofOthers: true,
} as const;
const compiled = { plan: 'mine', units: [], userUnits: [WISH], wishes: [] };

/** Managers of users that show a unit with these values. */
function system(shown: Record<string, string>, status = 0) {
  const asked: string[][] = [];
  const values = { Id: 'session.slice', LoadState: 'loaded', ActiveState: 'inactive', ...shown };
  const out = Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
  return {
    asked,
    run: async (argv: readonly string[]) => {
      asked.push([...argv]);
      return { status, out, err: status === 0 ? '' : 'Failed to connect to bus\n' };
    },
  };
}

const look = async (fake: ReturnType<typeof system>, users = [{ uid: 1000, gid: 100 }]) =>
  verify(compiled, { system: fake, checks: [], users });

describe('units of every user', () => {
  it('are asked of each manager as its user', async () => {
    const fake = system({ ManagedOOMPreference: 'avoid' });
    const { units, isInForce } = await look(fake);
    expect(units.map(({ unit, state }) => [unit, state])).toEqual([
      ['session.slice of UID 1000', 'waits'],
    ]);
    expect(isInForce).toBe(true);
    expect(fake.asked[0]?.slice(0, 8)).toEqual([
      ...['setpriv', '--reuid=1000', '--regid=100', '--clear-groups', 'env'],
      ...['XDG_RUNTIME_DIR=/run/user/1000', 'systemctl', '--user'],
    ]);
  });

  it('wait for a manager that has not read the files', async () => {
    const fake = system({ ManagedOOMPreference: 'none', NeedDaemonReload: 'yes' });
    expect((await look(fake)).units).toEqual([
      expect.objectContaining({ state: 'waits', why: 'its manager has not read the files yet' }),
    ]);
  });

  it('that say otherwise are not in force', async () => {
    const fake = system({ ManagedOOMPreference: 'omit', NeedDaemonReload: 'no' });
    const { units, isInForce, findings } = await look(fake);
    expect(units[0]?.state).toBe('not-in-force');
    expect([isInForce, findings.length > 0]).toEqual([false, true]);
  });

  it('are not verified where nobody is logged in, or a manager does not answer', async () => {
    const nobody = await look(system({}), []);
    expect(nobody.units).toEqual([
      { unit: 'session.slice', state: 'not-verified', rows: [], why: 'nobody is logged in' },
    ]);
    const deaf = await look(system({}, 1));
    expect(deaf.units[0]).toMatchObject({ state: 'not-verified', why: 'Failed to connect to bus' });
  });
});

it('those are logged in whose managers run', () => {
  const root = treeWith();
  for (const path of ['user-1000.slice/user@1000.service', 'user-1001.slice/session-1.scope']) {
    mkdirSync(`${root}/sys/fs/cgroup/user.slice/${path}`, { recursive: true });
  }
  mkdirSync(`${root}/run/user/1000`, { recursive: true });
  const { gid } = statSync(`${root}/run/user/1000`);
  expect(loggedIn(root)).toEqual([{ uid: 1000, gid }]);
  expect(loggedIn('/nonexistent')).toEqual([]);
});

it('answers of programs are those of the user', async () => {
  const fake = system({});
  await asUser(fake, { uid: 7, gid: 8 }).run(['id']);
  expect(fake.asked[0]).toContain('--reuid=7');
});
