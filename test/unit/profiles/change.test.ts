import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProfileFileError, UnavailableError, UsageError } from '../../../src/errors/index.js';
import { createProfile, deleteProfile } from '../../../src/profiles/change.js';
import { editProfile } from '../../../src/profiles/edit.js';
import { parseProfiles } from '../../../src/profiles/file.js';
import { loadProfile } from '../../../src/profiles/index.js';
import { scalar } from '../../../src/profiles/template.js';
import { beOrdinaryUser } from '../ordinary-user.js';
import { sandbox } from './places.js';

describe('create', () => {
  it('writes a file that says what was asked, and can be loaded', async () => {
    const { places } = sandbox();
    const limits = { MemoryMax: '40G', TasksMax: '' };
    const options = { extends: 'coq-standard', summary: 'Mine: "big"', limits };
    const { file, backup } = await createProfile('mine', places, options);
    expect(backup).toBeUndefined();
    const profile = await loadProfile('mine', places);
    expect(profile).toMatchObject({ file, summary: 'Mine: "big"', lineage: ['coq-standard'] });
    expect(profile.limits).toMatchObject({ MemoryMax: '40G', CPUQuota: '75% of cores' });
    expect(profile.limits).not.toHaveProperty('TasksMax');
    expect(readFileSync(file, 'utf8')).toMatchSnapshot();
  });

  it('lays a built-in profile over, and extends default otherwise', async () => {
    const { places } = sandbox();
    await createProfile('coq-single', places);
    expect((await loadProfile('coq-single', places)).lineage[0]).toBe('coq-single');
    await createProfile('mine', places);
    expect((await loadProfile('mine', places)).lineage).toEqual(['default']);
  });

  it('does not overwrite, and keeps every backup when it is forced to', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'summary: first');
    await expect(createProfile('mine', places)).rejects.toThrow(UsageError);
    expect((await createProfile('mine', places, { force: true })).backup).toBe(`${file}.bak`);
    expect((await createProfile('mine', places, { force: true })).backup).toBe(`${file}.bak2`);
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('summary: first');
  });

  it('replaces a file that cannot be used, when it is forced to', async () => {
    const { places, user } = sandbox();
    user('coq-standard', 'limits: [');
    await createProfile('coq-standard', places, { force: true });
    expect((await loadProfile('coq-standard', places)).layer).toBe('user');
  });

  it.each([
    ['a bad name', 'Mine!', {}],
    ['a path', '../mine', {}],
    ['a bad value', 'mine', { limits: { MemoryMax: 'lots' } }],
    ['an unknown property', 'mine', { limits: { MemoryMx: '1G' } }],
    ['an unknown parent', 'mine', { extends: 'nobody' }],
  ])('refuses %s, and writes nothing', async (_, name, options) => {
    const { places, user } = sandbox();
    const directory = dirname(user('other', 'summary: x'));
    await expect(createProfile(name, places, options)).rejects.toThrow(UsageError);
    expect(readdirSync(directory)).toEqual(['other.yaml']);
  });

  it('adds to a project file without losing what is in it', async () => {
    const { places, project } = sandbox();
    const file = project('# ours\nprofiles:\n  a: # first\n    limits: {IOWeight: 7}\n');
    await createProfile('b', places, { project: true, limits: { TasksMax: '9' } });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('# ours');
    expect(text).toContain('# first');
    expect((await loadProfile('a', places)).limits.IOWeight).toBe('7');
    expect((await loadProfile('b', places)).limits.TasksMax).toBe('9');
    await expect(createProfile('b', places, { project: true })).rejects.toThrow(/already/);
  });

  it('makes a project file where there is none', async () => {
    const { places } = sandbox();
    const { file } = await createProfile('b', places, { project: true, limits: { TasksMax: '9' } });
    expect(file).toBe(join(places.cwd, '.rlimit.yaml'));
    expect((await loadProfile('b', places)).layer).toBe('project');
  });

  it('does not touch a project file that cannot be used', async () => {
    const { places, project } = sandbox();
    const file = project('profiles: [');
    await expect(createProfile('b', places, { project: true })).rejects.toThrow(ProfileFileError);
    expect(readFileSync(file, 'utf8')).toBe('profiles: [');
  });
});

describe('a file system that refuses', () => {
  it('a directory that is read-only', async () => {
    const { root, places, user } = sandbox();
    const file = user('mine', 'summary: x');
    chmodSync(dirname(file), 0o500);
    beOrdinaryUser(root);
    await expect(createProfile('mine', places, { force: true })).rejects.toThrow(UnavailableError);
    chmodSync(dirname(file), 0o700);
    expect(readdirSync(dirname(file))).toEqual(['mine.yaml']);
  });

  it('a file where a directory should be', async () => {
    const { places } = sandbox();
    writeFileSync(join(places.cwd, 'config'), '');
    const elsewhere = { ...places, env: { XDG_CONFIG_HOME: join(places.cwd, 'config') } };
    await expect(createProfile('mine', elsewhere)).rejects.toThrow(UnavailableError);
  });

  it('a symbolic link stays one, and the file behind it is replaced', async () => {
    const { places, user } = sandbox();
    const link = user('mine', '').replace('mine', 'linked');
    const target = join(places.cwd, 'dotfile.yaml');
    writeFileSync(target, 'summary: old');
    symlinkSync(target, link);
    await createProfile('linked', places, { force: true, summary: 'new' });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain('summary: new');
  });

  it('a symbolic link that leads nowhere', async () => {
    const { places, user } = sandbox();
    symlinkSync(join(places.cwd, 'gone'), user('mine', '').replace('mine', 'linked'));
    await expect(createProfile('linked', places, { force: true })).rejects.toThrow(/nowhere/);
  });
});

