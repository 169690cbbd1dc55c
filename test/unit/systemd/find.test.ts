import { describe, expect, it } from 'vitest';
import { UnavailableError, UnknownNameError, UsageError } from '../../../src/errors/index.js';
import type { UnitRecord } from '../../../src/model/index.js';
import type { ManagerKind } from '../../../src/systemd/client.js';
import { findNamedUnits, findOurUnits } from '../../../src/systemd/find.js';

const USER = ['rlimit-coq-standard-1a.scope', 'rlimit-coq-1b.scope', 'mine.scope', 'app.slice'];
const SYSTEM = ['nix-daemon.service', 'user.slice'];

/** Two managers with those units, which answer like systemctl. */
function ask(calls: string[][] = []) {
  return async (args: readonly string[], manager: ManagerKind): Promise<string> => {
    calls.push([manager, ...args]);
    const units = manager === 'user' ? USER : SYSTEM;
    if (args[0] === 'list-units')
      return units.map((unit) => `● ${unit} loaded active x`).join('\n');
    return args
      .slice(args.indexOf('--') + 1)
      .flatMap((pattern) => {
        const isPattern = pattern.includes('*');
        const regex = new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.*')}$`);
        const matches = units.filter((unit) => regex.test(unit));
        if (matches.length > 0) return matches.map((unit) => block(unit, 'loaded', 'active'));
        if (isPattern) return [];
        // systemd makes up a slice for every name.
        return [block(pattern, pattern.endsWith('.slice') ? 'loaded' : 'not-found', 'inactive')];
      })
      .join('\n');
  };
}

function block(unit: string, load: string, active: string): string {
  return `FragmentPath=\nId=${unit}\nLoadState=${load}\nActiveState=${active}\n`;
}

const record = (unit: string, profile: string): UnitRecord => ({
  version: 1,
  unit,
  slice: 'app-rlimit.slice',
  profile,
  properties: {},
  command: ['true'],
  cwd: '/',
  started: 0,
});
const RECORDS = [record('mine.scope', 'coq'), record('gone.scope', 'coq')];

const named = async (...names: string[]) =>
  (await findNamedUnits(names, RECORDS, ask())).map(({ shown, manager }) => [manager, shown.Id]);

describe('findOurUnits', () => {
  it('finds them by name and by record with one call; those that are gone are left out', async () => {
    const calls: string[][] = [];
    const units = await findOurUnits(RECORDS, ask(calls));
    expect(units.map(({ shown }) => shown.Id)).toEqual([
      'rlimit-coq-standard-1a.scope',
      'rlimit-coq-1b.scope',
      'mine.scope',
    ]);
    expect(calls).toHaveLength(1);
  });
});

describe('findNamedUnits', () => {
  it('takes exact names', async () => {
    expect(await named('mine.scope')).toEqual([['user', 'mine.scope']]);
  });

  it('asks the system’s manager for what the user’s has not', async () => {
    expect(await named('nix-daemon.service')).toEqual([['system', 'nix-daemon.service']]);
    expect(await named('nix-daemon', 'user')).toEqual([
      ['system', 'nix-daemon.service'],
      ['system', 'user.slice'],
    ]);
  });

  it('takes a profile for all units under it, and for no others', async () => {
    expect(await named('coq')).toEqual([
      ['user', 'mine.scope'],
      ['user', 'rlimit-coq-1b.scope'],
    ]);
    expect(await named('coq-standard')).toEqual([['user', 'rlimit-coq-standard-1a.scope']]);
  });

  it('names the nearest units for one that is not there', async () => {
    const failure = await findNamedUnits(['mime.scope'], [], ask()).catch((error) => error);
    expect(failure).toBeInstanceOf(UnknownNameError);
    expect(failure.suggestions).toEqual(['mine.scope']);
    const stem = await findNamedUnits(['nix-demon'], [], ask()).catch((error) => error);
    expect(stem.suggestions).toEqual(['nix-daemon']);
  });

  it('does not believe in a slice only because systemd makes one up', async () => {
    await expect(named('nowhere.slice')).rejects.toThrow(UnknownNameError);
    expect(await named('app.slice')).toEqual([['user', 'app.slice']]);
  });

  it.each(['*', 'a b', '', 'a/b', '../x.scope', 'a\n'])('refuses %j', async (name) => {
    await expect(named(name)).rejects.toThrow(UsageError);
  });

  it('needs no user manager for a unit of the system, and says so for others', async () => {
    const half = async (args: readonly string[], manager: ManagerKind) => {
      if (manager === 'user') throw new UnavailableError('no manager');
      return ask()(args, manager);
    };
    const found = await findNamedUnits(['nix-daemon.service'], [], half);
    expect(found).toMatchObject([{ manager: 'system' }]);
    await expect(findNamedUnits(['mine.scope'], [], half)).rejects.toThrow('no manager');
  });
});
