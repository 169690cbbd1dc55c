import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  enableControllers,
  isEnding,
  isWritable,
  makeCgroup,
  removeCgroup,
  writeCgroupFile,
} from '../../../src/cgroup/index.js';
import { beOrdinaryUser } from '../ordinary-user.js';
import { tree } from './tree.js';

describe('making cgroups', () => {
  it('makes those above as well, and removes those below', () => {
    const root = tree({});
    makeCgroup('/a/b/c', root);
    makeCgroup('/a/b/c', root);
    mkdirSync(`${root}/a/b/d`);
    expect(removeCgroup('/a/b', root)).toBe(true);
    expect(existsSync(`${root}/a`)).toBe(true);
    expect(existsSync(`${root}/a/b`)).toBe(false);
    expect(removeCgroup('/a/b', root)).toBe(true);
  });

  it('leaves one that has others in it, or is not empty', () => {
    const root = tree({ 'a/b/busy': '' });
    expect(removeCgroup('/a', root, { below: false })).toBe(false);
    expect(removeCgroup('/a/b', root)).toBe(false);
  });
});

describe('writeCgroupFile', () => {
  it('writes a file that is there, and makes none', () => {
    const root = tree({ 'a/pids.max': 'max\n', 'cgroup.procs': '' });
    expect(writeCgroupFile('/a', 'pids.max', '50', root)).toBeUndefined();
    expect(readFileSync(`${root}/a/pids.max`, 'utf8')).toMatch(/^50/);
    expect(writeCgroupFile('/a', 'io.max', '1', root)).toBe('ENOENT');
    expect(existsSync(`${root}/a/io.max`)).toBe(false);
    expect(writeCgroupFile('/', 'cgroup.procs', '1', root)).toBeUndefined();
  });
});

describe('enableControllers', () => {
  it('asks for those that are missing, each by itself', () => {
    const root = tree({ 'a/cgroup.subtree_control': 'memory\n' });
    expect(enableControllers('/a', ['memory', 'pids'], root)).toEqual([]);
    expect(readFileSync(`${root}/a/cgroup.subtree_control`, 'utf8')).toMatch(/^\+pids/);
    expect(enableControllers('/gone', ['memory', 'pids'], root)).toEqual(['memory', 'pids']);
  });
});

describe('isWritable', () => {
  it('goes by all three files', () => {
    const root = tree({
      'a/cgroup.procs': '',
      'a/cgroup.subtree_control': '',
      'b/cgroup.procs': '',
    });
    beOrdinaryUser(root);
    expect(isWritable('/a', undefined, root)).toBe(true);
    expect(isWritable('/b', undefined, root)).toBe(false);
    expect(isWritable('/b', ['cgroup.procs'], root)).toBe(true);
  });
});

describe('isEnding', () => {
  const stat = (flags: number) => `7 (x) R 1 2 3 4 5 ${flags} 0\n`;
  it('is so when all that are left are on their way out', () => {
    const root = tree({
      'c/a/cgroup.procs': '7\n8\n',
      'p/7/stat': stat(0x4),
      'p/8/stat': stat(0x400004),
      'q/7/stat': stat(0x4),
      'q/8/stat': stat(0x400000),
    });
    const ending = (proc: string) => isEnding('/a', { root: `${root}/c`, proc: `${root}/${proc}` });
    expect([ending('p'), ending('q'), ending('nowhere')]).toEqual([true, false, true]);
  });
});
