import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findStrays, strayFinding } from '../../../src/inspect/strays.js';
import type { UnitRecord } from '../../../src/model/index.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

const MANAGER = '/user.slice/user-1.slice/user@1.service';
const HOME = `${MANAGER}/app.slice/run.scope`;
const record = (unit: string, pid = 50): UnitRecord => ({
  version: 1,
  unit,
  slice: 'app.slice',
  profile: 'default',
  properties: {},
  command: ['sleep'],
  cwd: '/',
  started: 0,
  runner: { pid, startTicks: 10 },
});

type Fake = FakeProcess & { env?: string; children?: string };

function proc(processes: Record<number, Fake>): string {
  const files: Record<string, string> = {};
  for (const [pid, { env, children, ...fake }] of Object.entries(processes)) {
    Object.assign(files, procFiles(Number(pid), fake));
    files[`proc/${pid}/environ`] = env === undefined ? '' : `A=1\0${env}\0`;
    if (children !== undefined) files[`proc/${pid}/task/${pid}/children`] = children;
  }
  return `${tree(files)}/proc`;
}

const run = { unit: 'run.scope', cgroup: HOME, record: record('run.scope') };
const runs = new Set(['run.scope', 'other.scope']);
const find = (
  processes: Record<number, Fake>,
  home: Parameters<typeof findStrays>[0][number] = run,
) => (findStrays([home], runs, proc(processes)).get(home.unit) ?? []).map(({ pid }) => pid);

describe('processes outside', () => {
  const mine = 'RLIMIT_UNIT=run.scope';

  it('are those of the run by their environment that are in another cgroup', () => {
    expect(
      find({
        1: { cgroup: '/init.scope' },
        60: { cgroup: HOME, env: mine },
        61: { cgroup: `${HOME}/inner`, env: mine },
        62: { cgroup: `${MANAGER}/app.slice/else.scope`, env: mine },
        63: { cgroup: `${MANAGER}/app.slice/else.scope`, env: 'RLIMIT_UNIT=run.scope2' },
        64: { cgroup: `${MANAGER}/app.slice/else.scope`, env: mine, state: 'Z' },
      }),
    ).toEqual([62]);
  });

  it('are not those that another run of ours holds, nor systemd-run on its way', () => {
    expect(
      find({
        60: { cgroup: `${MANAGER}/app.slice/other.scope`, env: mine },
        61: { cgroup: '/elsewhere', env: mine, comm: 'systemd-run' },
      }),
    ).toEqual([]);
  });

  it('are found by the first child of rlimit where the environment was cleared', () => {
    const processes = {
      50: { cgroup: '/elsewhere', startTicks: 10, children: '70 71 ' },
      70: { cgroup: '/elsewhere', startTicks: 12 },
      71: { cgroup: '/elsewhere', startTicks: 99, comm: 'journalctl' },
    };
    expect(find(processes)).toEqual([70]);
    // Of a run whose scope has ended the first child may be somebody who looks for the verdict.
    expect(find(processes, { unit: 'run.scope', record: record('run.scope') })).toEqual([]);
    const reused = { ...processes, 50: { ...processes[50], startTicks: 11 } };
    expect(find(reused)).toEqual([]);
  });

  it('are not what waits to be moved into a cgroup that rlimit makes', () => {
    const home = {
      unit: 'run.scope',
      record: { ...record('run.scope'), launcher: 'cgroup' as const },
    };
    const look = (uptime: string) => {
      const root = proc({ 60: { cgroup: '/elsewhere', env: mine, startTicks: 1000 } });
      writeFileSync(`${root}/uptime`, uptime);
      return findStrays([home], runs, root).size;
    };
    expect(look('12.50 9.00')).toBe(0);
    expect(look('15.50 9.00')).toBe(1);
  });

  it('are main processes of services, too', () => {
    const service = { unit: 'a.service', cgroup: '/system.slice/a.service', mainPid: 80 };
    expect(find({ 80: { cgroup: '/system.slice/b.service' } }, service)).toEqual([80]);
    expect(find({ 80: { cgroup: '/system.slice/a.service/x' } }, service)).toEqual([]);
    expect(find({}, service)).toEqual([]);
  });

  it('are put back by a line that needs root only across a border', () => {
    const strays = [
      { pid: 1, comm: '\u001b[31mx', cgroup: `${MANAGER}/app.slice/else.scope` },
      { pid: 2, comm: 'y', cgroup: '/system.slice/b.service' },
    ];
    const finding = strayFinding(run, strays);
    expect(finding).toMatchObject({
      id: 'process-outside',
      severity: 'problem',
      unit: 'run.scope',
    });
    expect(finding.cause).not.toContain('\u001b');
    expect(finding.remedy).toBe(
      `echo 1 | tee /sys/fs/cgroup${HOME}/cgroup.procs\n` +
        `echo 2 | sudo tee /sys/fs/cgroup${HOME}/cgroup.procs`,
    );
    const gone = strayFinding({ unit: 'run.scope', record: record('run.scope') }, strays);
    expect(gone.cause).toContain('run.scope itself has ended');
    expect(gone.remedy).toBe('rlimit adopt default --pid 1 --pid 2');
  });
});
