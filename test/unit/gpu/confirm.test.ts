import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isOnGpu } from '../../../src/gpu/confirm.js';
import type { Answer } from '../../../src/gpu/program.js';

const proc = mkdtempSync(join(tmpdir(), 'rlimit-proc-'));
afterAll(() => rmSync(proc, { recursive: true }));

function withFiles(pid: number, ...files: string[]): void {
  mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
  for (const [at, file] of files.entries()) symlinkSync(file, join(proc, `${pid}/fd/${at}`));
}

const never = async (): Promise<Answer> => {
  throw new Error('nvidia-smi was asked');
};

describe('a process that nvidia-smi names', () => {
  it.each([
    ['/dev/nvidia0', true],
    ['/dev/nvidiactl', true],
    ['/dev/dri/renderD128', true],
    ['/home/u/dev/nvidia0', false],
    ['/dev/null', false],
  ])('with %s open is on a GPU: %s', async (file, is) => {
    rmSync(join(proc, '10'), { recursive: true, force: true });
    withFiles(10, '/dev/pts/1', file);
    expect(await isOnGpu(10, { proc, ask: never })).toBe(is);
  });

  it('that is not there, as a PID of another namespace, is on none', async () => {
    expect(await isOnGpu(11, { proc, ask: never })).toBe(false);
  });
});
