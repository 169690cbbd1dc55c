import { describe, expect, it } from 'vitest';
import {
  type CgroupSight,
  choosePlace,
  type PlaceFacts,
  readPlaceFacts,
} from '../../../../src/run/launchers/place.js';
import { tree } from '../../cgroup/tree.js';

const ALL = ['cpuset', 'cpu', 'io', 'memory', 'pids'];
const NOT_YOURS: CgroupSight = {
  controllers: ALL,
  writable: false,
  reachable: false,
  inside: 'others',
};
const yours = (inside: CgroupSight['inside'] = 'none'): CgroupSight => ({
  controllers: ALL,
  writable: true,
  reachable: true,
  inside,
});

function facts(
  own: string | undefined,
  sights: Record<string, CgroupSight>,
  more: Partial<PlaceFacts> = {},
): PlaceFacts {
  return {
    uid: 1000,
    wholeTree: true,
    look: (cgroup) => sights[cgroup] ?? NOT_YOURS,
    ...(own === undefined ? {} : { own }),
    ...more,
  };
}

const place = (...args: Parameters<typeof facts>) => choosePlace(facts(...args));

describe('choosePlace', () => {
  it('has no place without a tree, or outside of it', () => {
    expect(place(undefined, {})).toMatchObject({ message: 'there is no cgroup v2 tree' });
    expect(place('/../other', {})).toHaveProperty('why');
  });

  it('gives root a place of its own at the top of the tree', () => {
    expect(place('/user.slice/session-1.scope', { '/': yours() }, { uid: 0 })).toEqual({
      base: '/rlimit',
      makeRoom: false,
      ours: true,
    });
  });

  it('does not take the top of what a container was given for the top of the tree', () => {
    const container = { uid: 0, wholeTree: false };
    expect(place('/', { '/': yours('others') }, container)).toMatchObject({
      why: expect.stringContaining('Other processes than rlimit sit in /.'),
    });
    expect(place('/', { '/': yours('self') }, container)).toMatchObject({ base: '/' });
    // Docker's usual tree can only be read.
    expect(place('/', {}, container)).toMatchObject({ message: 'no cgroup can be made here' });
  });

  it('takes the cgroup in which rlimit is alone, and makes room', () => {
    const own = '/user.slice/user@1000.service/app.slice/run-1.scope';
    expect(place(own, { [own]: yours('self') })).toEqual({
      base: own,
      makeRoom: true,
      ours: false,
    });
    expect(place(own, { [own]: yours('others') })).toHaveProperty('why');
  });

  it('takes the cgroup above where the own one is a part of what was delegated', () => {
    const unit = '/user.slice/user@1000.service/app.slice/run-1.scope';
    const sights = { [unit]: yours(), [`${unit}/shell`]: yours('others') };
    expect(place(`${unit}/shell`, sights)).toMatchObject({ base: unit, makeRoom: false });
    expect(place('/init', { '/': yours(), '/init': yours('others') })).toMatchObject({ base: '/' });
  });

  it('makes nothing beside a unit of systemd: what is above it is systemd’s', () => {
    const slice = '/user.slice/user@1000.service/app.slice';
    const sights = { [slice]: yours(), [`${slice}/x.scope`]: yours('others') };
    expect(place(`${slice}/x.scope`, sights)).toMatchObject({
      remedy: expect.stringContaining('Delegate=yes'),
    });
  });

  it('stays inside the run that is around', () => {
    const run = '/rlimit/rlimit-default-1';
    expect(place(`${run}/main`, { '/': yours(), [run]: yours() }, { uid: 0 })).toEqual({
      base: run,
      around: run,
      makeRoom: false,
      ours: false,
    });
    expect(place(`${run}/main`, { '/': yours() }, { uid: 0 })).toHaveProperty('why');
    // Also where another subtree was named, and under a scope of systemd.
    const asked = { uid: 0, asked: '/mine' };
    expect(place(`${run}/main`, { [run]: yours(), '/mine': yours() }, asked)).toMatchObject({
      base: run,
    });
    const scope = '/user.slice/rlimit-a-1.scope';
    const within = { uid: 0, within: 'rlimit-a-1.scope' };
    expect(place(scope, { '/': yours(), [scope]: yours('others') }, within)).toHaveProperty('why');
    expect(place(scope, { '/mine': yours() }, { ...within, asked: '/mine' })).toMatchObject({
      message: expect.stringContaining('outside of the run'),
    });
  });

  it.each([
    ['is not there', { writable: false, reachable: false, inside: 'none' as const }, 'no such'],
    ['is not delegated', NOT_YOURS, 'not delegated'],
    ['has processes', yours('others'), 'Processes sit in it'],
    ['cannot be reached', { ...yours(), reachable: false }, 'outside of it'],
  ])('says why a place that was named %s', (_, sight, why) => {
    expect(place('/x', { '/mine': sight }, { asked: '/mine' })).toMatchObject({
      why: expect.stringContaining(why),
    });
  });

  it('takes the place that was named', () => {
    expect(place('/x', { '/mine': yours() }, { asked: '/mine' })).toMatchObject({ base: '/mine' });
  });
});

describe('readPlaceFacts', () => {
  const files = {
    'cgroup/cgroup.controllers': 'cpu memory\n',
    'cgroup/a/cgroup.controllers': 'memory\n',
    'cgroup/a/cgroup.procs': `${process.pid}\n`,
    'cgroup/a/cgroup.subtree_control': '',
    'cgroup/a/b/cgroup.controllers': '\n',
    'cgroup/a/b/cgroup.procs': '0\n',
    'proc/self/cgroup': '0::/a\n',
  };

  it('looks at the tree', () => {
    const root = tree(files);
    const { look, ...rest } = readPlaceFacts({
      env: { RLIMIT_CGROUP: `${root}/cgroup/a/b/`, RLIMIT_UNIT: 'u.scope' },
      uid: 7,
      root: `${root}/cgroup`,
      proc: `${root}/proc`,
    });
    expect(rest).toEqual({ uid: 7, own: '/a', wholeTree: true, asked: '/a/b', within: 'u.scope' });
    expect(look('/a')).toMatchObject({ controllers: ['memory'], writable: true, inside: 'self' });
    // A 0 is a process of another PID namespace; and there is no cgroup.subtree_control.
    expect(look('/a/b')).toMatchObject({ controllers: [], writable: false, inside: 'others' });
    expect(look('/nowhere')).toMatchObject({ writable: false, inside: 'none' });
  });

  it('knows a tree that is only a part, and one that is none', () => {
    const root = tree({ ...files, 'cgroup/cgroup.events': 'populated 1\n' });
    const options = { env: {}, root: `${root}/cgroup`, proc: `${root}/proc` };
    expect(readPlaceFacts(options).wholeTree).toBe(false);
    const none = readPlaceFacts({ ...options, root: `${root}/proc` });
    expect(none.own).toBeUndefined();
  });
});
