import { chmodSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  CgroupFileError,
  cgroupOf,
  isNamed,
  isWithin,
  parseStat,
  processesIn,
  readCgroupFile,
  readLimitFiles,
  readProcess,
  subtree,
  USAGE_FILES,
  usageOf,
} from '../../../src/cgroup/index.js';
import { beOrdinaryUser } from '../ordinary-user.js';
import { procFiles, tree } from './tree.js';

describe('readLimitFiles', () => {
  it('gives what is there, without the last newline, and leaves out what is not', () => {
    const root = tree({ 'a/b.scope/memory.max': '1024\n', 'a/b.scope/cpu.stat': 'x 1\ny 2\n' });
    const files = ['memory.max', 'cpu.stat', 'io.weight'];
    expect(readLimitFiles('/a/b.scope', files, root)).toEqual({
      'memory.max': '1024',
      'cpu.stat': 'x 1\ny 2',
    });
  });

  it('gives nothing for a cgroup that is gone', () => {
    expect(readLimitFiles('/gone.scope', ['memory.max'], tree({}))).toEqual({});
  });

  it('reads the root cgroup', () => {
    expect(readCgroupFile('/', 'cgroup.controllers', tree({ 'cgroup.controllers': 'cpu\n' }))).toBe(
      'cpu',
    );
  });

  it('says so when a file is there but is none', () => {
    const root = tree({ 'a.scope/memory.max/x': '' });
    expect(() => readLimitFiles('/a.scope', ['memory.max'], root)).toThrow('EISDIR');
  });

  it('says so when a file may not be read', () => {
    const root = tree({ 'a.scope/memory.max': '1' });
    chmodSync(`${root}/a.scope/memory.max`, 0);
    beOrdinaryUser(root);
    expect(() => readLimitFiles('/a.scope', ['memory.max'], root)).toThrow('EACCES');
  });
});

describe('usageOf', () => {
  it('takes figures from their files', () => {
    const files = {
      'memory.current': '4096',
      'memory.peak': '8192',
      'memory.stat': 'anon 2048\nfile 1024',
      'memory.swap.current': '0',
      'memory.events': 'low 0\noom_kill 2',
      'cpu.stat': 'usage_usec 5\nthrottled_usec 3',
      'pids.current': '7',
    };
    expect(Object.keys(files).sort()).toEqual([...USAGE_FILES].sort());
    expect(usageOf(files)).toEqual({
      memoryCurrent: 4096,
      memoryPeak: 8192,
      memoryAnon: 2048,
      swapCurrent: 0,
      cpuUsec: 5,
      throttledUsec: 3,
      tasks: 7,
      oomKills: 2,
    });
  });

  it('leaves out what is unknown: it is not zero', () => {
    expect(usageOf({ 'cpu.stat': 'usage_usec 5' })).toEqual({ cpuUsec: 5 });
    expect(usageOf({})).toEqual({});
  });

  it('refuses broken content', () => {
    expect(() => usageOf({ 'memory.current': 'many' })).toThrow(CgroupFileError);
  });
});

describe('the tree', () => {
  it('has paths up to the root', () => {
    expect(ancestorsOf('/user.slice/user@1.service/app.slice/a.scope')).toEqual([
      '/user.slice/user@1.service/app.slice',
      '/user.slice/user@1.service',
      '/user.slice',
    ]);
    expect(ancestorsOf('/a.scope')).toEqual([]);
    expect(ancestorsOf('/')).toEqual([]);
  });

  it('isWithin does not take one name for the beginning of another', () => {
    expect(isWithin('/a.scope', '/a.scope')).toBe(true);
    expect(isWithin('/a.scope/child', '/a.scope')).toBe(true);
    expect(isWithin('/a.scope2', '/a.scope')).toBe(false);
    expect(isWithin('/anything', '/')).toBe(true);
  });

  it('lists processes of a cgroup and of those below it', () => {
    const root = tree({
      'a.scope/cgroup.procs': '10\n11\n',
      'a.scope/inner/cgroup.procs': '12\n0\n',
      'b.scope/cgroup.procs': '13\n',
    });
    expect(subtree('/a.scope', root)).toEqual(['/a.scope', '/a.scope/inner']);
    expect(processesIn('/a.scope', root)).toEqual([10, 11, 12]);
    rmSync(`${root}/a.scope`, { recursive: true });
    expect(processesIn('/a.scope', root)).toEqual([]);
  });
});

