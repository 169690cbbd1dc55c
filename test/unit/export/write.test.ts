import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeExport } from '../../../src/export/index.js';
import { write } from './subjects.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rlimit-export-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('replaces its own file and keeps the former one, and leaves the same one alone', async () => {
  const path = join(directory, 'f');
  const { text } = await write('slurm', 'coq-standard');
  const other = (await write('slurm', 'coq-single')).text;
  expect(writeExport(path, text, { force: false })).toEqual({ file: path });
  expect(writeExport(path, text, { force: false })).toEqual({ file: path, unchanged: true });
  const { backup = '' } = writeExport(path, other, { force: false });
  expect(readFileSync(path, 'utf8')).toBe(other);
  expect(readFileSync(backup, 'utf8')).toBe(text);
});

it('does not replace a file of somebody else’s, unless forced', async () => {
  const path = join(directory, 'f');
  writeFileSync(path, 'mine\n');
  const { text } = await write('systemd', 'ollama');
  expect(() => writeExport(path, text, { force: false })).toThrow('not by rlimit export');
  expect(readFileSync(path, 'utf8')).toBe('mine\n');
  const { backup = '' } = writeExport(path, text, { force: true });
  expect(readFileSync(backup, 'utf8')).toBe('mine\n');
});

it('says why it cannot write', async () => {
  writeFileSync(join(directory, 'f'), '');
  expect(() => writeExport(directory, 'x', { force: true })).toThrow('cannot be read');
  expect(() => writeExport(join(directory, 'f/x'), 'x', { force: true })).toThrow('cannot be');
});
