import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dropInPaths } from '../../../src/budget/drop-in.js';
import { readLedger, stateOf } from '../../../src/budget/ledger.js';
import { memoryBudget, promiseOf } from '../../../src/budget/limit.js';
import { showBudget } from '../../../src/budget/show.js';
import { surroundings } from '../../../src/budget/slice.js';
import { enqueue, leaveQueue, readQueue } from '../../../src/budget/waiting.js';
import { readStart, slicePath } from '../../../src/cgroup/index.js';
import { writeRecord } from '../../../src/state/index.js';
import { DEAD_RUNNER, desk, MEBIBYTE, record } from './desk.js';

const own = { pid: process.pid, startTicks: readStart(process.pid)?.startTicks ?? 0 };
const queued = (unit: string, more = {}) => ({
  ...own,
  unit,
  profile: 'default',
  wants: 5 * MEBIBYTE,
  since: 1,
  command: ['true'],
  ...more,
});

function ledgerOf({ places, directory }: ReturnType<typeof desk>) {
  return readLedger({ ...surroundings(places), directory });
}

describe('the budget of memory', () => {
  it('is what the kernel holds', () => {
    const here = desk();
    expect(memoryBudget(surroundings(here.places))).toBeUndefined();
    here.setBudget(300);
    expect(memoryBudget(surroundings(here.places))).toBe(300 * MEBIBYTE);
    here.setBudget();
    expect(memoryBudget(surroundings(here.places))).toBeUndefined();
  });

  it.each([
    ['300M', 300 * MEBIBYTE],
    ['infinity', undefined],
    ['', undefined],
    ['nonsense', undefined],
  ])('before the first run is what the drop-in says: %j', (value, bytes) => {
    const here = desk();
    const { persistent } = dropInPaths(here);
    mkdirSync(dirname(persistent), { recursive: true });
    writeFileSync(persistent, `[Slice]\nMemoryMax=${value}\n`);
    expect(memoryBudget(surroundings(here.places))).toBe(bytes);
    here.setBudget();
    expect(memoryBudget(surroundings(here.places))).toBeUndefined();
  });

  it('may be a share of the memory there is', () => {
    const share = promiseOf({ properties: { MemoryMax: '50%' } });
    expect(share).toBeGreaterThan(64 * MEBIBYTE);
  });
});

describe('who holds what', () => {
  it('are the runs whose rlimit or whose processes live', () => {
    const here = desk();
    writeRecord(here.directory, record('a.scope', '100M', { started: 3 }));
    writeRecord(here.directory, record('killed.scope', '50M', { started: 2, runner: DEAD_RUNNER }));
    writeRecord(here.directory, record('gone.scope', '70M', { runner: DEAD_RUNNER }));
    const { runner: _, ...older } = record('older.scope', '70M');
    writeRecord(here.directory, older);
    here.populate('killed.scope', true, 7);
    here.populate('gone.scope', false);
    const ledger = ledgerOf(here);
    expect(ledger.holdings.map(({ record: { unit } }) => unit)).toEqual([
      'killed.scope',
      'a.scope',
    ]);
    expect(ledger.dead.units).toEqual(['gone.scope']);
    expect(stateOf(ledger, 400 * MEBIBYTE, surroundings(here.places))).toMatchObject({
      promised: 150 * MEBIBYTE,
      free: 250 * MEBIBYTE,
      holders: [{ unit: 'killed.scope', used: 7 }, { unit: 'a.scope' }],
    });
  });

  it('are not those outside the slice, nor those inside another run as long as that lives', () => {
    const here = desk();
    writeRecord(here.directory, record('a.scope', '100M'));
    writeRecord(here.directory, record('in-a.scope', '100M', { within: 'a.scope' }));
    writeRecord(here.directory, record('orphan.scope', '10M', { within: 'ended.scope' }));
    writeRecord(here.directory, record('own.scope', '10M', { slice: 'app-rlimit-x1.slice' }));
    writeRecord(here.directory, record('else.scope', '10M', { slice: 'mine.slice' }));
    writeRecord(here.directory, record('near.scope', '10M', { slice: 'app-rlimitless.slice' }));
    writeRecord(here.directory, record('root.scope', '10M', { launcher: 'cgroup' }));
    expect(ledgerOf(here).holdings.map(({ record: { unit } }) => unit)).toEqual([
      'a.scope',
      'orphan.scope',
      'own.scope',
    ]);
  });

  it('is told in spite of files that are broken, and those are named', () => {
    const here = desk();
    here.setBudget(300);
    writeRecord(here.directory, record('a.scope', '100M'));
    writeFileSync(`${here.directory}/b.scope.json`, '{');
    writeFileSync(`${here.directory}/waiting-3.json`, '{"pid":1}');
    writeFileSync(`${here.directory}/waiting-x.json`, 'not ours');
    const report = showBudget(here.places);
    expect(report).toMatchObject({
      active: true,
      limits: [{ property: 'MemoryMax', value: '300M', inForce: true }],
      memory: { promised: 100 * MEBIBYTE },
      holders: [{ unit: 'a.scope' }],
    });
    expect(report.brokenRecords.map(({ path }) => path.split('/').at(-1))).toEqual([
      'b.scope.json',
      'waiting-3.json',
    ]);
  });
});

describe('the queue', () => {
  it('is in order of arrival, and a place given up is not missed', () => {
    const { directory } = desk();
    const numbers = ['a', 'b', 'c'].map((unit) => enqueue(directory, queued(unit)));
    expect(numbers).toEqual([1, 2, 3]);
    leaveQueue(directory, 2);
    leaveQueue(directory, 2);
    for (let more = 0; more < 9; more += 1) enqueue(directory, queued(`d${more}`));
    const { entries } = readQueue(directory, '/proc');
    // Numbers, not names: 10 comes after 9.
    expect(entries.map(({ seq }) => seq)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('forgets who died, also when another process has the PID now', () => {
    const { directory } = desk();
    enqueue(directory, queued('recycled', { startTicks: own.startTicks + 1 }));
    enqueue(directory, queued('gone', { pid: 2 ** 22 + 1 }));
    enqueue(directory, queued('alive'));
    const queue = readQueue(directory, '/proc');
    expect(queue.entries.map(({ run }) => run.unit)).toEqual(['alive']);
    expect(queue.dead).toEqual([1, 2]);
  });
});

it.each([
  ['app-rlimit.slice', '/app.slice/app-rlimit.slice'],
  ['app-rlimit-x1.slice', '/app.slice/app-rlimit.slice/app-rlimit-x1.slice'],
  ['mine.slice', '/mine.slice'],
  ['-.slice', ''],
])('the slice %s lies at %s', (slice, path) => {
  expect(slicePath(slice)).toBe(path);
});
