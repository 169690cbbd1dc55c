import { utimesSync } from 'node:fs';
import { expect, it } from 'vitest';
import { staleSlices } from '../../../src/prove/stale.js';
import { tree } from '../cgroup/tree.js';

it('only slices of experiments that ended long ago, without processes', () => {
  const events = (populated: number) => `populated ${populated}\nfrozen 0\n`;
  const root = tree({
    'app.slice/app-rlimit_prove_old1.slice/cgroup.events': events(0),
    'app.slice/app-rlimit_prove_busy2.slice/cgroup.events': events(1),
    'app.slice/app-rlimit_prove_new3.slice/cgroup.events': events(0),
    'app.slice/app-rlimit.slice/cgroup.events': events(0),
  });
  const hourAgo = Date.now() / 1000 - 3600;
  for (const name of ['_prove_old1', '_prove_busy2', '']) {
    utimesSync(`${root}/app.slice/app-rlimit${name}.slice`, hourAgo, hourAgo);
  }
  expect(staleSlices('/app.slice', { root })).toEqual(['app-rlimit_prove_old1.slice']);
  expect(staleSlices('/nowhere', { root })).toEqual([]);
});
