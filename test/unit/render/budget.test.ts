import { describe, expect, it } from 'vitest';
import type { BudgetReport } from '../../../src/budget/index.js';
import { refusal } from '../../../src/budget/refusal.js';
import { BudgetError } from '../../../src/errors/index.js';
import type { BudgetState } from '../../../src/model/index.js';
import { renderPlace } from '../../../src/render/budget.js';
import {
  renderBudget,
  renderBudgetChange,
  renderBudgetLine,
} from '../../../src/render/budget-report.js';
import { errorToJson } from '../../../src/render/error.js';

const GiB = 1024 ** 3;
const NOW = 1_790_000_100_000;
const STATE: BudgetState = {
  memoryMax: 200 * GiB,
  promised: 160 * GiB,
  free: 40 * GiB,
  holders: [
    {
      unit: 'rlimit-coq-standard-mwpq7wj77z.scope',
      profile: 'coq-standard',
      promise: 150 * GiB,
      used: 12 * GiB,
      since: NOW - 720_000,
      command: ['make', '-j4', 'a b', 'and-much-more-than-fits'],
    },
    {
      unit: 'mine.scope',
      profile: 'ninja',
      promise: 10 * GiB,
      since: NOW + 9,
      command: ['\x1b[31m'],
    },
  ],
  waiting: [
    {
      place: 1,
      pid: 7,
      unit: 'rlimit-default-x.scope',
      profile: 'default',
      wants: 'infinity',
      since: NOW - 5000,
      command: ['make'],
    },
    {
      pid: 8,
      unit: 'rlimit-default-y.scope',
      profile: 'default',
      wants: GiB,
      since: NOW,
      command: ['make'],
    },
  ],
};
const REPORT: BudgetReport = {
  slice: 'app-rlimit.slice',
  active: true,
  limits: [
    { property: 'MemoryMax', value: '200G', wish: '80% of memory', kernel: '200G', inForce: true },
    { property: 'CPUQuota', value: '3500%', kernel: '3000%', inForce: false },
    { property: 'TasksMax', value: '300', inForce: false },
  ],
  files: ['/f.conf'],
  memory: STATE,
  used: 13 * GiB,
  holders: STATE.holders,
  waiting: STATE.waiting,
  findings: [
    { id: 'kernel-differs', severity: 'problem', property: 'CPUQuota', cause: 'it differs' },
  ],
  brokenRecords: [{ path: '/b.json', why: 'it is\nnot one' }],
};

describe('rlimit budget', () => {
  it('tells limits, memory, who holds what and who waits, in 80 columns', () => {
    expect(renderBudget(REPORT, NOW)).toBe(`PROPERTY   LIMIT  KERNEL  ASKED AS
MemoryMax  200G   200G    80% of memory
CPUQuota   3500%  3000%!
TasksMax   300    none!

budget  160G of 200G promised, 40G free, 13G in use, 2 waiting

HELD BY                               PROMISED  USED    FOR  COMMAND
rlimit-coq-standard-mwpq7wj77z.scope      150G   12G  12min  make -j4 'a b' and…
mine.scope                                 10G     -    0ms  ninja: '\\x1b[31m'

WAITING                   PLACE  WANTS   FOR  COMMAND
rlimit-default-x.scope        1    all  5.0s  make
rlimit-default-y.scope  stopped   1.0G   0ms  make

problem: CPUQuota: it differs [kernel-differs]

warning: /b.json cannot be used: it is\\x0anot one`);
  });

  it('says that there is none, and how to get one', () => {
    const none = {
      ...REPORT,
      limits: [],
      holders: [],
      waiting: [],
      findings: [],
      brokenRecords: [],
    };
    const { memory: _, used: __, ...report } = none;
    expect(renderBudget(report)).toBe(
      'No budget is set: nothing bounds all runs together. `rlimit budget set` sets one.',
    );
  });

  it('does not call a limit broken before there is a slice', () => {
    const limits = [{ property: 'MemoryMax', value: '2G', inForce: false }];
    const text = renderBudget({ ...REPORT, active: false, limits });
    expect(text).toMatch(/^MemoryMax {2}2G {5}-\nIn force from the next run on/m);
  });

  it('tells what set and clear did', () => {
    const text = renderBudgetChange({
      written: '/w.conf',
      removed: ['/r.conf'],
      backups: ['/w.conf.bak'],
      leftOut: [{ property: 'AllowedCPUs', wish: '9', why: 'there is none' }],
      budget: REPORT,
    });
    expect(text.split('\n').slice(0, 5)).toEqual([
      'Wrote /w.conf',
      'Removed /r.conf',
      'It had been edited by hand: kept as /w.conf.bak',
      'note: AllowedCPUs=9 left out: there is none',
      '',
    ]);
  });

  it('is one line in inspect', () => {
    expect(renderBudgetLine(STATE)).toBe('budget  160G of 200G promised, 40G free, 2 waiting');
  });
});

describe('a run that waits', () => {
  it('says for what, at which place, and who has it', () => {
    const holders = STATE.holders.slice(1);
    const text = renderPlace({ place: 2, wants: 60 * GiB, budget: { ...STATE, holders } });
    expect(text).toBe('rlimit: waiting for 60G of 200G: place 2; held by mine.scope 10G');
  });

  it('names few of many holders, within 80 columns', () => {
    const many = Array.from({ length: 9 }, () => STATE.holders[0] as (typeof STATE.holders)[0]);
    const text = renderPlace({ place: 1, wants: 'infinity', budget: { ...STATE, holders: many } });
    expect(text).toMatch(/^rlimit: waiting for all of 200G: place 1; held by/);
    expect(text).toMatch(/5 more$/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('a refusal', () => {
  it('names holders and waiters, and what to do', () => {
    const error = refusal(
      { admitted: false, why: 'no-room', free: 40 * GiB },
      60 * GiB,
      STATE,
      NOW,
    );
    expect(error).toBeInstanceOf(BudgetError);
    expect(error.message).toBe(
      'the budget has no room for the run: it wants 60G, and 40G of 200G are free',
    );
    expect(error.why?.split('\n')).toEqual([
      "rlimit-coq-standard-mwpq7wj77z.scope holds 150G for 12min now: make -j4 'a b' and-much-more-than-fits",
      "mine.scope holds 10G for 0s now: '\\x1b[31m'",
      'rlimit-default-x.scope waits for all (it has no MemoryMax) (place 1) for 5s now: make',
      'rlimit-default-y.scope waits for 1G (stopped) for 0s now: make',
    ]);
    expect(error.remedy).toBe(
      'wait for room: --wait; or want less: -p MemoryMax=40G; or end one: rlimit kill ' +
        'rlimit-coq-standard-mwpq7wj77z.scope; or see it all: rlimit budget',
    );
    expect(errorToJson(error)).toMatchObject({
      error: { id: 'budget', exitCode: 125, details: { wants: 60 * GiB, budget: STATE } },
    });
  });

  it('of one that can never come does not speak of waiting for room', () => {
    const error = refusal({ admitted: false, why: 'never', free: 0 }, 300 * GiB, STATE, NOW);
    expect(error.remedy).not.toContain('--wait');
  });

  it('does not offer less than a run can have', () => {
    const full = { ...STATE, free: 1024 };
    const error = refusal({ admitted: false, why: 'no-room', free: 1024 }, GiB, full, NOW);
    expect(error.remedy).not.toContain('MemoryMax');
  });
});
