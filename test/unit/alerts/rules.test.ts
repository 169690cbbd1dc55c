import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertRules } from '../../../src/alerts/rules.js';
import { DEFAULT_RULES, type RuleSettings } from '../../../src/alerts/settings.js';
import type { Alert, MachineSample } from '../../../src/model/index.js';
import { recorded } from '../watch/recorded.js';
import { GiB, MiB, process, sampleAt, unit } from './samples.js';

/** What changes at each sample, in short: `CRITICAL memory`, `-memory`. */
function course(samples: readonly MachineSample[], settings?: RuleSettings): string[][] {
  const rules = new AlertRules(settings);
  return samples.map((sample) => {
    const { raised, ended } = rules.see(sample);
    return [
      ...raised.map(({ severity, rule }) => `${severity} ${rule}`),
      ...ended.map(({ rule }) => `-${rule}`),
    ];
  });
}

/** Memory at one value each 30 s. */
const memory = (...values: number[]) => values.map((used, index) => sampleAt(index * 30, { used }));

describe('memory', () => {
  it('warns at 85 %, again at 90 %, and is over a minute below 80 %', () => {
    expect(course(memory(0.8, 0.85, 0.89, 0.9, 0.95, 0.86, 0.79, 0.78, 0.77, 0.5))).toEqual([
      [],
      ['WARNING memory'],
      [],
      ['CRITICAL memory'],
      [],
      [],
      [],
      [],
      ['-memory'],
      [],
    ]);
  });

  it('is one alert from its rise to its end, told with the top process and the use of swap', () => {
    const rules = new AlertRules();
    const processes = [process('firefox', 3 * GiB, { pid: 7, swap: GiB }), process('vim', MiB)];
    const see = (seconds: number, used: number) =>
      rules.see(sampleAt(seconds, { used, swapUsed: 0.5, processes }));
    const [warning] = see(0, 0.86).raised;
    const [critical] = see(30, 0.92).raised;
    expect(warning).toMatchObject({
      severity: 'WARNING',
      subject: { kind: 'machine' },
      says: 'memory is 86% used (2.24G of 16G left), WARNING from 85% on',
      top: { pid: 7, comm: 'firefox', bytes: 4 * GiB },
      threshold: 0.85,
    });
    expect(warning?.facts).toContain('swap 50% used (2G of 4G)');
    expect(warning?.value).toBeCloseTo(0.86);
    expect(critical).toMatchObject({
      id: warning?.id,
      since: warning?.since,
      severity: 'CRITICAL',
    });
    expect(rules.open).toEqual([critical]);
    see(60, 0.2);
    see(90, 0.2);
    const [over] = see(120, 0.2).ended;
    expect(over).toMatchObject({ id: warning?.id, severity: 'CRITICAL', lastedMs: 120_000 });
    expect(over?.ended).toBe((warning?.since ?? 0) + 120_000);
    expect(rules.open).toEqual([]);
  });

  it('goes to CRITICAL at once, as one alert', () => {
    expect(course(memory(0.5, 0.97, 0.97))).toEqual([[], ['CRITICAL memory'], []]);
  });

  it('that flaps around the threshold is one alert', () => {
    const flapping = Array.from({ length: 200 }, (_, index) => (index % 2 ? 0.84 : 0.86));
    expect(course(memory(...flapping)).flat()).toEqual(['WARNING memory']);
  });

  it('that flaps widely is told once in the quiet time', () => {
    // Five minutes are ten samples; each time it is well below for long enough to be over.
    const wide = Array.from({ length: 40 }, (_, index) => (index % 4 === 0 ? 0.95 : 0.1));
    const told = course(memory(...wide))
      .flat()
      .filter((text) => text.startsWith('CRITICAL'));
    expect(told).toHaveLength(4);
  });
});

