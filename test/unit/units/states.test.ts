import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
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
import { blobOf, isSame, look, put, type State } from '../../../src/units/index.js';

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-states-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return { directory, file: join(directory, 'f.conf') };
}

const fileWith = (content: string, mode = 0o644): State => ({
  kind: 'file',
  blob: blobOf(content),
  mode,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
});
const write = (file: string, content: string, state = fileWith(content)) =>
  put(file, state, Buffer.from(content), () => {});

/** Python knows extended attributes, and Node does not. */
const attribute = (program: string, ...args: string[]) =>
  execFileSync('python3', ['-c', `import os, sys\n${program}`, ...args], { encoding: 'utf8' });

/** tmpfs has some since Linux 6.6 only. */
function hasAttributes(): boolean {
  const program = 'import os, sys; os.setxattr(sys.argv[1], "user.probe", b"")';
  const folder = mkdtempSync(join(tmpdir(), 'rlimit-states-'));
  try {
    return spawnSync('python3', ['-c', program, folder]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a state that is put back', () => {
  it('has content, mode and the time of the last change', () => {
    const { file, directory } = place();
    writeFileSync(file, 'mine');
    chmodSync(file, 0o600);
    utimesSync(file, 1_700_000_000, 1_600_000_000.25);
    const { state, content } = look(file);
    const start = Date.now();
    write(file, 'ours');
    expect(statSync(file).mtimeMs).toBeGreaterThanOrEqual(start - 1);
    expect(isSame(state, look(file).state)).toBe(false);
    put(file, state, content, () => {});
    expect(look(file).state).toEqual(state);
    expect(statSync(file).mtimeMs).toBe(1_600_000_000_250);
    expect(readdirSync(directory)).toEqual(['f.conf']);
  });

  it('is the same whenever it was written', () => {
    const { file } = place();
    write(file, 'x');
    const { state } = look(file);
    utimesSync(file, 1, 1);
    expect(isSame(state, look(file).state)).toBe(true);
  });

  it.skipIf(!hasAttributes())('keeps attributes of the file through both ways', () => {
    const { file } = place();
    writeFileSync(file, 'mine');
    attribute('os.setxattr(sys.argv[1], "user.note", b"kept")', file);
    const { state, content } = look(file);
    write(file, 'ours, and longer');
    expect(readFileSync(file, 'utf8')).toBe('ours, and longer');
    put(file, state, content, () => {});
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(attribute('print(os.getxattr(sys.argv[1], "user.note").decode())', file)).toBe('kept\n');
  });

  it('is not written where its content is damaged, nor read where it is no file', () => {
    const { file, directory } = place();
    expect(() => put(file, fileWith('a'), Buffer.from('b'), () => {})).toThrow(/damaged/);
    expect(readdirSync(directory)).toEqual([]);
    expect(() => look(directory)).toThrow(/not a regular file/);
    symlinkSync('/nowhere', file);
    expect(look(file).state).toEqual({ kind: 'link', target: '/nowhere' });
  });
});
