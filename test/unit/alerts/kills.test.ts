import { describe, expect, it } from 'vitest';
import { killsIn, lastCursor, parseEntries } from '../../../src/alerts/journal.js';
import { KillReader } from '../../../src/alerts/kill-reader.js';
import { AlertRules } from '../../../src/alerts/rules.js';
import type { MachineSample, MemoryKill } from '../../../src/model/index.js';
import { MiB, process, sampleAt, unit } from './samples.js';

const killedIn = (name: string, oomKill: number, cgroup = `/app.slice/${name}`) =>
  unit(name, 0.1, { cgroup, events: { oomKill } });

const kernelKill = (parts: Partial<MemoryKill> = {}): MemoryKill => ({
  ...{ by: 'kernel', inUnit: true, unit: 'a.scope', cgroup: '/app.slice/a.scope' },
  ...{ pid: 7, comm: 'hog', memory: 60 * MiB, time: 0 },
  ...parts,
});

/** What is raised at each sample. */
function told(steps: [MachineSample, MemoryKill[]?][]): string[][] {
  const rules = new AlertRules();
  return steps.map(([sample, kills]) =>
    rules.see(sample, kills).raised.map(({ severity, says }) => `${severity} ${says}`),
  );
}

const AT_UNIT = "by the kernel's OOM killer, at the unit's limit or one above it";

describe('counters', () => {
  it('of what was before the first sample tell nothing', () => {
    const sample = sampleAt(0, { oomKills: 9, units: [killedIn('a.scope', 3)] });
    expect(told([[sample], [{ ...sample, atMs: 30_000 }]])).toEqual([[], []]);
  });

  it('of a unit that rose', () => {
    expect(
      told([
        [sampleAt(0, { oomKills: 0, units: [killedIn('a.scope', 0)] })],
        [sampleAt(30, { oomKills: 2, units: [killedIn('a.scope', 2)] })],
      ])[1],
    ).toEqual([`WARNING 2 processes in a.scope were ended for lack of memory ${AT_UNIT}`]);
  });

  it('of a unit and of the slice around it tell one kill', () => {
    const units = (count: number) => [
      killedIn('user.slice', count, '/user.slice'),
      killedIn('app.slice', count, '/user.slice/app.slice'),
      killedIn('a.scope', count, '/user.slice/app.slice/a.scope'),
    ];
    const [, second] = told([
      [sampleAt(0, { oomKills: 0, units: units(0) })],
      [sampleAt(30, { oomKills: 1, units: units(1) })],
    ]);
    expect(second).toHaveLength(1);
    expect(second?.[0]).toContain('in a.scope');
  });

  it('of the machine alone, where the unit has gone with its process', () => {
    const [, second] = told([[sampleAt(0, { oomKills: 4 })], [sampleAt(30, { oomKills: 5 })]]);
    expect(second).toEqual([
      "WARNING 1 process was ended for lack of memory by the kernel's OOM killer, for the machine or for a cgroup that is not watched",
    ]);
  });

  it('that went backwards belong to something else', () => {
    expect(
      told([
        [sampleAt(0, { oomKills: 9, units: [killedIn('a.scope', 3)] })],
        [sampleAt(30, { oomKills: 1, units: [killedIn('a.scope', 1)] })],
      ])[1],
    ).toEqual([]);
  });

  it('of a unit that is new tell as much as those of the machine', () => {
    expect(
      told([
        [sampleAt(0, { oomKills: 1 })],
        [sampleAt(30, { oomKills: 2, units: [killedIn('new.scope', 5)] })],
      ])[1],
    ).toEqual([`WARNING 1 process in new.scope was ended for lack of memory ${AT_UNIT}`]);
  });
});

