import { describe, expect, it } from 'vitest';
import { readMachine, readMemory } from '../../../src/machine/index.js';
import { tree } from '../cgroup/tree.js';

const meminfo = (memTotal: number, swapTotal: number) =>
  `MemTotal:       ${memTotal} kB\nMemFree:          100 kB\nSwapTotal:       ${swapTotal} kB\n`;
const status = (list: string) => `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\n`;
const topology = (cpu: number, siblings: string, file = 'core_cpus_list') => ({
  [`sys/devices/system/cpu/cpu${cpu}/topology/${file}`]: `${siblings}\n`,
});

const BASE = {
  'proc/meminfo': meminfo(264_241_152, 8_388_608),
  'proc/self/status': status('0-3'),
};
const read = (files: Record<string, string>, uid = 1000) => readMachine(`${tree(files)}/`, uid);

describe('readMachine', () => {
  it('counts cores once, whatever threads they have', () => {
    const threads = { ...topology(0, '0,2'), ...topology(1, '1,3') };
    expect(read({ ...BASE, ...threads })).toEqual({
      cores: 2,
      cpus: 4,
      memory: 252 * 1024 ** 3,
      swap: 8 * 1024 ** 3,
    });
  });

  it('counts only what this process may use', () => {
    const files = { ...BASE, 'proc/self/status': status('0,2'), ...topology(0, '0,2') };
    expect(read(files)).toMatchObject({ cores: 1, cpus: 2 });
  });

  it('reads the older name of the topology, and takes CPUs without one for cores', () => {
    const old = { ...topology(0, '0-1', 'thread_siblings_list') };
    expect(read({ ...BASE, ...old })).toMatchObject({ cores: 3 });
    expect(read(BASE)).toMatchObject({ cores: 4 });
  });

  it('knows the controllers of the user’s manager, and of no other', () => {
    const manager = 'sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service';
    const files = { ...BASE, [`${manager}/cgroup.controllers`]: 'cpu memory pids misc\n' };
    expect(read(files).controllers).toEqual(['cpu', 'memory', 'pids']);
    expect(read(files, 1001)).not.toHaveProperty('controllers');
  });

  it('says what is missing', () => {
    const { 'proc/meminfo': _, ...noMemory } = BASE;
    expect(() => read(noMemory)).toThrow('MemTotal');
    expect(() => read({ ...BASE, 'proc/meminfo': 'MemTotal: many' })).toThrow('MemTotal');
    const { 'proc/self/status': __, ...noCpus } = BASE;
    expect(() => read(noCpus)).toThrow('Cpus_allowed_list');
  });
});

describe('readMemory', () => {
  it('a kernel without swap has none', () => {
    const root = tree({ 'proc/meminfo': 'MemTotal:  1024 kB\n' });
    expect(readMemory(`${root}/`)).toEqual({ memory: 1024 ** 2, swap: 0 });
  });
});
