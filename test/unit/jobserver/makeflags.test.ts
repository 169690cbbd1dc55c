import { describe, expect, it } from 'vitest';
import {
  composeMakeflags,
  hasJobserver,
  jobserverEnvironment,
} from '../../../src/jobserver/index.js';

const pipe = { read: 5, write: 6 };

describe('MAKEFLAGS', () => {
  it.each([
    ['', '-j8 --jobserver-auth=5,6'],
    ['k', 'k -j8 --jobserver-auth=5,6'],
    ['-k', '-k -j8 --jobserver-auth=5,6'],
    ['  -k  --no-print-directory ', '-k --no-print-directory -j8 --jobserver-auth=5,6'],
    ['w -- CC=clang', 'w -j8 --jobserver-auth=5,6 -- CC=clang'],
    ['-- CC=clang CFLAGS=-O2\\ -g', '-j8 --jobserver-auth=5,6 -- CC=clang CFLAGS=-O2\\ -g'],
    ['CC=clang', 'CC=clang -j8 --jobserver-auth=5,6'],
    ['-j4', '-j8 --jobserver-auth=5,6'],
    ['-j 4 -k', '-k -j8 --jobserver-auth=5,6'],
    ['-kj4 -s', '-k -s -j8 --jobserver-auth=5,6'],
    ['kj', 'k -j8 --jobserver-auth=5,6'],
    ['--jobs=4 --jobs', '-j8 --jobserver-auth=5,6'],
    [' -j4 --jobserver-auth=3,4 -- V=1', '-j8 --jobserver-auth=5,6 -- V=1'],
    ['ks -j --jobserver-fds=3,4 --jobserver-auth=fifo:/x', 'ks -j8 --jobserver-auth=5,6'],
    ['--jobserver-style=pipe', '-j8 --jobserver-auth=5,6'],
    ['-l 2.5 -Iobj/j', '-l 2.5 -Iobj/j -j8 --jobserver-auth=5,6'],
    ['-- NAME=-j4', '-j8 --jobserver-auth=5,6 -- NAME=-j4'],
  ])('%j becomes %j', (theirs, ours) => {
    expect(composeMakeflags(pipe, 8, theirs)).toBe(ours);
  });

  it('names a FIFO by its path', () => {
    const auth = { fifo: '/run/user/1000/rlimit/j-1' };
    expect(composeMakeflags(auth, 3, '')).toBe(
      '-j3 --jobserver-auth=fifo:/run/user/1000/rlimit/j-1',
    );
  });

  it.each(['/tmp/a b', '/tmp/$x', '/tmp/a\\b', "/tmp/'"])('refuses a FIFO at %s', (fifo) => {
    expect(() => composeMakeflags({ fifo }, 3, '')).toThrow(RangeError);
  });

  it('does not change a second time', () => {
    const once = composeMakeflags(pipe, 8, 'k -- A=1');
    expect(composeMakeflags(pipe, 8, once)).toBe(once);
  });

  it('reaches cargo where CARGO_MAKEFLAGS would hide it', () => {
    expect(jobserverEnvironment(pipe, 8, { MAKEFLAGS: 'k' })).toEqual({
      MAKEFLAGS: 'k -j8 --jobserver-auth=5,6',
    });
    expect(jobserverEnvironment(pipe, 8, { CARGO_MAKEFLAGS: '-j --jobserver-auth=3,4' })).toEqual({
      MAKEFLAGS: '-j8 --jobserver-auth=5,6',
      CARGO_MAKEFLAGS: '-j8 --jobserver-auth=5,6',
    });
  });

  it.each([
    ['-j4 --jobserver-auth=3,4', true],
    ['--jobserver-fds=3,4', true],
    ['k -- X=--jobserver-auth', false],
    ['', false],
  ])('%j has a jobserver: %s', (flags, has) => {
    expect(hasJobserver(flags)).toBe(has);
  });
});
