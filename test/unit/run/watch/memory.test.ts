import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Member } from '../../../../src/cgroup/index.js';
import { MemoryWatch } from '../../../../src/run/watch/memory.js';
import { tree } from '../../cgroup/tree.js';

const PAGE = 4096;
const member = (pid: number, pages: number, state = 'S'): Member => ({
  pid,
  startTicks: pid,
  comm: 'x',
  state,
  ppid: 1,
  threads: 1,
  residentPages: pages,
  ownTicks: 0,
  childTicks: 0,
});
/** KiB of RssAnon, RssShmem, VmSwap. */
const status = (anon: number, shmem = 0, swap = 0) =>
  `Name:\tx\nRssAnon:\t ${anon} kB\nRssFile:\t 999 kB\nRssShmem:\t ${shmem} kB\nVmSwap:\t ${swap} kB\n`;
const rollup = (anon: number, shmem = 0) =>
  `0-1 ---p 0 00:00 0 [rollup]\nRss: 9999 kB\nPss: 9999 kB\nPss_Anon: ${anon} kB\nPss_File: 1 kB\nPss_Shmem: ${shmem} kB\nSwapPss: 0 kB\n`;

describe('MemoryWatch', () => {
  it('does not count mapped files', () => {
    const proc = tree({ '1/status': status(100, 20), '2/status': status(50) });
    const sight = new MemoryWatch({ proc, pageSize: PAGE }).look([member(1, 1000), member(2, 500)]);
    expect(sight.counted).toBe(170 * 1024);
    expect([...sight.own]).toEqual([
      [1, 120 * 1024],
      [2, 50 * 1024],
    ]);
  });

  it('does not count what has ended', () => {
    const proc = tree({ '1/status': status(100) });
    const watch = new MemoryWatch({ proc, pageSize: PAGE, limit: 1 });
    expect(watch.look([member(1, 5, 'Z'), member(2, 0)]).counted).toBe(0);
  });

  it('counts swap where it is told to', () => {
    const proc = tree({ '1/status': status(100, 0, 30) });
    const look = (countSwap: boolean) =>
      new MemoryWatch({ proc, pageSize: PAGE, countSwap }).look([member(1, 1)]).counted;
    expect([look(false), look(true)]).toEqual([100 * 1024, 130 * 1024]);
  });

  it('goes by resident pages where many processes are far from the limit', () => {
    const members = Array.from({ length: 40 }, (_, at) => member(at + 1, 10));
    let now = 10n ** 12n;
    const watch = new MemoryWatch({ proc: tree({}), pageSize: PAGE, limit: 1e9, now: () => now });
    // The first look is a close one, for the figures; and after a second there is another.
    expect(watch.look(members)).toMatchObject({ close: true, counted: 0 });
    now += 10n ** 8n;
    expect(watch.look(members)).toMatchObject({ close: false, counted: 40 * 10 * PAGE });
    now += 10n ** 9n;
    expect(watch.look(members).close).toBe(true);
  });

  it('reads a process again only when its pages have changed, or the limit is near', () => {
    const proc = tree({ '1/status': status(40) });
    const watch = new MemoryWatch({ proc, pageSize: PAGE, limit: 100 * 1024 });
    expect(watch.look([member(1, 10)]).counted).toBe(40 * 1024);
    writeFileSync(`${proc}/1/status`, status(60));
    expect(watch.look([member(1, 10)]).counted).toBe(40 * 1024);
    expect(watch.look([member(1, 11)]).counted).toBe(60 * 1024);
    writeFileSync(`${proc}/1/status`, status(90));
    expect(watch.look([member(1, 22)]).counted).toBe(90 * 1024);
    writeFileSync(`${proc}/1/status`, status(95));
    expect(watch.look([member(1, 22)]).counted).toBe(95 * 1024);
  });

  it('finds what forked processes share before it counts it twice', () => {
    const proc = tree({
      '1/status': status(80),
      '1/smaps_rollup': rollup(40),
      '2/status': status(80),
      '2/smaps_rollup': rollup(40),
    });
    let now = 10n ** 12n;
    const watch = new MemoryWatch({
      proc,
      pageSize: PAGE,
      limit: 100 * 1024,
      now: () => {
        now += 1_000_000n;
        return now;
      },
    });
    const members = [member(1, 20), member(2, 20)];
    expect(watch.look(members).counted).toBe(80 * 1024);
    // Their pages come apart: at the latest after 1 ms / 1.5 % it is seen.
    for (const pid of [1, 2]) writeFileSync(`${proc}/${pid}/smaps_rollup`, rollup(80));
    now += 70_000_000n;
    expect(watch.look(members).counted).toBe(160 * 1024);
  });

  it('needs no walk for one process that is beyond the limit by itself', () => {
    const proc = tree({ '1/status': status(200), '2/status': status(1) });
    const watch = new MemoryWatch({ proc, pageSize: PAGE, limit: 100 * 1024 });
    expect(watch.look([member(1, 50), member(2, 1)]).counted).toBe(201 * 1024);
  });
});
