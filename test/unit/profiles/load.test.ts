import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProfileFileError, UnknownNameError } from '../../../src/errors/index.js';
import {
  JOBS,
  listProfileNames,
  listProfiles,
  loadProfile,
  resolve,
  viewProfile,
} from '../../../src/profiles/index.js';
import { beOrdinaryUser } from '../ordinary-user.js';
import { nowhere, reference, sandbox } from './places.js';

describe('layers', () => {
  it('the user’s file is laid over the built-in profile, key by key', async () => {
    const { places, user } = sandbox();
    const file = user(
      'coq-standard',
      'limits:\n  IOWeight: 20\njobs:\n  pick: high\n  on-danger: kill\n',
    );
    const profile = await loadProfile('coq-standard', places);
    expect(profile).toMatchObject({ layer: 'user', file, lineage: ['coq-standard'] });
    expect(profile.limits).toMatchObject({ MemoryMax: '60% of memory', IOWeight: '20' });
    expect(profile.jobs).toMatchObject({
      pick: 'high',
      memory: { low: 10 * 1024 ** 3 },
      onDanger: 'kill',
    });
    expect(profile.origins).toMatchObject({
      'limits.IOWeight': { layer: 'user', profile: 'coq-standard', file, line: 2 },
      'limits.MemoryMax': { layer: 'built-in', profile: 'coq-standard' },
      'jobs.pick': { layer: 'user', line: 4 },
      'jobs.on-danger': { layer: 'user', line: 5 },
    });
  });

  it('the project’s file is laid over both', async () => {
    const { places, user, project } = sandbox();
    user('coq-standard', 'limits:\n  IOWeight: 20\n  TasksMax: 99\n');
    const file = project('profiles:\n  coq-standard:\n    limits:\n      IOWeight: 30\n');
    const profile = await loadProfile('coq-standard', places);
    expect(profile.limits).toMatchObject({
      IOWeight: '30',
      TasksMax: '99',
      CPUQuota: '75% of cores',
    });
    expect(profile.origins['limits.IOWeight']).toMatchObject({ layer: 'project', file, line: 4 });
    expect(profile.remarks).toEqual([`${file} sets IOWeight of coq-standard`]);
  });

  it('the project’s file can be left aside', async () => {
    const { places, project } = sandbox();
    project('profiles: {coq-standard: {limits: {IOWeight: 30}}}');
    const profile = await loadProfile('coq-standard', places, { project: false });
    expect(profile.limits.IOWeight).toBe('50');
  });

  it('an empty value takes an inherited one away, and that is not silent', async () => {
    const { places, project } = sandbox();
    const file = project('profiles:\n  agent:\n    limits:\n      MemoryMax:\n');
    const profile = await loadProfile('agent', places);
    expect(profile.limits).not.toHaveProperty('MemoryMax');
    expect(profile.remarks).toEqual([`${file} sets no MemoryMax of agent`]);
  });

  it('extends builds on another profile, and on the layers of that one', async () => {
    const { places, user } = sandbox();
    user('coq-standard', 'limits: {TasksMax: 99}');
    user('mine', 'summary: Mine\nextends: coq-single\nlimits: {IOWeight: 7}\n');
    const profile = await loadProfile('mine', places);
    expect(profile).toMatchObject({
      summary: 'Mine',
      lineage: ['coq-single', 'coq-standard', 'coq-standard'],
    });
    expect(profile.limits).toMatchObject({ CPUQuota: '25% of cores', IOWeight: '7' });
    expect(profile.limits).not.toHaveProperty('TasksMax');
  });

  it('on-stall is inherited, and a project’s say is told', async () => {
    const { places, user, project } = sandbox();
    expect(await loadProfile('default', places)).not.toHaveProperty('onStall');
    const file = user('base', 'extends: default\non-stall: kill\n');
    user('mine', 'extends: base\n');
    const mine = await loadProfile('mine', places);
    expect(mine.onStall).toBe('kill');
    expect(mine.origins['on-stall']).toEqual({
      layer: 'user',
      profile: 'base',
      file,
      line: 2,
      column: 1,
    });
    expect(viewProfile(mine, reference).onStall).toEqual({
      value: 'kill',
      origin: mine.origins['on-stall'],
    });
    const theirs = project('profiles: {mine: {on-stall: raise}}');
    const told = await loadProfile('mine', places);
    expect(told.onStall).toBe('raise');
    expect(told.remarks).toEqual([`${theirs} sets on-stall of mine`]);
  });

  it('extends with a profile’s own name is the layer below', async () => {
    const { places, user, project } = sandbox();
    user('rust-build', 'extends: rust-build\nlimits: {IOWeight: 7}');
    project('profiles: {rust-build: {extends: rust-build, limits: {TasksMax: 5}}}');
    const profile = await loadProfile('rust-build', places);
    expect(profile.limits).toMatchObject({
      IOWeight: '7',
      TasksMax: '5',
      MemoryMax: '60% of memory',
    });
  });

  it('extends with another name leaves the layer below aside', async () => {
    const { places, user } = sandbox();
    user('ollama', 'extends: agent');
    expect((await loadProfile('ollama', places)).limits).not.toHaveProperty('CPUQuota');
  });

  it('finds the nearest project file upward only', async () => {
    const { places, project } = sandbox();
    project('profiles: {far: {limits: {IOWeight: 7}}}');
    expect((await loadProfile('far', places)).layer).toBe('project');
    await expect(loadProfile('far', nowhere)).rejects.toThrow(UnknownNameError);
  });

  it('reads $XDG_CONFIG_HOME when it is absolute', async () => {
    const { places, user } = sandbox();
    user('mine', 'limits: {IOWeight: 7}');
    const config = join(places.home ?? '', '.config');
    const elsewhere = { ...places, home: '/nonexistent' };
    const found = { ...elsewhere, env: { XDG_CONFIG_HOME: config } };
    expect((await loadProfile('mine', found)).layer).toBe('user');
    const relative = { ...elsewhere, env: { XDG_CONFIG_HOME: '.config' } };
    await expect(loadProfile('mine', relative)).rejects.toThrow(UnknownNameError);
  });
});

