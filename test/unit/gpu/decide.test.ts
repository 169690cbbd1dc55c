import { describe, expect, it } from 'vitest';
import { decideGpus, type GpuRules, type GpuTracks } from '../../../src/gpu/decide.js';
import type { GpuProcess, GpuSample } from '../../../src/model/machine-sample.js';

const GIB = 1024 ** 3;
const process = (pid: number, memory?: number, more: Partial<GpuProcess> = {}): GpuProcess => ({
  pid,
  name: `p${pid}`,
  type: 'C',
  ...(memory === undefined ? {} : { memory: memory * GIB }),
  ...more,
});
const gpu = (used: number, processes: GpuProcess[], more: Partial<GpuSample> = {}): GpuSample => ({
  index: 0,
  uuid: 'GPU-0',
  name: 'H200',
  memoryTotal: 100 * GIB,
  memoryUsed: used * GIB,
  processes,
  ...more,
});

/** Goes through readings five seconds apart; gives what was done at each. */
function through(readings: GpuSample[][], rules: Partial<GpuRules> = {}) {
  let tracks: GpuTracks = {};
  const all = { threshold: 0.9, isProtected: () => false, ...rules };
  return readings.map((gpus, at) => {
    const decision = decideGpus(gpus, tracks, all, at * 5000);
    tracks = decision.tracks;
    return [
      ...decision.actions.map(({ pid, signal }) => `${signal} ${pid}`),
      ...decision.helpless.map(({ why }) => why),
    ];
  });
}
const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);

describe('a GPU whose memory runs out', () => {
  const full = [gpu(95, [process(1, 20), process(2, 60), process(3, 10)])];

  it('has its largest process ended, when a second reading has it so', () => {
    expect(through([full, full])).toEqual([[], ['SIGTERM 2']]);
    expect(through([full, [gpu(50, [])], full])).toEqual([[], [], []]);
  });

  it('just at the threshold is too full, just below it is not', () => {
    expect(through(times(2, [gpu(90, [process(1, 5)])]))[1]).toEqual(['SIGTERM 1']);
    expect(through(times(4, [gpu(89.99, [process(1, 5)])])).flat()).toEqual([]);
  });

  it('waits for the end of one before it chooses the next', () => {
    const rest = [gpu(93, [process(1, 20), process(3, 10)])];
    expect(through([full, full, full, rest, rest])).toEqual([
      [],
      ['SIGTERM 2'],
      [],
      ['SIGTERM 1'],
      [],
    ]);
  });

  it('lets it be when the end of one was enough', () => {
    expect(
      through([full, full, [gpu(35, [process(1, 20)])], ...times(3, [gpu(35, [])])]).flat(),
    ).toEqual(['SIGTERM 2']);
  });

  it('between the lines begins nothing', () => {
    const between = [gpu(87, [process(1, 20)])];
    expect(through([full, full, ...times(5, between)]).flat()).toEqual(['SIGTERM 2']);
  });

  it('kills one that does not end, and takes the next when not even that helps', () => {
    expect(through(times(12, full)).map((said) => said.join())).toEqual([
      '',
      'SIGTERM 2',
      '',
      '',
      'SIGKILL 2',
      '',
      '',
      'SIGTERM 1',
      '',
      '',
      'SIGKILL 1',
      '',
    ]);
  });

  it('says once that nobody is left who could end', () => {
    const one = [gpu(95, [process(2, 60)])];
    expect(through(times(12, one)).flat()).toEqual(['SIGTERM 2', 'SIGKILL 2', 'does-not-end']);
  });

  it.each([
    ['no-process', []],
    ['no-figures', [process(1), process(2, 0)]],
    ['all-protected', [process(9, 60), process(1, 5, { name: '/usr/lib/xorg/Xorg', type: 'G' })]],
  ] as const)('is left as it is, and said once: %s', (why, processes) => {
    const isProtected = ({ pid }: GpuProcess) => pid === 9;
    const readings = times(4, [gpu(95, [...processes])]);
    expect(through(readings, { isProtected }).flat()).toEqual([why]);
  });

  it('spares the protected, and whoever shows the screen or serves others', () => {
    const processes = [
      process(1, 50),
      process(2, 20, { name: '/usr/bin/gnome-shell', type: 'G' }),
      process(3, 15, { name: 'nvidia-cuda-mps-server' }),
      process(4, 5),
    ];
    const isProtected = ({ pid }: GpuProcess) => pid === 1;
    expect(through(times(2, [gpu(95, processes)]), { isProtected })[1]).toEqual(['SIGTERM 4']);
  });

  it('does not choose by a guess: one without a figure is no candidate', () => {
    expect(through(times(2, [gpu(95, [process(1), process(2, 1)])]))[1]).toEqual(['SIGTERM 2']);
  });

  it('of two as large takes the younger', () => {
    expect(through(times(2, [gpu(95, [process(7, 30), process(8, 30)])]))[1]).toEqual([
      'SIGTERM 8',
    ]);
  });
});

describe('several GPUs', () => {
  it('are each their own: what is on another does not count', () => {
    const readings = times(2, [
      gpu(95, [process(1, 10)]),
      gpu(40, [process(2, 40)], { uuid: 'GPU-1', index: 1 }),
      gpu(91, [process(3, 90)], { uuid: 'GPU-2', index: 2 }),
    ]);
    expect(through(readings)[1]).toEqual(['SIGTERM 1', 'SIGTERM 3']);
  });

  it('with one process on both send it one signal', () => {
    const both = [
      gpu(95, [process(1, 90)]),
      gpu(95, [process(1, 90)], { uuid: 'GPU-1', index: 1 }),
    ];
    expect(through([both, both])[1]).toEqual(['SIGTERM 1']);
  });

  it('that tell no figures are never too full', () => {
    const bare = { index: 0, uuid: 'GPU-0', name: 'GB10', processes: [process(1, 90)] };
    expect(through(times(4, [bare])).flat()).toEqual([]);
    expect(through(times(4, [{ ...bare, memoryUsed: 5, memoryTotal: 0 }])).flat()).toEqual([]);
  });

  it('that are gone are forgotten', () => {
    const { tracks } = decideGpus(
      [],
      { 'GPU-0': { above: 3, stuck: [] } },
      {
        threshold: 0.9,
        isProtected: () => false,
      },
      0,
    );
    expect(tracks).toEqual({});
  });
});
