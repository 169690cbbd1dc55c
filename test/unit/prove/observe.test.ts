import { describe, expect, it } from 'vitest';
import { choosing, readDryRun } from '../../../src/prove/experiments/daemons.js';
import { outcomeOf, type Proof, type ProofVerdict } from '../../../src/prove/index.js';
import { shortOfMemory } from '../../../src/prove/margin.js';
import {
  allowedCpus,
  constraintIn,
  runningProgram,
  swappedOut,
} from '../../../src/prove/observe.js';
import { gapsIn } from '../../../src/prove/pulse.js';
import { procFiles, tree } from '../cgroup/tree.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe('gapsIn', () => {
  it('tells how often signs of life came', () => {
    expect(gapsIn([0, 50, 100, 160, 200], 0, 210)).toEqual({ count: 5, median: 50, longest: 60 });
  });

  it('a silence that began before, or goes on at the end, counts', () => {
    expect(gapsIn([100, 4000], 1000, 4100).longest).toBe(3900);
    expect(gapsIn([0, 50, 100], 60, 5000)).toMatchObject({ longest: 4900 });
    expect(gapsIn([], 0, 700)).toEqual({ count: 1, median: 700, longest: 700 });
  });
});

describe('shortOfMemory', () => {
  it.each([
    [2 * GIB, 600 * MIB, false],
    [2 * GIB, 500 * MIB, true],
    [16 * GIB, 1.5 * GIB, true],
    [16 * GIB, 1.7 * GIB, false],
    [252 * GIB, 3 * GIB, false],
    [252 * GIB, 1.9 * GIB, true],
  ])('%i bytes, %i available: %s', (memory, available, short) => {
    expect(shortOfMemory({ memory, available }) !== undefined).toBe(short);
  });

  it('what is not known is not enough', () => {
    expect(shortOfMemory({ memory: 2 * GIB })).toMatchObject({ observed: 'an unknown amount' });
  });
});

describe('what the machine says', () => {
  const machine = () =>
    `${tree({
      'proc/vmstat': 'pswpin 5\npswpout 3\n',
      ...procFiles(7, { comm: 'earlyoom', argv: ['earlyoom', '-m', '5,3'], cgroup: '/x' }),
      'proc/7/comm': 'earlyoom\n',
      'proc/8/status': 'Name:\tsh\nCpus_allowed_list:\t0-3,8\n',
      'proc/9/comm': '',
    })}/proc`;

  it('is read where it is there', () => {
    const proc = machine();
    expect(swappedOut(proc)).toBe(3 * 4096);
    expect(allowedCpus(8, proc)).toBe('0-3,8');
    expect(runningProgram('earlyoom', proc)).toEqual(['-m', '5,3']);
  });

  it('is nothing where it is not', () => {
    expect(swappedOut('/nowhere')).toBe(0);
    expect(allowedCpus(9, machine())).toBe('');
    expect(runningProgram('systemd-oomd', machine())).toBeUndefined();
  });

  it('names why the kernel killed in a unit, the last time', () => {
    const line = (constraint: string, unit: string) =>
      `oom-kill:constraint=${constraint},nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/${unit},task=dd,pid=1,uid=0`;
    const log = [line('CONSTRAINT_NONE', 'x.scope'), line('CONSTRAINT_MEMCG', 'x.scope')].join(
      '\n',
    );
    expect(constraintIn(log, 'x.scope')).toBe('CONSTRAINT_MEMCG');
    expect(constraintIn(log, 'y.scope')).toBeUndefined();
    expect(constraintIn('', 'x.scope')).toBeUndefined();
  });
});

describe('a dry run of earlyoom', () => {
  it.each([
    'sending SIGTERM to process 155 uid 1000 "dd": badness 736, VmRSS 10 MiB',
    'sending SIGTERM to process 155 uid 1000 "dd": oom_score 1333, VmRSS 66 MiB, cmdline "dd"',
  ])('names whom it would end: %s', (line) => {
    const said = `mem avail:  1823 of  1978 MiB (92.18%), swap free:    0 of    0 MiB ( 0.00%)\n${line}`;
    expect(readDryRun(said)).toEqual({
      available: 92.18,
      victim: { signal: 'SIGTERM', comm: 'dd', pid: 155 },
    });
  });

  it('or why it cannot be tried, or nothing', () => {
    expect(readDryRun('earlyoom v1.7\nfatal: -m: value 100 exceeds limit 99')).toEqual({
      failure: '-m: value 100 exceeds limit 99',
    });
    expect(readDryRun('')).toEqual({});
  });

  it('goes by the choices of the one that runs, and not by its thresholds', () => {
    const running = ['-m', '5,3', '--avoid', '^sshd$', '--prefer=^node$', '-s', '100', '-g'];
    expect(choosing(running)).toEqual(['--avoid', '^sshd$', '--prefer=^node$', '-g']);
    expect(choosing(['--avoid'])).toEqual([]);
  });
});

describe('outcomeOf', () => {
  const proofs = (...verdicts: ProofVerdict[]) => verdicts.map((verdict) => ({ verdict }) as Proof);

  it('a failure outweighs what was not tried, and that what held', () => {
    expect(outcomeOf(proofs('held', 'not-applicable'))).toBe('held');
    expect(outcomeOf(proofs('held', 'refused'))).toBe('refused');
    expect(outcomeOf(proofs('refused', 'inert', 'held'))).toBe('failed');
    expect(outcomeOf(proofs('held', 'failed'))).toBe('failed');
  });
});