describe('other thresholds', () => {
  it('CPU counts only when it lasts', () => {
    const busy = (...values: (number | undefined)[]) =>
      values.map((value, index) =>
        sampleAt(index * 30, { cpu: { cpus: 8, ...(value === undefined ? {} : { busy: value }) } }),
      );
    expect(course(busy(undefined, 1, 1, 1, 0.5, 1, 1, 1)).flat()).toEqual([]);
    expect(course(busy(undefined, 1, 1, 1, 1, 1)).flat()).toEqual(['WARNING cpu']);
  });

  it('swap from 70 % on; no swap is no alert', () => {
    expect(course([sampleAt(0, { swapUsed: 0.69 }), sampleAt(30, { swapUsed: 0.7 })])[1]).toEqual([
      'WARNING swap',
    ]);
    const without = sampleAt(0);
    without.memory.swapTotal = 0;
    without.memory.swapFree = 0;
    expect(course([without])).toEqual([[]]);
  });

  it('each disk by itself', () => {
    const disk = (mount: string, full: number) => ({
      ...{ mount, device: '/dev/x', total: 100 * GiB, available: (1 - full) * 100 * GiB },
    });
    const rules = new AlertRules();
    const { raised } = rules.see(sampleAt(0, { disks: [disk('/', 0.5), disk('/models', 0.97)] }));
    expect(raised).toMatchObject([
      { rule: 'disk', subject: { kind: 'disk', name: '/models' }, severity: 'WARNING' },
    ]);
    expect(
      rules.see(sampleAt(30, { disks: [disk('/', 0.93), disk('/models', 0.97)] })).raised,
    ).toMatchObject([{ subject: { name: '/' } }]);
  });

  it('a unit from 90 % of its MemoryMax on, a service from 95 % as well', () => {
    const rules = new AlertRules();
    const see = (seconds: number, used: number) =>
      rules
        .see(sampleAt(seconds, { units: [unit('a.scope', used), unit('b.service', used)] }))
        .raised.map(({ severity, subject }) => `${severity} ${subject.name}`);
    expect(see(0, 0.89)).toEqual([]);
    expect(see(30, 0.9)).toEqual(['WARNING a.scope', 'WARNING b.service']);
    expect(see(60, 0.96)).toEqual(['CRITICAL b.service']);
  });

  it('page cache in a unit is no use, and its largest process is named', () => {
    const cached = unit('a.scope', 0, {
      use: { memory: GiB, anon: GiB / 10, pageCache: GiB * 0.8 },
    });
    const held = unit('b.scope', 0, { use: { memory: GiB, anon: 0, pageCache: GiB * 0.05 } });
    const processes = [
      process('outside', 9 * GiB),
      process('inside', GiB, { pid: 9, cgroup: '/app.slice/b.scope/child' }),
    ];
    const { raised } = new AlertRules().see(sampleAt(0, { units: [cached, held], processes }));
    expect(raised).toMatchObject([
      { subject: { name: 'b.scope' }, top: { comm: 'inside', pid: 9 } },
    ]);
  });

  it('memory pressure that lasts, of the machine and of a unit', () => {
    const pressed = (full60: number) => ({ memory: { some: 99, full: 99, full60 } });
    const samples = [0, 30, 60].map((seconds) =>
      sampleAt(seconds, {
        pressure: pressed(12),
        units: [unit('a.scope', 0, { pressure: pressed(50) })],
      }),
    );
    expect(course(samples)).toEqual([[], [], ['WARNING pressure', 'WARNING unit-pressure']]);
  });

  it('memory of each GPU; its utilisation is told, and an alert only where it is asked for', () => {
    const gpu = {
      index: 0,
      uuid: 'GPU-1',
      name: 'H200',
      memoryTotal: 100,
      memoryUsed: 91,
      utilisation: 1,
    };
    const gpus = [{ ...gpu, processes: [{ pid: 3, name: '/usr/bin/ollama', memory: 90 }] }];
    const { raised } = new AlertRules().see(sampleAt(0, { gpus }));
    expect(raised).toMatchObject([
      { rule: 'gpu-memory', facts: ['100% busy'], top: { pid: 3, comm: '/usr/bin/ollama' } },
    ]);
    const thresholds = { 'gpu-utilisation': { warning: 0.95, forMs: 0 } };
    expect(course([sampleAt(0, { gpus })], { ...DEFAULT_RULES, thresholds })).toEqual([
      ['WARNING gpu-utilisation'],
    ]);
  });
});

