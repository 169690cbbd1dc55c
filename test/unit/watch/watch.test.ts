import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { onStallOf } from '../../../src/watch/policy.js';
import { Watcher, type WatchOptions, watch } from '../../../src/watch/watch.js';
import { procFiles, tree } from '../cgroup/tree.js';

const UNIT = 'rlimit-a-1.scope';
const CGROUP =
  `/user.slice/user-1000.slice/user@1000.service/app.slice/app-rlimit.slice/${UNIT}` as const;
const MiB = 1024 ** 2;

/** A scope whose files are as in the recorded livelock, second by second. */
function machine(options: Partial<WatchOptions> = {}) {
  const lines = readFileSync(new URL('./recorded/livelock.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { files: Record<string, string> });
  const root = tree({
    'proc/meminfo': 'SwapFree: 0 kB\n',
    'run/x': '',
    ...procFiles(77, { cgroup: CGROUP, comm: 'hog' }),
  });
  const at = (second: number) => {
    mkdirSync(`${root}${CGROUP}`, { recursive: true });
    const files = { ...lines[second]?.files, 'cgroup.events': 'populated 1', 'cgroup.procs': '77' };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(`${root}${CGROUP}/${name}`, content);
    }
  };
  let state = 'active';
  const watchOptions: WatchOptions = {
    names: [],
    root,
    proc: `${root}/proc`,
    uid: 1000,
    env: { XDG_RUNTIME_DIR: `${root}/run` },
    ask: async () => `Id=${UNIT}\nLoadState=loaded\nActiveState=${state}\nControlGroup=${CGROUP}\n`,
    ...options,
  };
  const end = () => {
    state = 'failed';
    rmSync(`${root}${CGROUP}`, { recursive: true });
  };
  return { root, at, end, options: watchOptions };
}

describe('Watcher', () => {
  it('shows use, rates and processes, and the stall as soon as it is sure', async () => {
    const { at, options } = machine();
    const watcher = new Watcher(options);
    at(0);
    await watcher.start(0);
    await watcher.sample(0);
    const [first] = watcher.look(0).units;
    expect(first).toMatchObject({
      unit: UNIT,
      memory: { current: 4636672, high: 40 * MiB, max: 200 * MiB },
      swap: { current: 0, max: 0 },
      processes: [{ pid: 77, comm: 'hog' }],
      findings: [],
    });
    expect(first?.cpu).not.toHaveProperty('cores');
    const news: number[] = [];
    for (let second = 1; second < 20; second += 1) {
      at(second);
      if (await watcher.sample(second * 1000)) news.push(second);
    }
    expect(news).toEqual([9]);
    const [last] = watcher.look(19_000).units;
    expect(last).toMatchObject({ seconds: 19, findings: [{ id: 'livelock', unit: UNIT }] });
    expect(last?.cpu.cores).toBeGreaterThan(0.01);
    expect(last?.findings[0]?.remedy).toContain(`rlimit inspect --break-stall ${UNIT}`);
  });

  it('breaks a stall once as the profile says, and says what was done', async () => {
    const kills: string[] = [];
    const { root, at, options } = machine({ onStall: async () => 'kill' });
    const kill = (pid: number, signal: string) => {
      kills.push(`${signal} ${pid}`);
      rmSync(`${root}/proc/${pid}`, { recursive: true });
    };
    const watcher = new Watcher({ ...options, breaking: { kill } });
    at(0);
    await watcher.start(0);
    for (let second = 0; second < 12; second += 1) {
      at(second);
      await watcher.sample(second * 1000);
    }
    expect(kills).toEqual(['SIGKILL 77']);
    expect(watcher.look(12_000).breaks).toMatchObject([
      { unit: UNIT, how: 'kill', done: true, process: { pid: 77, comm: 'hog' } },
    ]);
    expect(watcher.look(12_001).breaks).toEqual([]);
  });

  it('tries only once what cannot be done', async () => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return '';
    };
    const { at, options } = machine({ onStall: async () => 'kill' });
    const kill = () => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    };
    const watcher = new Watcher({ ...options, breaking: { kill, ask } });
    at(0);
    await watcher.start(0);
    for (let second = 0; second < 16; second += 1) {
      at(second);
      await watcher.sample(second * 1000);
    }
    expect(asked).toBe(0);
    expect(watcher.look(16_000).breaks).toMatchObject([
      { done: false, why: 'you may not signal it' },
    ]);
  });
});

describe('watch', () => {
  it('ends when all named units have ended, and says how', async () => {
    const { at, end, options } = machine({ names: [UNIT] });
    at(0);
    const looks = watch({ ...options, intervalMs: 10, signal: new AbortController().signal });
    expect((await looks.next()).value?.units).toHaveLength(1);
    end();
    const { value } = await looks.next();
    expect(value).toMatchObject({ units: [], ended: [{ unit: UNIT, state: 'failed' }] });
    expect((await looks.next()).done).toBe(true);
  });

  it('ends when it is told to, also while it waits', async () => {
    const { at, options } = machine();
    at(0);
    const controller = new AbortController();
    const looks = watch({ ...options, intervalMs: 3_600_000, signal: controller.signal });
    await looks.next();
    setTimeout(() => controller.abort(), 20);
    expect((await looks.next()).done).toBe(true);
  });
});

describe('onStallOf', () => {
  const record = (profile: string, cwd = '/') => ({
    record: {
      version: 1,
      unit: UNIT,
      slice: '',
      profile,
      properties: {},
      command: [],
      cwd,
      started: 0,
    } as const,
  });
  it('is what the profile says where the unit was started', async () => {
    const root = tree({
      'config/rlimit/profiles/mine.yaml': 'extends: default\non-stall: kill\n',
      'project/.rlimit.yaml': 'profiles: {agent: {on-stall: kill}}\n',
    });
    const env = { HOME: root, XDG_CONFIG_HOME: `${root}/config` };
    const of = (profile: string, cwd?: string) => onStallOf(record(profile, cwd) as never, env);
    expect(await of('mine')).toBe('kill');
    expect(await of('agent', `${root}/project`)).toBe('kill');
    expect(await of('agent')).toBe('raise');
    expect(await of('deleted-since')).toBe('raise');
    expect(await onStallOf({}, env)).toBe('raise');
  });
});
