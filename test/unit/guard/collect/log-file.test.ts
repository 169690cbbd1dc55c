import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LogFile, type LogFileOptions } from '../../../../src/guard/collect/log-file.js';

const base = mkdtempSync(join(tmpdir(), 'rlimit-log-'));
afterAll(() => rmSync(base, { recursive: true }));

let folder: string;
let number = 0;
beforeEach(() => {
  number += 1;
  folder = join(base, String(number));
  mkdirSync(folder);
});

function logFile(options: Partial<LogFileOptions> = {}) {
  const troubles: string[] = [];
  const path = join(folder, 'log.csv');
  const clock = { ms: 0 };
  const onTrouble = (words: string) => void troubles.push(words);
  const file = new LogFile({ path, onTrouble, now: () => clock.ms, ...options });
  return { file, path, troubles, clock, text: (at = path) => readFileSync(at, 'utf8') };
}

describe('a log file', () => {
  it('begins with its header, once', () => {
    const first = logFile({ header: 'h\n' });
    first.file.write('1\n');
    first.file.write('2\n');
    first.file.close();
    const second = logFile({ header: 'h\n' });
    second.file.write('3\n');
    expect(second.text()).toBe('h\n1\n2\n3\n');
  });

  it('grows to its size and no further, in a bounded number of files, each with the header', () => {
    const { file, text, path } = logFile({ header: 'h\n', maxBytes: 10, files: 3 });
    for (let line = 100; line < 150; line += 1) file.write(`${line}\n`);
    expect(readdirSync(folder).sort()).toEqual(['log.csv', 'log.csv.1', 'log.csv.2']);
    expect([text(), text(`${path}.1`), text(`${path}.2`)]).toEqual([
      'h\n148\n149\n',
      'h\n146\n147\n',
      'h\n144\n145\n',
    ]);
  });

  it('writes a line that is larger than a file all the same', () => {
    const { file, text } = logFile({ maxBytes: 4, files: 1 });
    file.write('long line\n');
    file.write('x\n');
    expect(text()).toBe('x\n');
    expect(readdirSync(folder)).toEqual(['log.csv']);
  });

  it('is made anew when somebody has moved, removed or truncated it', () => {
    const { file, path, text } = logFile({ header: 'h\n' });
    file.write('1\n');
    renameSync(path, `${path}.old`);
    file.write('2\n');
    expect([text(), text(`${path}.old`)]).toEqual(['h\n2\n', 'h\n1\n']);
    rmSync(path);
    file.write('3\n');
    expect(text()).toBe('h\n3\n');
    truncateSync(path);
    file.reopen();
    file.write('4\n');
    expect(text()).toBe('h\n4\n');
  });

  it('that cannot be opened is told once, tried again later, and told when it works', () => {
    const { file, path, troubles, clock, text } = logFile();
    mkdirSync(path);
    for (let line = 0; line < 5; line += 1) file.write('lost\n');
    expect(troubles).toEqual([`${path} cannot be written: it is a directory; its lines are lost`]);
    rmSync(path, { recursive: true });
    file.write('lost\n');
    expect(existsSync(path)).toBe(false);
    clock.ms += 10_000;
    file.write('kept\n');
    file.write('kept\n');
    expect(text()).toBe('kept\nkept\n');
    expect(troubles.slice(1)).toEqual([`${path} is written again; 6 lines of it are lost`]);
  });

  it('is tried at once when it is told to open anew', () => {
    const { file, path, text } = logFile();
    mkdirSync(path);
    file.write('lost\n');
    rmSync(path, { recursive: true });
    file.reopen();
    file.write('kept\n');
    expect(text()).toBe('kept\n');
  });

  it('is never a device', () => {
    const { file, troubles } = logFile({ path: '/dev/full' });
    file.write('x\n');
    expect(troubles).toEqual([expect.stringMatching(/it is not a regular file/)]);
  });

  it('where no more fits into it keeps whole lines and goes on', async () => {
    const path = join(folder, 'log.csv');
    const script = join(folder, 'write.cjs');
    await build({
      stdin: {
        contents: `import { LogFile } from './src/guard/collect/log-file.js';
          const file = new LogFile({ path: ${JSON.stringify(path)}, onTrouble: console.log });
          for (let line = 0; line < 9; line += 1) file.write('twelve bytes\\n');`,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: script,
    });
    // As on a full disk, the third line fits in parts.
    const said = execFileSync('prlimit', ['--fsize=30', process.execPath, script]).toString();
    expect(readFileSync(path, 'utf8')).toBe('twelve bytes\ntwelve bytes\n');
    expect(said.trim().split('\n')).toEqual([expect.stringMatching(/log.csv cannot be written: /)]);
  });

  it('is for the group to read and for nobody else', () => {
    const { file, path } = logFile();
    file.write('x\n');
    expect(execFileSync('stat', ['-c', '%a', path]).toString().trim()).toMatch(/^6[04]0$/);
  });

  it.each(['link', 'fifo'])('is never a %s, and does not wait for one', (kind) => {
    const { file, path, troubles } = logFile();
    const other = join(folder, 'other');
    if (kind === 'link') symlinkSync(other, path);
    else execFileSync('mkfifo', [path]);
    file.write('x\n');
    expect(troubles).toHaveLength(1);
    expect(existsSync(other)).toBe(false);
    chmodSync(folder, 0o755);
  });
});
