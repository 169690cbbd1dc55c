import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { originOf, readUnit, removeOwn, writeOwn } from '../../../src/units/index.js';

const AUTHOR = '# Written by us';
const TEXT = `${AUTHOR}; away with it: us\n\n[Service]\nType=oneshot\n`;

function desk() {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-own-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'folder/x.service');
  return {
    file,
    read: () => readFileSync(file, 'utf8'),
    edit: (text: string) => {
      mkdirSync(join(directory, 'folder'), { recursive: true });
      writeFileSync(file, text);
    },
    write: (text = TEXT) => writeOwn(file, text, AUTHOR),
    remove: () => removeOwn(file, AUTHOR),
    names: () => readdirSync(join(directory, 'folder')).sort(),
  };
}

describe('a unit file of ours', () => {
  it('is written once, for all to read, and taken away again', () => {
    const { file, write, remove, names } = desk();
    expect(write()).toEqual({ file, done: 'written' });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(write()).toEqual({ file, done: 'unchanged' });
    expect(write(`${TEXT}Nice=1\n`)).toEqual({ file, done: 'replaced' });
    expect(remove()).toEqual({ file, done: 'removed' });
    expect(remove()).toBeUndefined();
    expect(names()).toEqual([]);
  });

  it('gives way to the very file that was there before, through changes of ours', () => {
    const { file, write, remove, names, edit, read } = desk();
    edit('[Service]\n# mine\n');
    chmodSync(file, 0o600);
    utimesSync(file, 1_000_000, 1_000_000);
    const was = statSync(file, { bigint: true });
    const backup = `${file}.before-rlimit`;
    expect(write()).toEqual({ file, done: 'replaced', backup });
    expect(write(`${TEXT}Nice=1\n`)).toEqual({ file, done: 'replaced' });
    expect(originOf(read(), AUTHOR)).toEqual({ origin: 'ours', former: backup });
    expect(remove()).toEqual({ file, done: 'restored' });
    const { ino, mode, mtimeNs } = statSync(file, { bigint: true });
    expect({ ino, mode, mtimeNs }).toEqual({ ino: was.ino, mode: was.mode, mtimeNs: was.mtimeNs });
    expect(read()).toBe('[Service]\n# mine\n');
    expect(names()).toEqual(['x.service']);
  });

  it('that somebody edited is kept, when it is replaced and when it is taken away', () => {
    const { file, write, remove, edit, read, names } = desk();
    write();
    edit(`${read()}Nice=-5\n`);
    expect(write()).toEqual({ file, done: 'replaced', backup: `${file}.bak` });
    edit(read().replace('oneshot', 'exec'));
    expect(originOf(read(), AUTHOR)).toEqual({ origin: 'edited' });
    expect(remove()).toEqual({ file, done: 'removed', backup: `${file}.bak2` });
    expect(names()).toEqual(['x.service.bak', 'x.service.bak2']);
  });

  it('does not bring back what its header only claims', () => {
    const { file, write, remove, edit, read } = desk();
    write();
    edit(read().replace('\n', '\n# In place of: /etc/passwd\n'));
    expect(remove()).toMatchObject({ file, done: 'removed' });
    expect(readUnit('/etc/passwd')).toBeDefined();
  });
});

describe('a unit file of somebody else', () => {
  it('is left', () => {
    const { file, remove, edit, read } = desk();
    edit('[Service]\n');
    expect(remove()).toEqual({ file, done: 'left' });
    expect(read()).toBe('[Service]\n');
  });

  it('is not replaced where it is a link: a masked unit stays masked', () => {
    const { file, write, edit, names } = desk();
    edit('');
    rmSync(file);
    symlinkSync('/dev/null', file);
    expect(() => write()).toThrow(/is a symbolic link to \/dev\/null/);
    expect(names()).toEqual(['x.service']);
  });

  it('cannot be read where it is a folder', () => {
    expect(() => readUnit(tmpdir())).toThrow(/cannot be read: it is a directory/);
  });
});