describe('what is not there any more', () => {
  it('ends its alert, and comes back as another one after the quiet time only', () => {
    const full = [unit('a.service', 0.92)];
    const rules = new AlertRules();
    const see = (seconds: number, units: typeof full) => rules.see(sampleAt(seconds, { units }));
    expect(see(0, full).raised).toHaveLength(1);
    const { ended } = see(30, []);
    expect(ended).toMatchObject([{ facts: expect.arrayContaining(['it is gone']) }]);
    for (let seconds = 60; seconds < 300; seconds += 30) {
      expect(see(seconds, seconds % 60 ? full : []).raised).toEqual([]);
    }
    expect(see(330, full).raised).toHaveLength(1);
  });

  it('is not remembered: a hundred short units a second for ten minutes', () => {
    const rules = new AlertRules();
    for (let second = 0; second < 600; second += 1) {
      const units = Array.from({ length: 100 }, (_, index) =>
        unit(`run-${second}-${index}.scope`, index / 100),
      );
      rules.see(sampleAt(second, { units }));
    }
    // Told ones of the last five minutes at ten a second, and those of the last sample.
    expect(rules.remembered).toBeLessThan(10 * 301 + 3 * 100 + 20);
    for (let second = 600; second < 1000; second += 1) rules.see(sampleAt(second));
    expect(rules.remembered).toBeLessThan(20);
  });
});

describe('time', () => {
  it('that nobody watched counts for nothing, and is said', () => {
    const rules = new AlertRules();
    const busy = (seconds: number) => sampleAt(seconds, { cpu: { cpus: 8, busy: 1 } });
    rules.see(busy(0));
    // Two minutes at 100 % would be an alert; what was between them nobody saw.
    expect(rules.see(busy(200)).raised).toEqual([]);
    expect(rules.see(busy(700)).raised).toMatchObject([
      { rule: 'silence', value: 500, ended: expect.any(Number), lastedMs: 0 },
    ]);
    for (const seconds of [730, 760, 790]) expect(rules.see(busy(seconds)).raised).toEqual([]);
    expect(rules.see(busy(820)).raised).toMatchObject([{ rule: 'cpu' }]);
  });

  it('may go backwards on either clock', () => {
    const rules = new AlertRules();
    expect(rules.see(sampleAt(1000, { used: 0.95 })).raised).toHaveLength(1);
    for (const seconds of [0, 30, 60]) rules.see({ ...sampleAt(seconds, { used: 0.1 }), time: 5 });
    expect(rules.open).toEqual([]);
    // Told "in the future": quiet for five minutes of this clock at most.
    expect(rules.see(sampleAt(90, { used: 0.95 })).raised).toEqual([]);
    expect(rules.see(sampleAt(330, { used: 0.95 })).raised).toHaveLength(1);
  });
});

