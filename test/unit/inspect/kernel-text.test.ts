import { describe, expect, it } from 'vitest';
import { kernelWrites } from '../../../src/inspect/kernel-text.js';
import { filesToVerify, verifyKernel } from '../../../src/inspect/verify.js';

const machine = { memory: 8 * 1024 ** 3, swap: 1024 ** 3 };
const devices = { '/dev/vda': '254:0' };

/** `file text` of what is written for properties. */
const lines = (properties: Record<string, string>) =>
  kernelWrites(properties, { ...machine, devices }).map(({ file, text }) => `${file} ${text}`);

describe('kernelWrites', () => {
  it.each([
    ['MemoryMax', '1G', 'memory.max 1073741824'],
    ['MemoryMax', 'infinity', 'memory.max max'],
    ['MemoryMax', '', 'memory.max max'],
    ['MemoryMax', '50%', 'memory.max 4294967296'],
    ['MemoryHigh', '512M', 'memory.high 536870912'],
    ['MemorySwapMax', '0', 'memory.swap.max 0'],
    ['MemorySwapMax', '50%', 'memory.swap.max 536870912'],
    ['MemoryLow', '', 'memory.low 0'],
    ['MemoryMin', '16M', 'memory.min 16777216'],
    ['CPUQuota', '2700%', 'cpu.max 2700000 100000'],
    ['CPUQuota', '12.5%', 'cpu.max 12500 100000'],
    ['CPUQuota', '0.01%', 'cpu.max 1000 100000'],
    ['CPUQuota', '', 'cpu.max max 100000'],
    ['CPUWeight', '50', 'cpu.weight 50'],
    ['CPUWeight', 'idle', 'cpu.idle 1'],
    ['TasksMax', '300', 'pids.max 300'],
    ['TasksMax', 'infinity', 'pids.max max'],
    ['AllowedCPUs', '0 2,3', 'cpuset.cpus 0,2-3'],
    ['AllowedMemoryNodes', '0', 'cpuset.mems 0'],
    ['IOWeight', '50', 'io.weight default 50'],
    ['IODeviceWeight', '/dev/vda 200', 'io.weight 254:0 200'],
    ['IOReadBandwidthMax', '/dev/vda 10M', 'io.max 254:0 rbps=10000000'],
    ['IOWriteIOPSMax', '/dev/vda infinity', 'io.max 254:0 wiops=max'],
    ['OOMPolicy', 'kill', 'memory.oom.group 1'],
  ])('%s=%s is written as %s', (name, value, line) => {
    expect(lines({ [name]: value })).toEqual([line]);
  });

  it.each([
    ['OOMPolicy', 'continue'],
    ['OOMPolicy', 'stop'],
    ['RuntimeMaxSec', '10'],
    ['CPUQuotaPeriodSec', '10ms'],
    ['IOReadBandwidthMax', '/dev/unknown 10M'],
    ['MemoryMax', 'lots'],
    ['Nonsense', '1'],
  ])('%s=%s has no file', (name, value) => {
    expect(lines({ [name]: value })).toEqual([]);
  });

  it('takes the period that was asked for, within the bounds of the kernel', () => {
    const max = (period: string) => lines({ CPUQuota: '50%', CPUQuotaPeriodSec: period });
    expect(max('20ms')).toEqual(['cpu.max 10000 20000']);
    expect(max('10s')).toEqual(['cpu.max 500000 1000000']);
    expect(max('infinity')).toEqual(['cpu.max 50000 100000']);
  });

  it('knows the file of the BFQ scheduler, with its scale', () => {
    expect(kernelWrites({ IOWeight: '10000' })[0]?.instead).toEqual({
      file: 'io.bfq.weight',
      text: 'default 1000',
    });
  });

  it('does not guess a share of a memory that is not known', () => {
    expect(kernelWrites({ MemoryMax: '50%' })).toEqual([]);
  });

  it('is what verifyKernel then finds to be in force', () => {
    const properties = {
      MemoryMax: '1G',
      MemorySwapMax: '0',
      CPUQuota: '12.5%',
      CPUWeight: '50',
      TasksMax: '300',
      AllowedCPUs: '0-1',
      IOWeight: '50',
      IOReadBandwidthMax: '/dev/vda 10M',
    };
    const files: Record<string, string> = { 'cgroup.controllers': 'cpuset cpu io memory pids' };
    for (const { file, text } of kernelWrites(properties, { devices })) {
      // io.max is read back with all its keys.
      files[file] = file === 'io.max' ? `${text} wbps=max riops=max wiops=max` : text;
    }
    for (const file of Object.keys(files)) expect(filesToVerify(properties)).toContain(file);
    expect(verifyKernel(properties, files, { devices })).toEqual([]);
  });
});
