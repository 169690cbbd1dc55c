import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findForeign, foreignRemark } from '../../../src/inspect/foreign.js';
import { observe } from '../../../src/inspect/observe.js';
import { tree } from '../cgroup/tree.js';
import { beOrdinaryUser } from '../ordinary-user.js';

const shown = {
  Id: 'a.scope',
  LoadState: 'loaded',
  ActiveState: 'active',
  ControlGroup: '/a.scope',
};
const FILES = {
  'a.scope/cgroup.controllers': 'memory pids\n',
  'a.scope/memory.max': '4096\n',
  'a.scope/memory.current': '100\n',
  'a.scope/pids.current': '1\n',
};
const look = (root: string, more = {}) =>
  observe({ manager: 'user', shown: { ...shown, ...more } }, root);

describe('observe', () => {
  it('gives what systemd and the kernel say', () => {
    const seen = look(tree(FILES));
    expect(seen).toMatchObject({
      cgroup: '/a.scope',
      kernel: { 'memory.max': '4096' },
      usage: { memoryCurrent: 100, tasks: 1 },
    });
    expect(seen).not.toHaveProperty('partial');
  });

  it('says that a cgroup is gone, and takes nothing of it for what it was', () => {
    expect(look(tree({ 'a.scope/memory.max': '4096' }))).toMatchObject({
      kernel: {},
      partial: [expect.stringContaining('its cgroup was gone')],
    });
    expect(look(tree({}), { ActiveState: 'inactive' })).not.toHaveProperty('partial');
  });

  it('passes over a figure in the format of another kernel, and says so', () => {
    const seen = look(tree({ ...FILES, 'a.scope/memory.current': 'lots\n' }));
    expect(seen?.usage).toEqual({ tasks: 1 });
    expect(seen?.partial).toEqual(['memory.current holds "lots", which is not a whole number']);
  });

  it('says which file it may not read', () => {
    const root = tree(FILES);
    beOrdinaryUser(root);
    chmodSync(`${root}/a.scope/memory.max`, 0);
    expect(look(root)).toMatchObject({
      unreadable: { 'memory.max': 'permission denied' },
      partial: ['memory.max cannot be read: permission denied'],
      usage: { tasks: 1 },
    });
    chmodSync(`${root}/a.scope`, 0);
    const dark = look(root);
    chmodSync(`${root}/a.scope`, 0o755);
    expect(dark).toMatchObject({
      cgroup: '/a.scope',
      kernel: {},
      unreadable: { 'memory.max': 'permission denied' },
    });
  });

  it('does not stumble over an odd time', () => {
    for (const text of ['x', '-1', '1e300', '99999999999999999999', '']) {
      const seen = look(tree(FILES), { ActiveEnterTimestampMonotonic: text });
      expect(seen).not.toHaveProperty('since');
    }
  });
});

describe('units of other users', () => {
  it('are found in the cgroup tree, by name or with a suffix', () => {
    const own = 'user.slice/user-1.slice/user@1.service/app.slice/a.scope';
    const theirs = 'user.slice/user-2.slice/user@2.service/app.slice/a.scope';
    const root = tree({ [`${own}/x`]: '', [`${theirs}/x`]: '', 'user.slice/b/x': '' });
    const found = findForeign('a', { root, uid: 1 });
    expect(found.map(({ uid, shown: { ControlGroup } }) => [uid, ControlGroup])).toEqual([
      [2, `/${theirs}`],
    ]);
    expect(found.map(foreignRemark)[0]).toContain('user 2');
    expect(findForeign('a.service', { root, uid: 1 })).toEqual([]);
    expect(findForeign('a', { root: '/nowhere', uid: 1 })).toEqual([]);
  });
});