describe('a livelock', () => {
  /** The recording of a real one as samples of the machine. */
  const samples = recorded('livelock').map(
    ({ atMs, usage, limits, events, pressure, pageCache }) => {
      const { memoryCurrent, memoryAnon, cpuUsec } = usage;
      const full = pressure.memory?.full?.avg10;
      const made = sampleAt(atMs / 1000, {
        units: [
          unit('stuck.scope', 0, {
            use: { ...opt({ memory: memoryCurrent, anon: memoryAnon, cpuUsec, pageCache }) },
            limits: { ...limits, swapMax: 0 },
            events: opt({ high: events.high, max: events.max, oomKill: events.oomKill }),
            pressure: { memory: { some: 0, ...opt({ full }) } },
          }),
        ],
      });
      return made;
    },
  );

  it('is one CRITICAL alert with what breaks it, from samples of averages alone', () => {
    const rules = new AlertRules();
    const raised = samples.flatMap((sample) => rules.see(sample).raised);
    expect(raised.filter(({ rule }) => rule === 'livelock')).toMatchObject([
      {
        severity: 'CRITICAL',
        subject: { kind: 'unit', name: 'stuck.scope' },
        says: expect.stringMatching(
          /stands still for \d+(\.\d)?% of the time between MemoryHigh 40M and MemoryMax 200M/,
        ),
        facts: expect.arrayContaining(['rlimit inspect --break-stall stuck.scope breaks it']),
      },
    ]);
  });

  it('is none where there is room in the swap', () => {
    const rules = new AlertRules();
    const roomy = samples.map((sample) => ({
      ...sample,
      units: sample.units.map((each) => ({
        ...each,
        limits: { ...each.limits, swapMax: 'infinity' as const },
      })),
    }));
    expect(
      roomy.flatMap((sample) => rules.see(sample).raised).filter(({ rule }) => rule === 'livelock'),
    ).toEqual([]);
  });
});

/** Fields that are there. */
function opt<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return JSON.parse(JSON.stringify(fields));
}

describe('any course of memory', () => {
  const walk = fc.array(
    fc.record({
      used: fc.double({ min: 0.7, max: 1, noNaN: true }),
      after: fc.integer({ min: 1, max: 400 }),
    }),
    { minLength: 1, maxLength: 120 },
  );

  function follow(steps: { used: number; after: number }[]) {
    const rules = new AlertRules({ ...DEFAULT_RULES, events: new Set() });
    let seconds = 0;
    return steps.map(({ used, after }) => {
      seconds += after;
      return { seconds, used, ...rules.see(sampleAt(seconds, { used })), open: [...rules.open] };
    });
  }

  it('raises each severity at most once in the quiet time, and never while it is open', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        const toldAt: Record<string, number> = {};
        const open = new Map<string, Alert>();
        for (const { seconds, raised, ended } of follow(steps)) {
          for (const alert of raised) {
            const known = open.get(alert.id);
            // The same again only because it became worse, or fell and rose anew.
            if (known !== undefined) expect(alert.severity).toBe('CRITICAL');
            expect(seconds - (toldAt[alert.severity] ?? -Infinity)).toBeGreaterThanOrEqual(300);
            toldAt[alert.severity] = seconds;
            open.set(alert.id, alert);
            expect(alert.value).toBeGreaterThanOrEqual((alert.threshold ?? 1) - 1e-9);
          }
          for (const alert of ended) expect(open.delete(alert.id)).toBe(true);
          expect(open.size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('has an alert open while it stays high, and none when it was low for long', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        const looks = follow(steps);
        for (const [index, { seconds, open }] of looks.entries()) {
          const lately = looks.slice(0, index + 1).filter((look) => seconds - look.seconds <= 300);
          const isLong = seconds - (lately[0]?.seconds ?? seconds) > 0 && lately.length < index + 1;
          if (
            isLong &&
            looks.slice(index - lately.length, index + 1).every(({ used }) => used >= 0.9)
          ) {
            expect(open).toMatchObject([{ severity: 'CRITICAL' }]);
          }
        }
        // Two samples a minute apart and well below end everything.
        const last = looks.at(-1)?.seconds ?? 0;
        const rules = new AlertRules();
        for (const look of looks) rules.see(sampleAt(look.seconds, { used: look.used }));
        for (const after of [1, 31, 61, 91]) rules.see(sampleAt(last + after, { used: 0.1 }));
        expect(rules.open).toEqual([]);
      }),
    );
  });

  it('gives the same alerts again from the same trace, ids and all', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        expect(JSON.stringify(follow(steps))).toBe(JSON.stringify(follow(steps)));
      }),
      { numRuns: 20 },
    );
  });
});
