import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { freeze, isPopulated, killAtOnce, waitUntilEmpty } from '../../../src/cgroup/index.js';
import { tree } from './tree.js';

const POPULATED = 'populated 1\nfrozen 0\n';
const EMPTY = 'populated 0\nfrozen 0\n';

describe('isPopulated', () => {
  it('is told by cgroup.events; a cgroup that is gone is empty', () => {
    expect(isPopulated('/a', tree({ 'a/cgroup.events': POPULATED }))).toBe(true);
    expect(isPopulated('/a', tree({ 'a/cgroup.events': EMPTY }))).toBe(false);
    expect(isPopulated('/a', tree({}))).toBe(false);
  });
});

describe('waitUntilEmpty', () => {
  it('waits for the last process', async () => {
    const root = tree({ 'a/cgroup.events': POPULATED });
    setTimeout(() => writeFileSync(`${root}/a/cgroup.events`, EMPTY), 30);
    expect(await waitUntilEmpty('/a', { timeoutMs: 5000, root })).toBe(true);
  });

  it('takes the removal of the cgroup for its end', async () => {
    const root = tree({ 'a/cgroup.events': POPULATED });
    setTimeout(() => rmSync(`${root}/a`, { recursive: true }), 30);
    expect(await waitUntilEmpty('/a', { timeoutMs: 5000, root })).toBe(true);
  });

  it('gives up after the timeout', async () => {
    const root = tree({ 'a/cgroup.events': POPULATED });
    expect(await waitUntilEmpty('/a', { timeoutMs: 20, root })).toBe(false);
  });
});

describe('controls', () => {
  it('write to the file that is there', () => {
    const root = tree({ 'a/cgroup.kill': '', 'a/cgroup.freeze': '0\n' });
    expect(killAtOnce('/a', root)).toBe(true);
    expect(freeze('/a', true, root)).toBe(true);
    expect(readFileSync(`${root}/a/cgroup.kill`, 'utf8')).toBe('1');
    expect(readFileSync(`${root}/a/cgroup.freeze`, 'utf8')).toMatch(/^1/);
  });

  it('say so where there is none, and make none', () => {
    const root = tree({ 'a/cgroup.events': EMPTY });
    expect(killAtOnce('/a', root)).toBe(false);
    expect(killAtOnce('/a', root)).toBe(false);
    expect(killAtOnce('/gone', root)).toBe(false);
  });
});
