import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { undoEffects } from '../../../src/apply/effects.js';
import { NO_EFFECTS } from '../../../src/apply/journal.js';
import type { System } from '../../../src/apply/system.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rlimit-effects-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Notes what is asked; stopping what `refuses` names fails. */
function systemThat(refuses: string): { system: System; asked: string[] } {
  const asked: string[] = [];
  const system: System = {
    run: async (argv) => {
      asked.push(argv.slice(3).join(' '));
      const isRefused = argv.includes('stop') && argv.includes(refuses);
      return { status: isRefused ? 1 : 0, out: 'LoadState=loaded\n', err: isRefused ? 'no' : '' };
    },
  };
  return { system, asked };
}

const swap = () => {
  const path = join(folder, 'swap');
  writeFileSync(path, 'whole');
  writeFileSync(`${path}.new`, 'half');
  return { path, effects: { ...NO_EFFECTS, started: ['x.swap'], made: [path] } };
};

it('stops what makes a file before the file goes, and half of one goes as well', async () => {
  const { path, effects } = swap();
  const { system, asked } = systemThat('');
  expect(await undoEffects(effects, system)).toEqual([]);
  expect([existsSync(path), existsSync(`${path}.new`)]).toEqual([false, false]);
  expect(asked.filter((line) => line.startsWith('stop'))).toEqual([
    'stop -- x.swap',
    expect.stringMatching(/^stop -- rlimit-swapfile-.*-swap\.service$/),
  ]);
});

it('leaves a file that is in use', async () => {
  const { path, effects } = swap();
  const { system } = systemThat('x.swap');
  expect(await undoEffects(effects, system)).toEqual([
    'systemctl --system --no-pager stop -- x.swap: no',
  ]);
  expect(existsSync(path)).toBe(true);
});
