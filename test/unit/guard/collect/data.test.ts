import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AllocationEvent } from '../../../../src/guard/allocation/index.js';
import { DATA_HEADER, DataCollection, sampleRows } from '../../../../src/guard/collect/index.js';
import type { MachineSample, ProcessSample } from '../../../../src/model/machine-sample.js';

const folder = mkdtempSync(join(tmpdir(), 'rlimit-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

const process = (pid: number, rss: number, comm = `p${pid}`): ProcessSample => ({
  pid,
  startTicks: pid,
  ppid: 1,
  comm,
  rss,
  anon: rss - 1,
});
const sample = (atMs: number, processes: ProcessSample[] = []): MachineSample => ({
  atMs,
  time: 1_000_000 + atMs,
  memory: { total: 100, available: 40, swapTotal: 10, swapFree: 5 },
  disks: [],
  pressure: {},
  gpus: [],
  units: [],
  processes,
});
const event: AllocationEvent = {
  pid: 3,
  comm: '=evil,\n',
  startTicks: 3,
  bytes: 120,
  overMs: 900,
  source: 'ebpf',
};

describe('rows of a sample', () => {
  it('are the machine, the ten largest processes and those that are watched', () => {
    const many = Array.from({ length: 30 }, (_, at) => process(at + 1, at + 1));
    const kernel = { ...process(99, 1000), kernel: true };
    const rows = sampleRows(sample(0, [...many, kernel]), ({ pid }) => pid === 5);
    expect(rows[0]).toMatchObject({ event: 'machine', available: 40, total: 100, swap_free: 5 });
    expect(rows.slice(1).map(({ pid }) => pid)).toEqual([
      5,
      ...many.slice(20).map(({ pid }) => pid),
    ]);
  });
});

describe('collecting', () => {
  it('writes each event, and the machine every ten seconds', () => {
    const path = join(folder, 'data.csv');
    const data = new DataCollection(
      { path, onTrouble: (words) => expect.fail(words) },
      () => false,
    );
    data.add(sample(0, [process(3, 50)]), []);
    data.add(sample(1000, [process(3, 60)]), [event]);
    data.add(sample(2000), [], [{ event: 'end', pid: 3, name: 'p3', detail: 'SIGTERM' }]);
    data.add(sample(10_000), []);
    data.close();
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith(DATA_HEADER)).toBe(true);
    expect(text.split('\r\n').slice(1, -1)).toEqual([
      '1000000,machine,,,,,,,,,,40,100,5,',
      '1000000,process,3,3,p3,,,,50,49,,,,,',
      `1001000,allocation,3,3,"'=evil,\\x0a",120,900,ebpf,60,59,,40,100,5,`,
      '1002000,end,3,,p3,,,,,,,40,100,5,SIGTERM',
      '1010000,machine,,,,,,,,,,40,100,5,',
    ]);
  });
});
