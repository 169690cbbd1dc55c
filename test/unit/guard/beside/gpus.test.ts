import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Answer, GpuReading } from '../../../../src/gpu/index.js';
import { GpuKeeper } from '../../../../src/guard/beside/gpus.js';
import type { Note } from '../../../../src/guard/collect/index.js';
import { DEFAULT_SETTINGS } from '../../../../src/guard/settings/settings.js';

const base = mkdtempSync(join(tmpdir(), 'rlimit-keeper-'));
afterAll(() => rmSync(base, { recursive: true }));
let number = 0;
const GIB = 1024 ** 3;
const UUID = 'GPU-12345678-aaaa-bbbb-cccc-0123456789ab';

const full: () => GpuReading = () => ({
  kind: 'read',
  gpus: [
    {
      index: 0,
      uuid: UUID,
      name: 'H200',
      memoryTotal: 100 * GIB,
      memoryUsed: 95 * GIB,
      processes: [
        { pid: 50, name: '\u001b[2Jtrain', type: 'C', memory: 80 * GIB },
        { pid: 51, name: 'small', type: 'C', memory: 9 * GIB },
      ],
    },
  ],
});

/** A keeper over a made-up /proc and nvidia-smi. */
function keeper({ device = '/dev/nvidia0', startTicks = 7, uid = 0 } = {}) {
  number += 1;
  const directory = join(base, String(number));
  mkdirSync(join(directory, 'proc/50/fd'), { recursive: true });
  symlinkSync(device, join(directory, 'proc/50/fd/3'));
  const fields = Array.from({ length: 30 }, () => '0');
  fields[18] = String(startTicks);
  writeFileSync(join(directory, 'proc/50/stat'), `50 (train) S ${fields.join(' ')}\n`);
  const notes: Note[] = [];
  const lines: string[] = [];
  const killed: string[] = [];
  const state: { reading: GpuReading | undefined } = { reading: undefined };
  const ask = async (argv: readonly string[]): Promise<Answer> => {
    const line = argv.join(' ');
    lines.push(line);
    const answers: Record<string, string> = {
      'driver_version --': '550.1\n',
      persistence_mode: `0, ${UUID}, Disabled, [N/A], [N/A]\n`,
      '-pm': 'done\n',
    };
    const key = Object.keys(answers).find((each) => line.includes(each));
    if (key === undefined) return { kind: 'absent' };
    return { kind: 'answered', status: 0, out: answers[key] ?? '', err: '' };
  };
  const own = new GpuKeeper({
    settings: DEFAULT_SETTINGS,
    uid,
    directory,
    tell: (note) => void notes.push(note),
    ask,
    poller: { latest: () => state.reading, stop: () => {} },
    proc: join(directory, 'proc'),
    kill: (pid, signal) => void killed.push(`${signal} ${pid}`),
  });
  const mayEnd = (pid: number) => ({ pid, startTicks: 7, comm: 'train' });
  return {
    notes,
    killed,
    lines,
    way: join(directory, 'gpu-settings.json'),
    keeper: own,
    of: (about: string) => notes.filter((note) => note.about === about),
    look: (reading: GpuReading, atMs: number) => {
      state.reading = reading;
      own.step(atMs, mayEnd);
    },
  };
}

describe('the keeper of GPUs', () => {
  it('ends what fills one, once the kernel has seen it there', async () => {
    const { look, killed, of, keeper: own } = keeper();
    look(full(), 0);
    look(full(), 5000);
    await vi.waitFor(() => expect(of('gpu-end')).toHaveLength(1));
    expect(killed.filter((each) => each.startsWith('SIGTERM'))).toEqual(['SIGTERM 50']);
    expect(of('gpu-end')[0]).toMatchObject({
      level: 'critical',
      message: expect.stringMatching(
        /^SIGTERM to \\x1b\[2Jtrain \(PID 50\): it holds 80G of GPU 0/,
      ),
      fields: { pid: 50, result: 'done' },
    });
    await own.stop();
  });

  it('acts on each reading once, however often it is asked', async () => {
    const { look, killed, keeper: own } = keeper();
    const reading = full();
    for (let at = 0; at < 5; at += 1) look(reading, at * 1000);
    await own.stop();
    expect(killed).toEqual([]);
  });

  it.each([
    ['has no GPU open', { device: '/dev/null' }],
    ['is another one by now', { startTicks: 8 }],
  ])('leaves a process alone that %s', async (_, options) => {
    const { look, killed, of, keeper: own } = keeper(options);
    look(full(), 0);
    look(full(), 5000);
    await vi.waitFor(() => expect(of('gpu-end')).toHaveLength(1));
    expect(of('gpu-end')[0]?.message).toMatch(/does not see it on a GPU, so it is left alone$/);
    expect(killed.filter((each) => !each.startsWith('0'))).toEqual([]);
    await own.stop();
  });

  it('says once why nvidia-smi is silent', async () => {
    const { look, of, keeper: own } = keeper();
    for (let at = 0; at < 3; at += 1) look({ kind: 'silent', reason: 'GPU is lost' }, at);
    expect(of('gpu-silent')).toHaveLength(1);
    await own.stop();
  });

  it('has the driver set while it is there, with the way back in a file', async () => {
    const { way, lines, of, keeper: own } = keeper();
    await vi.waitFor(() => expect(of('gpu-driver')).toHaveLength(1));
    expect(JSON.parse(readFileSync(way, 'utf8'))).toEqual([['nvidia-smi', '-i', UUID, '-pm', '0']]);
    await own.stop();
    expect(lines.filter((line) => line.includes('-pm'))).toEqual([
      `nvidia-smi -i ${UUID} -pm 1`,
      `nvidia-smi -i ${UUID} -pm 0`,
    ]);
    expect(existsSync(way)).toBe(false);
  });

  it('of a user sets nothing', async () => {
    const { lines, of, keeper: own } = keeper({ uid: 1000 });
    await vi.waitFor(() => expect(of('gpu-driver')).toHaveLength(1));
    await own.stop();
    expect(lines.filter((line) => line.includes('-pm'))).toEqual([]);
  });
});