describe('edit', () => {
  it('puts a good text into place', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'limits: {IOWeight: 7}\n');
    const outcome = await editProfile('mine', withEditor(places, 's/7/8/'));
    expect(outcome.written).toEqual({ file, backup: `${file}.bak` });
    expect(readFileSync(file, 'utf8')).toBe('limits: {IOWeight: 8}\n');
  });

  it('keeps a bad one, says where, and can begin with it again', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'limits: {IOWeight: 7}\n');
    const error = await editProfile('mine', withEditor(places, 's/7/lots/')).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(ProfileFileError);
    expect(error.position).toEqual({ line: 1, column: 20 });
    expect(readFileSync(error.file, 'utf8')).toContain('lots');
    expect(error.why).toContain(error.file);
    expect(readFileSync(file, 'utf8')).toContain('7');
    await editProfile('mine', withEditor(places, 's/lots/9/'), { from: error.file });
    expect(readFileSync(file, 'utf8')).toContain('9');
  });

  it('makes a file of the user’s for a built-in profile', async () => {
    const { places } = sandbox();
    await editProfile('coq-standard', withEditor(places, 's/# IOWeight: 50/IOWeight: 60/'));
    const profile = await loadProfile('coq-standard', places);
    expect(profile).toMatchObject({ layer: 'user', limits: { IOWeight: '60', TasksMax: '300' } });
  });

  it('writes nothing when nothing was changed', async () => {
    const { places } = sandbox();
    expect(await editProfile('coq-standard', withEditor(places, ''))).not.toHaveProperty('written');
    expect((await loadProfile('coq-standard', places)).layer).toBe('built-in');
  });

  it('does not replace what somebody else has changed meanwhile', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'limits: {IOWeight: 7}\n');
    const env = { EDITOR: `sed -i s/7/8/ "$1"; echo 'summary: theirs' > ${file}; true` };
    await expect(editProfile('mine', { ...places, env })).rejects.toThrow(/meanwhile/);
    expect(readFileSync(file, 'utf8')).toBe('summary: theirs\n');
  });

  it.each([
    ['false', /exit status 1/],
    ['no-such-editor', /not found/],
  ])('an editor that fails: %s', async (editor, message) => {
    const { places, user } = sandbox();
    user('mine', 'limits: {IOWeight: 7}\n');
    await expect(editProfile('mine', { ...places, env: { EDITOR: editor } })).rejects.toThrow(
      message,
    );
  });

  function withEditor<T extends { env: object }>(places: T, script: string): T {
    return { ...places, env: { VISUAL: `sed -i '${script}'` } };
  }
});

describe('delete', () => {
  it('keeps a copy, and says what shows again', async () => {
    const { places, user } = sandbox();
    const file = user('coq-standard', 'limits: {IOWeight: 7}');
    const deleted = await deleteProfile('coq-standard', places);
    expect(deleted).toEqual({ file, backup: `${file}.bak`, uncovers: 'built-in', orphans: [] });
    expect((await loadProfile('coq-standard', places)).layer).toBe('built-in');
  });

  it('says which profiles were built on it', async () => {
    const { places, user } = sandbox();
    user('base', 'limits: {IOWeight: 7}');
    user('mine', 'extends: base');
    expect((await deleteProfile('base', places)).orphans).toEqual(['mine']);
  });

  it('takes one profile out of a project file', async () => {
    const { places, project } = sandbox();
    const file = project(
      '# ours\nprofiles:\n  a: {limits: {IOWeight: 7}}\n  b: {limits: {IOWeight: 8}}\n',
    );
    await expect(deleteProfile('a', places)).rejects.toThrow(/the project's/);
    await deleteProfile('a', places, { project: true });
    expect(readFileSync(file, 'utf8')).toBe(
      '# ours\nprofiles:\n  b: { limits: { IOWeight: 8 } }\n',
    );
  });

  it.each([
    ['coq-standard', /built in/],
    ['nobody', /there is no profile/],
    ['../x', /cannot be the name/],
  ])('refuses %s', async (name, message) => {
    await expect(deleteProfile(name, sandbox().places)).rejects.toThrow(message);
  });
});

it.each([
  '60% of memory',
  '',
  ' x ',
  'a: b',
  'a #b',
  '- a',
  '"',
  "it's",
  '*x',
  '0-7',
  'true',
  '[a]',
  'a\\b',
  'é',
])('the text %j is written so that it is read back', (text) => {
  const source = `summary: ${scalar(text)}\n`;
  const parsed = parseProfiles({ path: 'x', text: source, project: false }, 'x');
  expect(parsed).toMatchObject({ definitions: [{ body: { summary: text.trim() } }] });
});