describe('cgroupOf', () => {
  const paths: [string, string, string | undefined][] = [
    ['a v2 machine', '0::/user.slice/a.scope\n', '/user.slice/a.scope'],
    ['a hybrid machine', '5:memory:/x\n1:name=systemd:/y\n0::/user.slice\n', '/user.slice'],
    ['a removed cgroup', '0::/a.scope (deleted)\n', '/a.scope'],
    ['a name with colons', '0::/a:b.scope\n', '/a:b.scope'],
    ['a v1 machine', '5:memory:/x\n', undefined],
  ];
  it.each(paths)('%s', (_, content, cgroup) => {
    expect(cgroupOf(5, tree({ '5/cgroup': content }))).toBe(cgroup);
  });

  it('a process that is gone', () => {
    expect(cgroupOf(5, tree({}))).toBeUndefined();
  });
});

describe('readProcess', () => {
  it('reads name, memory, CPU time and start', () => {
    const root = tree(
      procFiles(42, { comm: 'coqc', argv: ['/opt/bin/coqc', '-q'], cgroup: '/a.scope', rss: 2048 }),
    );
    expect(readProcess(42, `${root}/proc`)).toEqual({
      pid: 42,
      comm: 'coqc',
      argv0: '/opt/bin/coqc',
      startTicks: 1000,
      memory: 2_097_152,
      cpuUsec: 2_000_000,
      cgroup: '/a.scope',
    });
  });

  it('a zombie and one that is gone are no processes', () => {
    const root = tree(procFiles(42, { cgroup: '/a.scope', state: 'Z' }));
    expect(readProcess(42, `${root}/proc`)).toBeUndefined();
    expect(readProcess(43, `${root}/proc`)).toBeUndefined();
  });

  it('a kernel thread has neither arguments nor memory', () => {
    const root = tree({
      ...procFiles(2, { comm: 'kthreadd', argv: [], cgroup: '/' }),
      'proc/2/status': 'Name:\tkthreadd\n',
    });
    expect(readProcess(2, `${root}/proc`)).not.toHaveProperty('argv0');
    expect(readProcess(2, `${root}/proc`)).not.toHaveProperty('memory');
  });

  it('a name may hold blanks and brackets', () => {
    const fields = `S ${Array.from({ length: 49 }, (_, index) => index).join(' ')}`;
    expect(parseStat(`7 (a) S (b c) ${fields}\n`)).toMatchObject({ comm: 'a) S (b c', state: 'S' });
    expect(parseStat('')).toBeUndefined();
    expect(parseStat('7 (x) S 1 2')).toBeUndefined();
  });
});

describe('isNamed', () => {
  it('is exact, by comm or by the base name of the first argument', () => {
    expect(isNamed({ comm: 'coqc' }, 'coqc')).toBe(true);
    expect(isNamed({ comm: 'coqc' }, 'coq')).toBe(false);
    expect(isNamed({ comm: 'python3', argv0: '/usr/bin/my-build' }, 'my-build')).toBe(true);
    expect(isNamed({ comm: 'python3', argv0: 'x/my-build' }, 'x/my-build')).toBe(false);
    // comm is cut to 15 bytes
    expect(
      isNamed({ comm: 'a-very-long-nam', argv0: 'a-very-long-name' }, 'a-very-long-name'),
    ).toBe(true);
  });
});