describe('what cannot be found', () => {
  it.each([
    ['coq-standart', 'coq-standard'],
    ['Coq-Standard', 'coq-standard'],
    ['rust', 'rust-build'],
  ])('%s: did you mean %s?', async (wrong, right) => {
    await expect(loadProfile(wrong, nowhere)).rejects.toMatchObject({
      name: 'Error',
      suggestions: expect.arrayContaining([right]),
    });
  });

  it.each([
    '',
    '../../etc/passwd',
    '/etc/passwd',
    'a/b',
    '..',
    '__proto__',
    'constructor',
    'x.yaml',
    'a\0b',
  ])('the name %j leads nowhere', async (name) => {
    await expect(loadProfile(name, sandbox().places)).rejects.toThrow(UnknownNameError);
  });

  it.each([
    ['a: b, b: a', { a: 'extends: b', b: 'extends: a' }, 'a', /extends goes round: a → b → a/],
    [
      'a built-in one in between',
      { 'coq-standard': 'extends: coq-single' },
      'coq-standard',
      /goes round/,
    ],
    ['itself without a layer below', { a: 'extends: a' }, 'a', /no layer below/],
    [
      'a parent that is not there',
      { a: 'extends: coq-standart' },
      'a',
      /did you mean coq-standard/,
    ],
  ])('extends: %s', async (_, files, name, message) => {
    const { places, user } = sandbox();
    for (const [each, text] of Object.entries(files)) user(each, text as string);
    const error: unknown = await loadProfile(name, places).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProfileFileError);
    expect(String(error)).toMatch(message);
    expect(error).toHaveProperty('position.line', 1);
  });

  it('jobs without memory, and a number of jobs without jobs', async () => {
    const { places, user } = sandbox();
    user('a', 'limits: {}\njobs: {pick: low}');
    user('b', `environment:\n  JOBS: ${JOBS}`);
    await expect(loadProfile('a', places)).rejects.toThrow(/a\.yaml:2:1: jobs needs memory/);
    await expect(loadProfile('b', places)).rejects.toThrow(/b\.yaml:2:3: JOBS uses/);
  });
});

describe('a project file of somebody else', () => {
  it('is not read, and that is said', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give a file to somebody else');
    const { places, project } = sandbox();
    const file = project('profiles: {coq-standard: {limits: {IOWeight: 30}}}');
    chownSync(file, 12345, 12345);
    const profile = await loadProfile('coq-standard', places);
    expect(profile.limits.IOWeight).toBe('50');
    expect(profile.remarks).toEqual([expect.stringContaining('somebody else')]);
  });
});

