import { describe, expect, it } from 'vitest';
import type { InspectedUnit } from '../../../src/inspect/index.js';
import type { KillReport } from '../../../src/kill/index.js';
import { renderInspection } from '../../../src/render/inspect.js';
import { renderKill } from '../../../src/render/kill.js';

const NOW = Date.parse('2026-01-01T00:01:40Z');
const UNIT: InspectedUnit = {
  unit: 'rlimit-coq-standard-1.scope',
  kind: 'scope',
  manager: 'user',
  state: 'active',
  result: 'success',
  profile: 'coq-standard',
  jobs: 4,
  command: ['make', '-j4', 'a b'],
  since: '2026-01-01T00:00:00Z',
  usage: { memoryCurrent: 1024 ** 3, swapCurrent: 0, cpuUsec: 340_000_000, tasks: 9, oomKills: 1 },
  properties: [
    { property: 'MemoryMax', asked: '150G', systemd: '150G', kernel: '150G', inForce: true },
    { property: 'MemorySwapMax', asked: '0', systemd: '0', kernel: '0', inForce: true },
    { property: 'CPUQuota', asked: '400%', systemd: '400%', kernel: '400%', inForce: true },
    { property: 'IOWeight', asked: '50', systemd: '50', inForce: false },
    { property: 'TasksMax', asked: '300', systemd: '300', kernel: '200', inForce: false },
    { property: 'OOMPolicy', asked: 'continue', systemd: 'continue', inForce: true },
  ],
  findings: [
    {
      id: 'a',
      severity: 'warning',
      property: 'IOWeight',
      cause: 'no controller',
      remedy: 'one\ntwo',
    },
    { id: 'b', severity: 'problem', property: 'TasksMax', cause: 'changed', remedy: 'set it' },
  ],
};
const inspection = (...units: InspectedUnit[]) =>
  renderInspection({ units, brokenRecords: [] }, NOW);

describe('inspect', () => {
  it('shows each limit in three languages, with use beside it', () => {
    expect(inspection(UNIT)).toBe(`rlimit-coq-standard-1.scope  active  for 1min 40s
  profile  coq-standard, -j4
  command  make -j4 'a b'
  use      9 tasks, 5min 40s of CPU time, 1 killed for lack of memory
  PROPERTY       ASKED     SYSTEMD   KERNEL  USE
  MemoryMax      150G      150G      150G    1.0G (<1%)
  MemorySwapMax  0         0         0       0B
  CPUQuota       400%      400%      400%    340% on average (85%)
  IOWeight       50        50        none!
  TasksMax       300       300       200!    9 (5%)
  OOMPolicy      continue  continue  -
warning: IOWeight: no controller
  mend: one
  two
problem: TasksMax: changed
  mend: set it`);
  });

  it('explains the same trouble of many units once', () => {
    const text = inspection(UNIT, { ...UNIT, unit: 'rlimit-b-1.scope' });
    expect(text.match(/no controller/g)).toHaveLength(1);
    expect(text).toContain('warning: IOWeight: as above\nproblem: TasksMax: as above');
  });

  it('makes names and commands harmless', () => {
    const text = inspection({ ...UNIT, command: ['\u001b[2J', 'x\ny'], findings: [] });
    expect(text).not.toContain('\u001b');
    expect(text).toContain('\\x1b[2J');
    expect(text).toContain('x\\x0ay');
  });

  it('cuts a long command', () => {
    const text = inspection({ ...UNIT, command: ['make', 'x'.repeat(500)] });
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('says how a unit failed, and when nothing is known', () => {
    const { unit, kind, manager } = UNIT;
    const failed = { unit, kind, manager, state: 'failed', result: 'oom-kill', usage: {} };
    expect(inspection({ ...failed, properties: [], findings: [] })).toBe(
      'rlimit-coq-standard-1.scope  failed (oom-kill)\n  no limits',
    );
    expect(inspection()).toBe('No units of rlimit are running.');
    const brokenRecords = [{ path: '/run/x.json', why: 'it is not a record' }];
    expect(renderInspection({ units: [], brokenRecords }, NOW)).toContain(
      'warning: /run/x.json cannot be used: it is not a record',
    );
  });

  it('lists processes, and counts those beyond the fifteenth', () => {
    const process = { pid: 1, comm: 'coqc', startTicks: 1, cpuUsec: 0, memory: 2048, cgroup: '/' };
    const processes = Array.from({ length: 20 }, (_, index) => ({ ...process, pid: index + 1 }));
    const text = inspection({ ...UNIT, processes });
    expect(text).toContain('  PID  MEMORY  CPU TIME  PROCESS\n    1    2.0K       0ms  coqc\n');
    expect(text).toContain('and 5 more');
  });
});

describe('kill', () => {
  const process = { comm: 'make', startTicks: 1, cpuUsec: 0, memory: 1024 ** 2, cgroup: '/' };
  const report: KillReport = {
    dryRun: false,
    signal: 'SIGTERM',
    units: [
      {
        unit: 'a.scope',
        processes: [
          { ...process, pid: 10, end: 'signal' },
          { ...process, pid: 11, comm: 'sl\u001bp', end: 'killed' },
          { ...process, pid: 12, end: 'survived', refused: true },
        ],
      },
      { unit: 'empty.scope', processes: [] },
    ],
    ended: 2,
    survived: 1,
    memory: 2 * 1024 ** 2,
  };

  it('says what was killed, how, and what it had', () => {
    expect(renderKill(report)).toBe(`a.scope
  PID  MEMORY  PROCESS  END
   10    1.0M  make     ended by SIGTERM
   11    1.0M  sl\\x1bp  had to be killed
   12    1.0M  make     survived: you may not signal it

Ended 2 processes, 2.0M of memory. 1 survived.`);
  });

  it('says when there was nothing', () => {
    const nothing = { ...report, ended: 0, survived: 0, memory: 0 };
    expect(renderKill({ ...nothing, units: [] })).toBe('There is nothing of rlimit to kill.');
    expect(renderKill({ ...nothing, units: [{ unit: 'a.scope', processes: [] }] })).toBe(
      'There is no process to kill in a.scope.',
    );
  });

  it('says what a dry run would do', () => {
    expect(renderKill({ ...report, survived: 0, dryRun: true })).toContain(
      'Would end 2 processes, 2.0M of memory.',
    );
  });
});
