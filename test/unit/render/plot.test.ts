import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../../src/quantity/index.js';
import { isUtf8Locale, renderPicture } from '../../../src/render/plot.js';
import { resample, scaleFor, sizeRows } from '../../../src/render/scale.js';
import { svgOf } from '../../../src/render/svg.js';
import type { Picture } from '../../../src/tune/index.js';

const wave = Array.from({ length: 90 }, (_, at) => Math.min(1, at / 30) * (1.2 + Math.sin(at / 9)));

const PICTURE: Picture = {
  profile: 'cxx-build',
  run: {
    id: '3k2j1x',
    unit: 'rlimit-cxx-build-3k2j1x.scope',
    started: Date.UTC(2026, 10, 20, 12),
    elapsedMs: 754_000,
    verdict: 'finished',
    limit: 5 * GiB,
    stepMs: 8000,
    memory: wave.map((value) => Math.round(value * 1.5 * GiB)),
    jobs: wave.map((_, at) => Math.min(4, Math.floor(at / 5))),
    tokens: wave.map((_, at) => Math.min(3, Math.floor(at / 8))),
  },
  sizes: {
    histogram: [
      [128 * MiB, 4],
      [304 * MiB, 30],
      [512 * MiB, 37],
      [GiB, 3],
      [2 * GiB, 1],
    ],
    jobs: 75,
    runs: 5,
    high: GiB * 2 ** 0.25,
  },
};

describe('a picture in the terminal', () => {
  it('with all characters', () => {
    expect(renderPicture(PICTURE, { width: 80, isUtf8: true })).toMatchSnapshot();
  });

  it('with those of ASCII', () => {
    const text = renderPicture(PICTURE, { width: 80, isUtf8: false });
    expect(text).toMatchSnapshot();
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it('with a limit far above: the memory is not pressed flat', () => {
    const run = { ...(PICTURE.run as object), limit: 100 * GiB } as NonNullable<Picture['run']>;
    const lines = renderPicture({ profile: 'x', run }, { width: 60, isUtf8: false }).split('\n');
    expect(lines[1]).toMatch(/^ +100G \+-+ MemoryMax$/);
    expect(lines[2]).toBe('       :');
    expect(lines[3]).toMatch(/^ {2}3\.3G \+.*\.|#/);
  });

  it('whatever was recorded, it fits', () => {
    const series = fc.array(fc.double({ min: 0, max: 1e15, noNaN: true }), { minLength: 1 });
    const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 50 }), fc.nat(1e6)));
    fc.assert(
      fc.property(
        series,
        pairs,
        fc.boolean(),
        fc.integer({ min: 60, max: 100 }),
        (memory, histogram, isUtf8, width) => {
          const run = { ...(PICTURE.run as NonNullable<Picture['run']>), memory, tokens: memory };
          const sizes = { histogram, jobs: 1, runs: 1, high: GiB };
          const text = renderPicture({ profile: 'x', run, sizes }, { width, isUtf8 });
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
          expect(svgOf({ profile: 'x', run, sizes })).not.toMatch(/NaN|Infinity|undefined/);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('scales', () => {
  it('what shares a column is as high as the highest of it', () => {
    expect(resample([1, 5, 2, 3], 2)).toEqual([5, 3]);
    expect(resample([1, 5], 4)).toEqual([1, 1, 5, 5]);
    expect(resample([], 4)).toEqual([]);
  });

  it('no job is lost, however few rows there are', () => {
    const sizes = PICTURE.sizes as NonNullable<Picture['sizes']>;
    for (const most of [1, 3, 12, 100]) {
      const rows = sizeRows(sizes, most);
      expect(rows.length).toBeLessThanOrEqual(Math.max(2, most));
      expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(75);
    }
  });

  it('a limit is inside as long as there is something to see below it', () => {
    expect(scaleFor(2, 5)).toEqual({ top: 5, isLimitInside: true });
    expect(scaleFor(2, 9)).toEqual({ top: 2, isLimitInside: false });
    expect(scaleFor(0)).toEqual({ top: 1, isLimitInside: false });
  });
});

it.each([
  [{ LC_ALL: 'C', LANG: 'en_GB.UTF-8' }, false],
  [{ LC_ALL: '', LC_CTYPE: 'de_DE.utf8' }, true],
  [{ LANG: 'C.UTF-8' }, true],
  [{}, false],
])('%j: UTF-8 is %s', (env, expected) => {
  expect(isUtf8Locale(env)).toBe(expected);
});

describe('the SVG', () => {
  const PARSERS = [
    ['xmllint', '--noout', '-'],
    ['python3', '-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.stdin.buffer)'],
  ];
  const parser = PARSERS.find(([name = '']) => spawnSync(name, ['--version']).status === 0);
  const check = (svg: string) => {
    const [name = '', ...args] = parser ?? [];
    const { status, stderr } = spawnSync(name, args, { input: svg, encoding: 'utf8' });
    return { status, stderr };
  };

  it('is well-formed, whatever names there are', ({ skip }) => {
    skip(parser === undefined, 'needs xmllint or python3');
    expect(check('<svg><b></svg>').status).not.toBe(0);
    const unit = 'a<b>&"\'\u0000\u001b[31m\ud800\ufffe\u202e]]>.scope';
    const run = { ...(PICTURE.run as NonNullable<Picture['run']>), unit, verdict: unit };
    const svg = svgOf({ ...PICTURE, profile: unit, run });
    expect(check(svg)).toEqual({ status: 0, stderr: '' });
    expect(check(svgOf({ profile: 'x' })).status).toBe(0);
  });

  it('stands alone: no script, nothing from elsewhere, for light pages and dark ones', () => {
    const svg = svgOf(PICTURE);
    expect(svg).not.toMatch(/<script|href|url\(|@import|on\w+=/);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toContain('http');
    expect(svg).toContain('prefers-color-scheme:dark');
    for (const text of ['MemoryMax', 'tokens', 'jobs', '12min 34s', '95% take no more than 1.2G']) {
      expect(svg).toContain(text);
    }
  });
});