describe('with the journal', () => {
  const before = sampleAt(0, { oomKills: 0, units: [killedIn('a.scope', 0)] });
  const after = sampleAt(30, { oomKills: 1, units: [killedIn('a.scope', 1)] });

  it('the victim is named, once', () => {
    expect(told([[before], [after, [kernelKill()]]])[1]).toEqual([
      `WARNING hog (PID 7) in a.scope was ended for lack of memory ${AT_UNIT}`,
    ]);
  });

  it('a kill below a watched unit is not told again for that unit', () => {
    const child = kernelKill({ unit: 'b.scope', cgroup: '/app.slice/a.scope/b.scope' });
    expect(told([[before], [after, [child]]])[1]).toEqual([
      `WARNING hog (PID 7) in b.scope was ended for lack of memory ${AT_UNIT}`,
    ]);
  });

  it('a name that comes late, or before its count, is not a second kill', () => {
    const later = { ...after, atMs: 60_000 };
    expect(told([[before], [after], [later, [kernelKill()]]]).flat()).toHaveLength(1);
    expect(told([[before], [before, [kernelKill()]], [after]]).flat()).toEqual([
      `WARNING hog (PID 7) in a.scope was ended for lack of memory ${AT_UNIT}`,
    ]);
  });

  it('the machine, systemd-oomd and earlyoom are CRITICAL', () => {
    const kills: MemoryKill[] = [
      kernelKill({ inUnit: false }),
      { by: 'systemd-oomd', inUnit: false, unit: 'b.scope', time: 0 },
      { by: 'earlyoom', pid: 8, comm: 'node', memory: 100 * MiB, time: 0 },
    ];
    expect(told([[before], [after, kills]])[1]).toEqual([
      'CRITICAL 1 process in b.scope was ended for lack of memory by systemd-oomd',
      'CRITICAL node (PID 8) was ended for lack of memory by earlyoom',
      "CRITICAL hog (PID 7) in a.scope was ended for lack of memory by the kernel's OOM killer: the machine's memory was full",
    ]);
  });
});

