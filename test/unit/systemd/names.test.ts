import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRunId, sliceWithin } from '../../../src/systemd/names.js';

describe('newRunId', () => {
  it('differs for any two processes that run at the same time', () => {
    const pid = fc.integer({ min: 1, max: 4_194_304 });
    const time = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 });
    fc.assert(
      fc.property(time, pid, pid, (now, first, second) => {
        fc.pre(first !== second);
        expect(newRunId(now, first)).not.toBe(newRunId(now, second));
      }),
    );
  });
});

describe('sliceWithin', () => {
  it('nests slices by their names', () => {
    expect(sliceWithin('app-rlimit.slice', 'id')).toBe('app-rlimit-id.slice');
    expect(sliceWithin('-.slice', 'id')).toBe('id.slice');
  });
});
