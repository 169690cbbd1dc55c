import chalk from 'chalk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { textWidth } from '../../../src/render/style.js';

const { level } = chalk;

afterEach(() => {
  chalk.level = level;
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** How a problem is marked where chalk has found colours to be welcome. */
async function problem(noColour: string): Promise<string> {
  vi.stubEnv('NO_COLOR', noColour);
  chalk.level = 1;
  vi.resetModules();
  const { style } = await import('../../../src/render/style.js');
  return style.problem('x');
}

describe('colour', () => {
  it('is left out where NO_COLOR says so', async () => {
    expect(await problem('')).toBe('\u001b[31mx\u001b[39m');
    expect(await problem('1')).toBe('x');
  });
});

it.each([
  [{}, 80],
  [{ columns: 0 }, 80],
  [{ columns: 60 }, 60],
  [{ columns: 300 }, 100],
])('text in %j is %d columns wide', (stream, width) => {
  expect(textWidth(stream)).toBe(width);
});
