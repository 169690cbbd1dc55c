import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../src/watch/sample.js';
import { canStall, StallWatch, stallIn } from '../../../src/watch/stall.js';
import { recorded } from './recorded.js';

const GiB = 1024 ** 3;

/** Every nth sample, from the first one of which it was stuck on or before. */
const every = (samples: Sample[], step: number, from = 0) =>
  samples.filter((_, index) => index >= from && (index - from) % step === 0);

/** Time of the first sample at which a watch says so. */
function noticedMs(samples: Sample[]): number | undefined {
  const watch = new StallWatch();
  return samples.find((sample) => watch.add(sample) !== undefined)?.atMs;
}

/** Seen in the recording: memory.high is reached between the third and the fourth sample. */
const BEGAN_MS = 2017;

describe('a livelock, as recorded', () => {
  it.each([1, 2, 3])('is noticed within 15 s by samples %i s apart', (step) => {
    for (let from = 0; from < step; from += 1) {
      const noticed = noticedMs(every(recorded('livelock'), step, from));
      expect(noticed).toBeGreaterThan(BEGAN_MS + 5000);
      expect(noticed).toBeLessThan(BEGAN_MS + 15_000);
    }
  });

  it('says since when, how much of the time, and between what', () => {
    const stall = stallIn(recorded('livelock').slice(0, 12));
    expect(stall).toMatchObject({ high: 40 * 1024 ** 2, max: 200 * 1024 ** 2 });
    expect(stall?.sinceMs).toBeLessThan(BEGAN_MS + 1100);
    expect(stall?.part).toBeGreaterThan(0.6);
    expect(stall?.part).toBeLessThanOrEqual(1);
  });

  it('keeps its beginning while it goes on', () => {
    const watch = new StallWatch();
    const stalls = recorded('livelock').flatMap((sample) => watch.add(sample) ?? []);
    expect(stalls.length).toBeGreaterThan(8);
    expect(new Set(stalls.map(({ sinceMs }) => sinceMs)).size).toBe(1);
  });

  it('is one where swap is full, and where one of two processes works on', () => {
    expect(noticedMs(recorded('swap-full'))).toBeLessThan(15_000);
    expect(noticedMs(recorded('one-works-on'))).toBeLessThan(15_000);
  });

  it('is noticed without pressure figures, by its idleness', () => {
    const blind = recorded('livelock').map((sample) => ({ ...sample, pressure: {} }));
    expect(noticedMs(blind)).toBeLessThan(BEGAN_MS + 15_000);
    // One that spins keeps a core busy: without pressure nothing can be told of it.
    const spinning = recorded('one-works-on').map((sample) => ({ ...sample, pressure: {} }));
    expect(noticedMs(spinning)).toBeUndefined();
  });

  it('is over as soon as something moves', () => {
    const stuck = recorded('livelock').slice(0, 14);
    const last = stuck.at(-1) as Sample;
    const next = (change: Partial<Sample>) => stallIn([...stuck, { ...last, ...change }]);
    expect(next({})).toBeDefined();
    expect(next({ events: { ...last.events, oomKill: 1 } })).toBeUndefined();
    expect(next({ events: { ...last.events, max: 1 } })).toBeUndefined();
    expect(next({ limits: { ...last.limits, memoryHigh: 'infinity' } })).toBeUndefined();
    expect(next({ usage: { ...last.usage, memoryCurrent: 30 * 1024 ** 2 } })).toBeUndefined();
    expect(next({ swapRoom: GiB })).toBeUndefined();
    expect(next({ pageCache: 10 * 1024 ** 2 })).toBeUndefined();
  });

  it('begins anew after a reset', () => {
    const watch = new StallWatch();
    const samples = recorded('livelock');
    for (const sample of samples.slice(0, 12)) watch.add(sample);
    watch.reset();
    expect(watch.add(samples[12] as Sample)).toBeUndefined();
    expect(samples.slice(13).map((each) => watch.add(each) !== undefined)).toContain(true);
  });
});

describe('no false alarm', () => {
  it.each([
    ['a build that reads and writes more files than fit', 'page-cache', 0],
    ['one that thrashes in mapped files', 'thrashing', 0],
    ['a program that swaps and makes progress', 'swapping', GiB],
  ])('%s', (_, name, freeSwap) => {
    for (const step of [1, 2, 3])
      expect(noticedMs(every(recorded(name, freeSwap), step))).toBe(undefined);
  });

  it('for a single sample, or for two that are near', () => {
    const samples = recorded('livelock');
    expect(stallIn([])).toBeUndefined();
    expect(stallIn(samples.slice(10, 11))).toBeUndefined();
    expect(stallIn(samples.slice(10, 14))).toBeUndefined();
  });

  it('for an idle process that holds more than memory.high', () => {
    const idle = recorded('livelock').map((sample) => ({ ...sample, events: { high: 7 } }));
    expect(noticedMs(idle)).toBeUndefined();
  });
});

describe('canStall', () => {
  const [sample] = recorded('livelock') as [Sample];
  const limits = (change: Partial<Sample['limits']>) => ({
    ...sample,
    limits: { ...sample.limits, ...change },
  });
  it('only between memory.high and memory.max, and without swap', () => {
    expect(canStall(sample)).toBe(true);
    expect(canStall(limits({ memoryMax: 'infinity' }))).toBe(true);
    expect(canStall(limits({ memoryHigh: 'infinity' }))).toBe(false);
    expect(canStall(limits({ memoryMax: 40 * 1024 ** 2 }))).toBe(false);
    expect(canStall({ ...sample, swapRoom: GiB })).toBe(false);
    expect(canStall({ ...sample, swapRoom: 'infinity' })).toBe(false);
  });
});
