import { describe, expect, it } from 'vitest';
import type { AdoptReport } from '../../../src/adopt/index.js';
import type { ChangeReport } from '../../../src/change/index.js';
import type { InspectedUnit } from '../../../src/inspect/index.js';
import type { KillReport } from '../../../src/kill/index.js';
import { renderAdoption } from '../../../src/render/adopt.js';
import { renderChange } from '../../../src/render/change.js';
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
      id: 'kernel-differs',
      severity: 'warning',
      property: 'IOWeight',
      cause: 'no controller',
      remedy: 'one\ntwo',
    },
    {
      id: 'changed-since',
      severity: 'problem',
      property: 'TasksMax',
      cause: 'changed',
      remedy: 'set it',
    },
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
warning: IOWeight: no controller [kernel-differs]
  mend: one
  two
problem: TasksMax: changed [changed-since]
  mend: set it

More of a finding: rlimit inspect --explain ID`);
  });

  it('tells limits above, shares and what is unknown below the table', () => {
    const ancestor = { cgroup: '/a.slice', unit: 'a.slice', file: 'memory.max', amount: 1 };
    const text = inspection({
      ...UNIT,
      properties: [
        {
          property: 'MemoryMax',
          asked: '1G',
          rule: '50% of 2G installed',
          ancestor: { ...ancestor, value: '500M' },
          unchecked: true,
          inForce: false,
        },
        { property: 'TasksMax', ancestor: { ...ancestor, value: '90' }, inForce: true },
      ],
      findings: [],
      partial: ['memory.max cannot be read: permission denied'],
    });
    expect(text.split('\n').slice(4)).toEqual([
      '  PROPERTY   ASKED  SYSTEMD  KERNEL  USE',
      '  MemoryMax  1G     -        -       1.0G',
      '  TasksMax   -      -        -       9',
      '  above    a.slice allows MemoryMax 500M, TasksMax 90',
      '  share    MemoryMax: 50% of 2G installed',
      '  partial  memory.max cannot be read: permission denied',
    ]);
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

describe('adopt', () => {
  const process = { startTicks: 1, memory: 1024 ** 2, named: false, stopped: false };
  const report: AdoptReport = {
    dryRun: false,
    unit: 'rlimit-a-1.scope',
    slice: 'app-rlimit.slice',
    profile: 'a',
    properties: { MemoryMax: '1G', CPUQuota: '', IOWeight: '50', OOMPolicy: 'continue' },
    leftOut: [],
    environment: [],
    processes: [
      { ...process, pid: 10, comm: 'make', named: true, from: '/user.slice/session-3.scope' },
      { ...process, pid: 11, comm: 'c\u001bc', stopped: true, from: '/user.slice/session-3.scope' },
    ],
    memory: 2 * 1024 ** 2,
    outside: [],
    swept: 0,
    escaped: [],
    strangers: [],
    heldMs: 12,
    findings: [
      {
        id: 'kernel-differs',
        severity: 'warning',
        property: 'IOWeight',
        cause: 'no controller',
        remedy: 'one\ntwo',
      },
    ],
    argv: [],
    remarks: [],
  };

  it('says who was adopted, what is in force, and that memory held counts as nothing', () => {
    expect(renderAdoption(report)).toBe(`rlimit-a-1.scope  adopted 2 processes
  PID  MEMORY  PROCESS  FROM
   10    1.0M  make     session-3.scope
   11    1.0M  c\\x1bc   session-3.scope
  in force: MemoryMax=1G CPUQuota=infinity
warning: IOWeight: no controller [kernel-differs]
\`rlimit inspect\` tells the remedy
note: the 2.0M that they hold already stay charged to session-3.scope: in the
new scope they count as nothing, so memory can grow by the whole limit from here
note: 11 was stopped before, and stays so`);
  });

  it('says what went wrong, and what stays outside', () => {
    const text = renderAdoption({
      ...report,
      findings: [],
      swept: 1,
      escaped: [{ pid: 20, comm: 'cc\n1' }],
      strangers: [30],
      outside: [
        { pid: 40, comm: 'sudo', why: 'other-user' },
        { pid: 41, comm: 'make', why: 'limited-already' },
      ],
      environment: ['MAKEFLAGS'],
      processes: [{ ...process, pid: 10, comm: 'd', named: true, from: '/system.slice/d.service' }],
    }).replace(/\s+/g, ' ');
    expect(text).toContain('adopted 1 process, 1 of them born meanwhile');
    expect(text).toContain('problem: still outside, and not limited: 20 cc\\x0a1');
    expect(text).toContain('problem: 30 changed hands while it was moved');
    expect(text).toContain(
      '40 sudo stays outside, with what it started: it belongs to another user',
    );
    expect(text).toContain('it is under limits of its own');
    expect(text).toContain('MAKEFLAGS of the profile not set');
    expect(text).toContain('d.service is a service');
    expect(text).toContain('rlimit tune d.service -p NAME=VALUE');
  });
});

describe('tune UNIT', () => {
  const report: ChangeReport = {
    dryRun: false,
    unit: 'rlimit-a-1.scope',
    manager: 'user',
    rows: [
      {
        property: 'MemoryMax',
        wish: '60% of memory',
        value: '1G',
        rule: '60% of 2G is 1.2G',
        before: '2G',
        after: '1G',
        inForce: true,
      },
      { property: 'IOWeight', wish: '', value: '', inForce: false },
    ],
    leftOut: [],
    hazards: [],
    findings: [],
    ended: [],
    gone: false,
    recorded: true,
    argv: [],
  };

  it('shows each property before and after, and what is not in force stands out', () => {
    expect(renderChange(report)).toBe(`rlimit-a-1.scope  changed
  PROPERTY   BEFORE  ASKED  NOW
  MemoryMax  2G      1G     1G
  IOWeight   -       none   none!
note: MemoryMax: 60% of 2G is 1.2G`);
  });

  it('says what a limit below use does, and did', () => {
    const text = renderChange({
      ...report,
      rows: [],
      hazards: [
        { id: 'memory-above-max', property: 'MemoryMax', limit: 1024 ** 2, used: 2 * 1024 ** 2 },
        { id: 'tasks-above-max', property: 'TasksMax', limit: 2, used: 5 },
      ],
      oomKills: { before: 1, after: 2 },
      ended: [
        { pid: 7, comm: 'cc1plus', startTicks: 1, cpuUsec: 0, memory: 1024 ** 2, cgroup: '/' },
      ],
    }).replace(/\s+/g, ' ');
    expect(text).toContain('warning: 2.0M in use were above MemoryMax=1.0M: the kernel takes back');
    expect(text).toContain('warning: 5 tasks were above TasksMax=2');
    expect(text).toContain(
      'problem: 1 process killed for lack of memory; ended since: cc1plus (7) with 1.0M',
    );
    expect(renderChange({ ...report, gone: true })).toContain('has ended');
    expect(renderChange({ ...report, dryRun: true })).toContain('would change');
  });
});
