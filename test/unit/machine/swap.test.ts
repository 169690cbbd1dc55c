import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSwapMedium } from '../../../src/machine/swap.js';

const HEAD = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const ZRAM = '/dev/zram0                              partition\t4194300\t\t0\t\t100\n';

/** A tree in which what `files` names is there; devices cannot be made, so files stand for swap. */
function tree(files: Record<string, string>): string {
  const root = `${mkdtempSync(join(tmpdir(), 'rlimit-swap-'))}/`;
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** A swap file, on a device of the given kind; its own number is that of the test's directory. */
function swapFile(rotational: string, name = 'swapfile', more = ''): string {
  const line = `/${name.replaceAll(' ', '\\040')}\tfile\t\t4194300\t\t0\t\t-2\n`;
  const root = tree({ 'proc/swaps': `${HEAD}${more}${line}`, [name]: '' });
  const device = statSync(join(root, name), { bigint: true }).dev;
  const number = `${(device >> 8n) & 0xfffn}:${(device & 0xffn) | ((device >> 12n) & 0xfff00n)}`;
  const queue = join(root, 'sys/dev/block', number, 'queue');
  mkdirSync(queue, { recursive: true });
  writeFileSync(join(queue, 'rotational'), rotational);
  return root;
}

describe('readSwapMedium', () => {
  it.each([
    ['a disk', () => swapFile('1\n'), 'rotational'],
    ['flash', () => swapFile('0\n'), 'solid-state'],
    ['a name with a blank', () => swapFile('1\n', 'swap file'), 'rotational'],
    [
      'zram before a disk: the slower one counts',
      () => swapFile('1\n', 'swapfile', ZRAM),
      'rotational',
    ],
    ['zram alone', () => tree({ 'proc/swaps': `${HEAD}${ZRAM}` }), 'zram'],
    ['no swap', () => tree({ 'proc/swaps': HEAD }), undefined],
    ['no file', () => tree({}), undefined],
    ['an empty file', () => tree({ 'proc/swaps': '' }), undefined],
    ['another format', () => tree({ 'proc/swaps': `${HEAD}nothing\n\n  \u0000\n` }), undefined],
    [
      'a file that is gone',
      () => tree({ 'proc/swaps': `${HEAD}/gone\tfile\t\t1\t\t0\t\t-2\n` }),
      undefined,
    ],
    [
      'a file on no block device',
      () => tree({ 'proc/swaps': `${HEAD}/f\tfile\t\t1\t\t0\t\t-2\n`, f: '' }),
      undefined,
    ],
  ])('%s', (_, root, expected) => {
    expect(readSwapMedium(root())).toBe(expected);
  });
});