describe('a project file that means harm', () => {
  it.each([
    ['LD_PRELOAD', './evil.so', /may not set LD_PRELOAD: LD_PRELOAD loads code/],
    ['MAKEFLAGS', '--eval=$(shell ./evil)', /may not set MAKEFLAGS/],
    ['NIX_CONFIG', 'post-build-hook = ./evil', /may not set NIX_CONFIG/],
    ['PATH', '.', /may not set PATH/],
    ['RUSTC_WRAPPER', './evil', /may not set RUSTC_WRAPPER/],
    ['CARGO_BUILD_JOBS', '4; ./evil', /to a number or to \$\{jobs\} only/],
    ['CARGO_BUILD_JOBS', `${JOBS} ${JOBS}`, /only/],
    ['JOBS', '99999999', /only/],
    ['JOBS', '-1', /only/],
  ])('%s=%s', async (name, value, message) => {
    const { places, project } = sandbox();
    project(`profiles:\n  default:\n    environment:\n      ${name}: ${JSON.stringify(value)}\n`);
    await expect(loadProfile('default', places)).rejects.toThrow(message);
    await expect(loadProfile('default', places)).rejects.toThrow(/\.rlimit\.yaml:4:/);
  });

  it('may set counts', async () => {
    const { places, project } = sandbox();
    project(`profiles: {default: {environment: {CARGO_BUILD_JOBS: 7, GOMAXPROCS: "${JOBS}"}}}`);
    const { environment } = resolve(await loadProfile('default', places), reference);
    expect(environment).toEqual({ CARGO_BUILD_JOBS: '7', GOMAXPROCS: '18' });
  });

  it('may not suggest command lines', async () => {
    const { places, project } = sandbox();
    project('profiles: {default: {jobs: {command: ./evil}}}');
    await expect(loadProfile('default', places)).rejects.toThrow(/may not suggest/);
  });

  it.each(['../../evil', '__proto__', 'UPPER', 'a.b'])('may not be called %s', async (name) => {
    const { places, project } = sandbox();
    project(`profiles: {${JSON.stringify(name)}: {limits: {IOWeight: 7}}}`);
    await expect(loadProfile('default', places)).rejects.toThrow(/profile name|no key/);
  });

  it('a symbolic link to a device or a directory is refused', async () => {
    const device = sandbox();
    symlinkSync('/dev/zero', join(device.places.cwd, '.rlimit.yaml'));
    await expect(loadProfile('default', device.places)).rejects.toThrow('not a regular file');
    const directory = sandbox();
    mkdirSync(join(directory.places.cwd, '.rlimit.yaml'));
    await expect(loadProfile('default', directory.places)).rejects.toThrow('is a directory');
  });
});

describe('lists', () => {
  it('every profile once, with its highest layer', async () => {
    const { places, user, project } = sandbox();
    user('mine', 'summary: Mine');
    user('coq-standard', 'summary: Other');
    user('broken', 'limits: [');
    project('profiles: {theirs: {summary: Theirs}, mine: {limits: {IOWeight: 7}}}');
    const { profiles } = await listProfiles(places);
    const byName = new Map(profiles.map((each) => [each.name, each]));
    expect(byName.get('mine')).toMatchObject({ layer: 'project', summary: 'Mine' });
    expect(byName.get('coq-standard')).toMatchObject({ layer: 'user', summary: 'Other' });
    expect(byName.get('theirs')).toMatchObject({ layer: 'project' });
    expect(byName.get('broken')).toMatchObject({ layer: 'user', problem: expect.any(String) });
    expect(profiles.map(({ name }) => name)).toEqual(await listProfileNames(places));
  });

  it('ignore what is no profile in the directory', async () => {
    const { places, user } = sandbox();
    user('mine', 'summary: Mine');
    user('Not A Name', 'summary: x');
    user('mine.yaml.bak', 'summary: x');
    expect(await listProfileNames(places)).toContain('mine');
    expect((await listProfileNames(places)).filter((name) => /not|bak/i.test(name))).toEqual([]);
  });
});

describe('a file that cannot be read', () => {
  it('says why', async () => {
    const { root, places, user } = sandbox();
    const file = user('mine', 'summary: Mine');
    chmodSync(file, 0);
    beOrdinaryUser(root);
    await expect(loadProfile('mine', places)).rejects.toThrow('permission denied');
  });
});
