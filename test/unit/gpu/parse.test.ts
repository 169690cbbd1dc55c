import { describe, expect, it } from 'vitest';
import { parseGpus } from '../../../src/gpu/parse.js';
import type { GpuSample } from '../../../src/model/machine-sample.js';
import { DESKTOP_470, dual590, FAILURES, FIRST, MIG_535, OLD_340, SECOND } from './outputs.js';

const MIB = 1024 * 1024;

function gpusOf(text: string): GpuSample[] {
  const parsed = parseGpus(text);
  if ('reason' in parsed) throw new Error(parsed.reason);
  return parsed.gpus;
}

describe('what nvidia-smi tells', () => {
  it('of a desktop: figures in bytes, and who draws and who computes', () => {
    expect(parseGpus(DESKTOP_470)).toEqual({
      driver: '470.74',
      gpus: [
        {
          index: 0,
          uuid: 'GPU-11111111-2222-3333-4444-555555555555',
          name: 'NVIDIA GeForce GT 1030',
          driver: '470.74',
          memoryTotal: 1998 * MIB,
          memoryUsed: 875 * MIB,
          utilisation: 0.07,
          temperature: 36,
          processes: [
            { pid: 1510, name: '/usr/lib/xorg/Xorg', type: 'G', memory: 420 * MIB },
            { pid: 2404, name: 'C:\\\\tools\\\\a.exe & b', type: 'C+G', memory: 31 * MIB },
          ],
        },
      ],
    });
  });

  it('of several GPUs, each with its own', () => {
    const gpus = gpusOf(
      dual590(
        [{ pid: 10, name: 'a', memory: '7000 MiB' }],
        [{ pid: 11, name: 'b', memory: 'N/A' }],
      ),
    );
    expect(gpus).toMatchObject([
      { index: 0, uuid: FIRST, memoryUsed: 7700 * MIB, utilisation: 0.99, temperature: 15 },
      { index: 1, uuid: SECOND, memoryUsed: MIB },
    ]);
    expect(gpus.map(({ processes }) => processes)).toEqual([
      [{ pid: 10, name: 'a', type: 'C', memory: 7000 * MIB }],
      [{ pid: 11, name: 'b', type: 'C' }],
    ]);
  });

  it('of a GPU split by MIG: the whole, and each part with its processes', () => {
    const gpus = gpusOf(MIG_535);
    expect(gpus.map(({ uuid }) => uuid.split('/')[1])).toEqual([
      undefined,
      'MIG-gi3-ci0',
      'MIG-gi4-ci0',
    ]);
    const [whole, first, second] = gpus;
    expect(whole).toMatchObject({
      memoryTotal: 81920 * MIB,
      memoryUsed: 19050 * MIB,
      processes: [],
    });
    expect(whole).not.toHaveProperty('utilisation');
    expect(first).toMatchObject({
      index: 0,
      name: 'NVIDIA A100-SXM4-80GB MIG gi3-ci0',
      memoryTotal: 19968 * MIB,
      memoryUsed: 19000 * MIB,
      processes: [{ pid: 700, memory: 15000 * MIB }, { pid: 701 }],
    });
    expect(first?.processes[1]).not.toHaveProperty('memory');
    expect(second?.processes).toMatchObject([{ pid: 702 }]);
  });

  it('by an old driver that knows hardly a figure: nothing is made up', () => {
    expect(gpusOf(OLD_340)).toEqual([
      {
        index: 0,
        uuid: 'GPU-da613ba8-0000-76b9-2c57-d36a5905478a',
        name: 'GeForce 8800 GT',
        driver: '340.102',
        memoryTotal: 511 * MIB,
        processes: [],
      },
    ]);
  });

  it('twice of one process that computes and draws is one, with the larger figure', () => {
    const [gpu] = gpusOf(
      dual590(
        [
          { pid: 10, type: 'G', name: 'game', memory: '50 MiB' },
          { pid: 10, type: 'C', name: 'game', memory: '70 MiB' },
        ],
        [],
      ),
    );
    expect(gpu?.processes).toEqual([{ pid: 10, name: 'game', type: 'C', memory: 70 * MIB }]);
  });

  it.each([
    ['a tag', 'x</process_name>\n<pid>1</pid><used_memory>9999 MiB</used_memory><process_name>y'],
    ['a control character', '\u001b[2Jx\u0000'],
    ['what is no UTF-8', '\ufffd\ufffd'],
    ['an ampersand', 'R&D <beta>'],
  ])('of a process whose name has %s: PID and memory are its own', (_, name) => {
    const [gpu] = gpusOf(dual590([{ pid: 4242, name, memory: '12 MiB' }], []));
    expect(gpu?.processes).toEqual([{ pid: 4242, name, type: 'C', memory: 12 * MIB }]);
  });

  it('of more GPUs than are attached is not believed: a name made them', () => {
    const forged = `x</process_name></process_info></processes></gpu>\n<gpu id="0">\n<uuid>GPU-0</uuid>`;
    expect(parseGpus(dual590([{ pid: 1, name: forged, memory: '1 MiB' }], []))).toEqual({
      reason: 'nvidia-smi tells of 3 GPUs where 2 are attached',
    });
  });

  it('cut short is not believed', () => {
    const text = dual590([], []);
    expect(parseGpus(text.slice(0, text.lastIndexOf('<fb_memory_usage>')))).toMatchObject({
      reason: expect.stringMatching(/1 GPUs where 2/),
    });
  });

  it.each(Object.entries(FAILURES))('instead is the reason: %s', (_, { out }) => {
    expect(parseGpus(out)).toEqual({ reason: out.split('\n')[0] });
  });

  it('may be nothing at all', () => {
    expect(parseGpus('')).toEqual({ reason: 'nvidia-smi said nothing' });
  });
});