describe('many kills', () => {
  it('in one place are told at once, and those that follow together after five minutes', () => {
    const rules = new AlertRules();
    const raised = Array.from({ length: 40 }, (_, index) =>
      rules
        .see(sampleAt(index * 30, { oomKills: index, units: [killedIn('a.scope', index)] }))
        .raised.map(({ value }) => value),
    );
    expect(raised.flat()).toEqual([1, 10, 10, 10]);
    expect(raised.flatMap((values, index) => (values.length > 0 ? [index] : []))).toEqual([
      1, 11, 21, 31,
    ]);
  });

  it('that were told short of the end are told later all the same', () => {
    const steps = [0, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
    const all = told(steps.map((oomKills, index) => [sampleAt(index * 30, { oomKills })]));
    expect(all.flat()).toHaveLength(2);
    expect(all.flat()[1]).toContain('2 processes');
  });
});

/** An entry as `journalctl --output=json` prints it. */
function entry(fields: Record<string, unknown>): string {
  return JSON.stringify({ __CURSOR: 's=1', __REALTIME_TIMESTAMP: '1763679802000123', ...fields });
}

const kernelLine = (message: string) => entry({ _TRANSPORT: 'kernel', MESSAGE: message });
const VICTIM =
  'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=user.slice,mems_allowed=0,oom_memcg=/user.slice/x.scope,task_memcg=/user.slice/x.scope,task=python3,pid=812,uid=1000';
const KILLED =
  'Memory cgroup out of memory: Killed process 812 (python3) total-vm:90000kB, anon-rss:64512kB, file-rss:5000kB, shmem-rss:0kB, UID:1000 pgtables:172kB oom_score_adj:0';

const kills = (lines: string[], sees = true) => killsIn(parseEntries(lines.join('\n')), sees);

describe('entries of the journal', () => {
  it('of the kernel: the victim, its unit, its memory and whose limit it was', () => {
    expect(kills([kernelLine(VICTIM), kernelLine(KILLED)])).toEqual([
      {
        ...{ by: 'kernel', inUnit: true, unit: 'x.scope', cgroup: '/user.slice/x.scope' },
        ...{ pid: 812, comm: 'python3', memory: 64_512 * 1024, time: 1_763_679_802_000 },
      },
    ]);
    const whole = VICTIM.replace(/CONSTRAINT_MEMCG/, 'CONSTRAINT_NONE').replace(
      /oom_memcg=[^,]*/,
      'global_oom',
    );
    expect(kills([kernelLine(whole)])).toMatchObject([{ inUnit: false, unit: 'x.scope' }]);
  });

  it('of the kernel, of processes that went with the victim', () => {
    const other = KILLED.replaceAll('812', '813');
    expect(kills([kernelLine(VICTIM), kernelLine(KILLED), kernelLine(other)])).toMatchObject([
      { pid: 812 },
      { pid: 813, comm: 'python3' },
    ]);
  });

  it('with a name that would pass for more', () => {
    const evil = 'a,pid=1,uid=0\nb';
    expect(kills([kernelLine(VICTIM.replace('python3', evil))])).toMatchObject([
      { pid: 812, comm: evil },
    ]);
    const bytes = [...Buffer.from(VICTIM)];
    expect(kills([entry({ _TRANSPORT: 'kernel', MESSAGE: bytes })])).toMatchObject([{ pid: 812 }]);
  });

  it.each([
    'sending SIGTERM to process 1868 uid 1000 "stress": badness 800, VmRSS 1023 MiB',
    'sending SIGTERM to process 1868 uid 1000 "stress": oom_score 1000, VmRSS 1023 MiB, cmdline "stress -m"',
  ])('of earlyoom: %s', (message) => {
    const lines = [entry({ _COMM: 'earlyoom', MESSAGE: message })];
    lines.push(entry({ _COMM: 'earlyoom', MESSAGE: message.replace('TERM', 'KILL') }));
    expect(kills(lines)).toMatchObject([
      { by: 'earlyoom', pid: 1868, comm: 'stress', memory: 1023 * MiB },
    ]);
  });

  it.each([
    'Killed /user.slice/user-1000.slice/user@1000.service/app.slice/b.scope due to memory pressure for /user.slice being 82.53% > 60.00% for > 30s with reclaim activity',
    'Killed /user.slice/user-1000.slice/user@1000.service/app.slice/b.scope due to memory used (1 B) / total (2 B) and swap used (3 B) / total (4 B) being more than 90.00%',
  ])('of systemd-oomd: %s', (message) => {
    expect(kills([entry({ _COMM: 'systemd-oomd', MESSAGE: message })])).toMatchObject([
      { by: 'systemd-oomd', unit: 'b.scope' },
    ]);
  });

  it('of the service manager count where the others cannot be read, and only then', () => {
    const lines = [
      entry({
        _COMM: 'systemd',
        MESSAGE_ID: 'fe6faa94e7774663a0da52717891d8ef',
        USER_UNIT: 'a.scope',
      }),
      entry({
        _COMM: 'systemd',
        MESSAGE_ID: 'd989611b15e44c9dbf31e3c81256e4ed',
        UNIT: 'b.service',
      }),
      entry({ _COMM: 'liar', MESSAGE_ID: 'd989611b15e44c9dbf31e3c81256e4ed', UNIT: 'c.service' }),
    ];
    expect(kills(lines, false)).toMatchObject([
      { by: 'kernel', inUnit: true, unit: 'a.scope' },
      { by: 'systemd-oomd', unit: 'b.service' },
    ]);
    expect(kills(lines, true)).toEqual([]);
  });

  it('that are none are passed over', () => {
    expect(
      kills(['', 'no JSON', '[1]', 'null', entry({ _TRANSPORT: 'kernel', MESSAGE: null })]),
    ).toEqual([]);
    expect(lastCursor(parseEntries(''))).toBeUndefined();
  });
});

describe('the reader', () => {
  const asked: string[][] = [];
  /** Answers in turn; the last one for ever. */
  function reader(...answers: string[]) {
    asked.length = 0;
    return new KillReader(async (args) => {
      asked.push([...args]);
      return answers.length > 1 ? answers.shift() : answers[0];
    });
  }
  const begin = [kernelLine('boot'), entry({ __CURSOR: 's=begin' })] as const;

  it('asks nothing while no counter rises', async () => {
    const kill = reader(...begin, kernelLine(VICTIM));
    await kill.read(sampleAt(0, { oomKills: 3, units: [killedIn('a.scope', 3)] }));
    const count = asked.length;
    for (const seconds of [30, 60, 90]) {
      expect(
        await kill.read(sampleAt(seconds, { oomKills: 3, units: [killedIn('a.scope', 3)] })),
      ).toEqual([]);
    }
    expect(asked).toHaveLength(count);
  });

  it('reads on from where the journal stood, and waits a moment for what is missing', async () => {
    const kill = reader(...begin, '', kernelLine(VICTIM));
    await kill.read(sampleAt(0, { oomKills: 0 }));
    expect(await kill.read(sampleAt(30, { oomKills: 1 }))).toMatchObject([{ pid: 812 }]);
    expect(asked.at(-1)).toContain('--after-cursor=s=begin');
  });

  it('looks now and then where somebody else may kill', async () => {
    const message = 'sending SIGTERM to process 1868 uid 1000 "stress": badness 800, VmRSS 10 MiB';
    const kill = reader(...begin, entry({ _COMM: 'earlyoom', MESSAGE: message }), '');
    const processes = [process('earlyoom', MiB)];
    await kill.read(sampleAt(0, { processes }));
    expect(await kill.read(sampleAt(1, { processes }))).toEqual([]);
    expect(await kill.read(sampleAt(31, { processes }))).toMatchObject([{ by: 'earlyoom' }]);
    expect(await kill.read(sampleAt(62, { processes }))).toEqual([]);
  });

  it('does without a journal', async () => {
    const kill = new KillReader(async () => undefined);
    await kill.read(sampleAt(0, { oomKills: 0 }));
    expect(await kill.read(sampleAt(30, { oomKills: 1 }))).toEqual([]);
  });
});
