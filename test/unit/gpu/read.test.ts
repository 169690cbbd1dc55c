import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Answer, askProgram, onPath } from '../../../src/gpu/program.js';
import { type GpuReading, pauseAfter, pollGpus, readGpus } from '../../../src/gpu/read.js';
import { DESKTOP_470, FAILURES } from './outputs.js';

const folder = mkdtempSync(join(tmpdir(), 'rlimit-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const answering = (answer: Partial<Answer>) => async () =>
  ({ kind: 'answered', status: 0, out: '', err: '', ...answer }) as Answer;

describe('a reading', () => {
  it('has the GPUs', async () => {
    expect(await readGpus(answering({ out: DESKTOP_470 }))).toMatchObject({
      kind: 'read',
      driver: '470.74',
      gpus: [{ index: 0 }],
    });
  });

  it('without nvidia-smi, or without a GPU, is that there is none', async () => {
    expect(await readGpus(answering({ kind: 'absent' }))).toEqual({ kind: 'none' });
    expect(await readGpus(answering(FAILURES.noDevice))).toEqual({ kind: 'none' });
  });

  it.each(['mismatch', 'noDriver', 'lost'] as const)(
    'that failed says why: %s',
    async (failure) => {
      expect(await readGpus(answering(FAILURES[failure]))).toEqual({
        kind: 'silent',
        reason: FAILURES[failure].out.split('\n')[0],
      });
    },
  );

  it('that failed with words on stderr alone says them', async () => {
    const answer = { status: 255, err: '\nInsufficient permissions\n' };
    expect(await readGpus(answering(answer))).toMatchObject({ reason: 'Insufficient permissions' });
  });
});

describe('a program that is asked', () => {
  it('answers with its status and its words', async () => {
    expect(await askProgram(['sh', '-c', 'echo a; echo b >&2; exit 3'])).toEqual({
      kind: 'answered',
      status: 3,
      out: 'a\n',
      err: 'b\n',
    });
  });

  it('is absent where there is none', async () => {
    expect(await askProgram([`${folder}/none`])).toEqual({ kind: 'absent' });
  });

  it('is not waited for when it hangs, also where it holds its pipes by a child', async () => {
    const answer = await askProgram(['sh', '-c', 'sleep 3 & wait'], 50);
    expect(answer).toEqual({ kind: 'silent', reason: 'sh did not answer within 0.05 s' });
  });

  it('is given up where it does not stop talking', async () => {
    const answer = await askProgram(['sh', '-c', 'yes'], 60_000);
    expect(answer).toEqual({ kind: 'silent', reason: 'sh does not stop talking' });
  });

  it('that dies is silent', async () => {
    expect(await askProgram(['sh', '-c', 'kill -SEGV $$'])).toEqual({
      kind: 'silent',
      reason: 'sh was ended by SIGSEGV',
    });
  });

  it('is looked for in absolute directories only', () => {
    writeFileSync(join(folder, 'tool'), '');
    chmodSync(join(folder, 'tool'), 0o755);
    expect(onPath('tool', { PATH: `.:${folder}` })).toBe(join(folder, 'tool'));
    expect(onPath('tool', { PATH: '.:relative' })).toBeUndefined();
  });
});

describe('the pace', () => {
  const read: GpuReading = { kind: 'read', gpus: [] };

  it.each<[GpuReading, number, number]>([
    [read, 10, 5000],
    [read, 1000, 20_000],
    [read, 9000, 60_000],
    [{ kind: 'silent', reason: '' }, 10, 60_000],
    [{ kind: 'none' }, 10, 300_000],
  ])('after %j that took %s ms is %s ms', (reading, took, pause) => {
    expect(pauseAfter(reading, took)).toBe(pause);
  });

  it('is its own: who asks for the latest never waits, and a hanging program blocks nobody', async () => {
    let asked = 0;
    const poller = pollGpus({
      periodMs: 1,
      ask: () => {
        asked += 1;
        return asked < 3 ? answering({ out: DESKTOP_470 })() : new Promise(() => {});
      },
    });
    expect(poller.latest()).toBeUndefined();
    await vi.waitFor(() => expect(asked).toBe(3));
    expect(poller.latest()).toMatchObject({ kind: 'read' });
    poller.stop();
  });

  it('stops', async () => {
    let asked = 0;
    const poller = pollGpus({
      periodMs: 1,
      ask: async () => {
        asked += 1;
        return { kind: 'answered', status: 0, out: DESKTOP_470, err: '' };
      },
    });
    poller.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toBe(1);
  });
});
