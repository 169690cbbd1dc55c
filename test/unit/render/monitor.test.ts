import { describe, expect, it } from 'vitest';
import {
  type MonitorView,
  renderMonitor,
  renderMonitorFrame,
} from '../../../src/render/monitor/index.js';
import { machineSample, unitSample } from '../sampler/sampled.js';

const view = (more: Partial<MonitorView> = {}): MonitorView => ({
  sample: machineSample(),
  sort: 'memory',
  processes: 10,
  alerts: [],
  unitsLeftOut: 0,
  ...more,
});

const many = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    unitSample({
      unit: `u${index}.scope`,
      cgroup: `/u${index}.scope`,
      use: { memory: 1000 - index },
    }),
  );

describe('renderMonitor', () => {
  it('fits 80 columns, with each unit beside its limits', () => {
    const text = renderMonitor(view(), { width: 80, isUtf8: true });
    expect(text).toMatchSnapshot();
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('does with ASCII, and says what is not told', () => {
    const { cpu: _, oomKills: __, ...rest } = machineSample();
    const bare = unitSample({
      use: {},
      limits: { memoryMax: 'infinity' },
      pressure: {},
      events: {},
    });
    const sample = { ...rest, pressure: {}, gpus: [], disks: [], processes: [], units: [bare] };
    const memory = { ...sample.memory, swapTotal: 0, swapFree: 0 };
    const text = renderMonitor(view({ sample: { ...sample, memory } }), {
      width: 80,
      isUtf8: false,
    });
    expect(text).toMatchSnapshot();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
    expect(text).toMatch(/^[\u0000-\u007f]*$/);
  });

  it('says that no unit is limited, that there are too many, and what has happened lately', () => {
    expect(renderMonitor(view({ sample: machineSample({ units: [] }) }))).toContain(
      'No unit has a limit of its own.',
    );
    const alerts = [
      { time: machineSample().time, severity: 'problem' as const, text: 'memory\u001b[2J' },
    ];
    const text = renderMonitor(view({ alerts, unitsLeftOut: 3 }), { width: 80 });
    expect(text).toContain('and 3 more units that are not looked at');
    expect(text).toContain('Recent alerts\n2026-01-02 13:04:05  memory\\x1b[2J');
  });

  it('shows hostile names harmlessly', () => {
    const [process] = machineSample().processes;
    const evil = 'x\u001b[2J\ny';
    const sample = machineSample({
      units: [unitSample({ unit: evil, profile: evil })],
      processes:
        process === undefined ? [] : [{ ...process, comm: evil, cgroup: `/${evil}.scope` }],
      disks: [{ mount: evil, device: evil, total: 2, available: 1 }],
      gpus: [{ index: 0, uuid: evil, name: evil, processes: [] }],
    });
    const text = renderMonitor(view({ sample }), { width: 80 });
    expect(text).not.toContain('\u001b[2J');
    expect(text.match(/x\\x1b\[2J\\x0ay/g)?.length).toBeGreaterThanOrEqual(4);
  });

  it.each([
    ['memory', ['1234', '99']],
    ['cpu', ['99', '1234']],
    ['name', ['1234', '99']],
  ] as const)('puts processes in the order of %s', (sort, expected) => {
    const processes = machineSample().processes.map((each) =>
      each.pid === 99 ? { ...each, cores: 7 } : each,
    );
    const text = renderMonitor(view({ sort, sample: machineSample({ processes }) }), { width: 80 });
    expect(text.match(/^ +\d+ +[\d.]+[KMG] /gm)?.map((row) => row.trim().split(' ')[0])).toEqual(
      expected,
    );
  });
});

describe('renderMonitorFrame', () => {
  it.each([
    [80, 24],
    [40, 10],
    [20, 3],
    [200, 100],
    [1, 1],
  ])('fits %i columns and %i rows', (columns, rows) => {
    const sample = machineSample({ units: many(30) });
    const lines = renderMonitorFrame(
      view({ sample, keys: 'q quit', message: 'm', selected: '/u20.scope' }),
      { columns, rows },
      { isUtf8: true },
    );
    expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(20, columns - 1));
    expect(lines.at(-1)).toBe('q quit');
  });

  it.each([0, 14, 29])('has the selected unit among those that fit: %i', (index) => {
    const sample = machineSample({ units: many(30) });
    const lines = renderMonitorFrame(view({ sample, keys: 'q', selected: `/u${index}.scope` }), {
      columns: 80,
      rows: 30,
    });
    expect(lines.join('\n')).toContain(`> u${index}.scope`);
    expect(lines.join('\n')).toMatch(/and \d+ more units/);
    expect(lines.join('\n')).toContain('coqc');
  });

  it('draws what was seen as curves', () => {
    const curves = { memory: [0, 0.5, 1], swap: [0], cpu: [0.01], stall: [0.5] };
    const lines = renderMonitorFrame(
      view({ curves }),
      { columns: 100, rows: 40 },
      { isUtf8: true },
    );
    expect(lines.find((line) => line.startsWith('memory'))).toMatch(/ ▄█$/);
    expect(lines.find((line) => line.startsWith('cpu'))).toMatch(/▁$/);
  });
});
