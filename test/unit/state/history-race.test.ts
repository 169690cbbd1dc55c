/** What happens between two system calls of one run, made to happen each time. */
import * as childProcess from 'node:child_process';
import * as fs from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import {
  appendOutcome,
  HISTORY_LIMIT,
  historyFile,
  readHistory,
} from '../../../src/state/index.js';
import { tree } from '../cgroup/tree.js';
import { killed, OUTCOME } from '../history/outcome.js';

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, writeSync: vi.fn(real.writeSync), openSync: vi.fn(real.openSync) };
});
vi.mock('node:child_process', async (original) => {
  const real = await original<typeof childProcess>();
  return { ...real, spawnSync: vi.fn(real.spawnSync) };
});
afterEach(() => vi.resetAllMocks());

function place() {
  const env = { XDG_STATE_HOME: tree({}) };
  appendOutcome(OUTCOME, env);
  return { env, file: historyFile(env) };
}

/** Does something just before the next call of a function. */
function before<T extends (...args: never[]) => unknown>(mocked: T, action: () => void): void {
  const real = vi.mocked(mocked).getMockImplementation() as T;
  vi.mocked(mocked).mockImplementationOnce(((...args: never[]) => {
    action();
    return real(...args);
  }) as never);
}

it('a history that is removed while a run is appended has that run', () => {
  const { env, file } = place();
  before(fs.writeSync, () => fs.unlinkSync(file));
  appendOutcome(killed(), env);
  expect(readHistory(env)).toEqual({ outcomes: [killed()], skipped: [] });
});

it('a history that becomes the old generation while a run is appended has it there', () => {
  const { env, file } = place();
  before(fs.writeSync, () => fs.renameSync(file, `${file}.1`));
  appendOutcome(killed(), env);
  expect(fs.existsSync(file)).toBe(false);
  expect(readHistory(env)).toEqual({ outcomes: [OUTCOME, killed()], skipped: [] });
});

it('a fresh file is not set aside by a run that has still seen the full one', () => {
  const { env, file } = place();
  const line = fs.readFileSync(file, 'utf8');
  const count = Math.ceil(HISTORY_LIMIT / line.length);
  fs.writeFileSync(file, line.repeat(count));
  // The rival is done between our look at the full file and our lock on it.
  before(childProcess.spawnSync, () => {
    fs.renameSync(file, `${file}.1`);
    fs.writeFileSync(file, line);
  });
  appendOutcome(killed(), env);
  expect(readHistory(env).outcomes).toHaveLength(count + 2);
});

it('a fresh file is not set aside for the size of the one before it', () => {
  const { env, file } = place();
  const line = fs.readFileSync(file, 'utf8');
  const count = Math.ceil(HISTORY_LIMIT / line.length);
  fs.writeFileSync(file, line.repeat(count));
  // The rival is done between our look at the size and our opening of the file.
  before(fs.openSync, () => {
    fs.renameSync(file, `${file}.1`);
    fs.writeFileSync(file, line);
  });
  appendOutcome(killed(), env);
  expect(readHistory(env).outcomes).toHaveLength(count + 2);
});

it('a full file that is removed meanwhile is no trouble', () => {
  const { env, file } = place();
  fs.truncateSync(file, HISTORY_LIMIT);
  before(childProcess.spawnSync, () => fs.unlinkSync(file));
  appendOutcome(killed(), env);
  expect(readHistory(env)).toEqual({ outcomes: [killed()], skipped: [] });
});

it('a file that becomes the old generation while it is read is read once, and whole', () => {
  const { env, file } = place();
  fs.writeFileSync(`${file}.1`, '');
  // Before the second file is opened.
  const { openSync } = fs;
  const real = vi.mocked(openSync).getMockImplementation() as typeof openSync;
  vi.mocked(openSync).mockImplementation((path, ...rest) => {
    if (path === `${file}.1`) {
      fs.renameSync(file, `${file}.1`);
      appendOutcome(killed(), env);
    }
    return real(path, ...rest);
  });
  expect(readHistory(env)).toEqual({ outcomes: [OUTCOME], skipped: [] });
});

it('without flock the run is kept, and the trouble is said', () => {
  const { env, file } = place();
  fs.truncateSync(file, HISTORY_LIMIT);
  vi.mocked(childProcess.spawnSync).mockReturnValueOnce({
    status: null,
    error: new Error('spawnSync flock ENOENT'),
  } as never);
  expect(() => appendOutcome(killed(), env)).toThrow(
    `${file} is full and could not be set aside: flock of util-linux: spawnSync flock ENOENT`,
  );
  expect(readHistory(env).outcomes).toContainEqual(killed());
});
