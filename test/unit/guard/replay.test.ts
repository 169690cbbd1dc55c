import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Action } from '../../../src/guard/decide/types.js';
import { type Replay, replayTrace } from '../../../src/guard/replay.js';
import { DEFAULT_SETTINGS, type GuardSettings } from '../../../src/guard/settings/settings.js';
import { renderReplay } from '../../../src/render/guard.js';
import { STORIES, traceOf } from './stories.js';

const fileOf = (story: string) => `${import.meta.dirname}/traces/${story}.jsonl`;

function replay(story: string, settings: Partial<GuardSettings> = {}): Replay {
  return replayTrace(fileOf(story), { ...DEFAULT_SETTINGS, ...settings });
}

const actionsOf = (played: Replay): Action[] => played.steps.flatMap(({ actions }) => actions);
const all = <Do extends Action['do']>(played: Replay, what: Do) =>
  actionsOf(played).filter((each): each is Extract<Action, { do: Do }> => each.do === what);

describe('recorded traces', () => {
  for (const [name, story] of Object.entries(STORIES)) {
    it(`${name} leads to the same decisions as ever`, async () => {
      expect(readFileSync(fileOf(name), 'utf8')).toBe(traceOf(story()));
      const told = `${renderReplay(replay(name))}\n`;
      await expect(told).toMatchFileSnapshot(`traces/${name}.txt`);
      // Nothing in it may move a cursor.
      expect(told).not.toMatch(/[^\P{C}\n]/u);
    });
  }

  it('climbs the ladder once for a slow leak, and ends only the leak', () => {
    const leak = replay('slow-leak');
    expect(all(leak, 'warn')).toHaveLength(1);
    expect(all(leak, 'tokens').map(({ most }) => most)).toEqual([1, 0, undefined]);
    expect(all(leak, 'end')).toMatchObject([{ process: { comm: 'leaky' }, signal: 'SIGTERM' }]);
  });

  it('warns once of a value that wavers, and again in the next episode', () => {
    expect(replay('flapping').steps.filter(({ actions }) => actions.some(isWarning))).toHaveLength(
      2,
    );
  });

  it('kills a hog once, however often it looks while that dies', () => {
    expect(all(replay('hog'), 'end')).toMatchObject([
      { process: { comm: 'hog' }, signal: 'SIGKILL' },
    ]);
  });

  it('ends neither the protected that grows nor small ones for it', () => {
    const grows = replay('protected-grows');
    expect(all(grows, 'end')).toEqual([]);
    expect(grows.steps.flatMap(({ why }) => why)).toEqual([
      expect.stringContaining('nothing that may be ended holds'),
    ]);
  });

  it('leaves the ending to earlyoom, unless it is told not to', () => {
    expect(all(replay('earlyoom'), 'end')).toEqual([]);
    const backstop = { ...DEFAULT_SETTINGS.backstop, yield_to_earlyoom: false };
    expect(all(replay('earlyoom', { backstop }), 'end')).toMatchObject([
      { process: { comm: 'hog' }, signal: 'SIGTERM' },
      { process: { comm: 'hog' }, signal: 'SIGKILL' },
    ]);
  });

  it('breaks a stall once, and takes nothing for one that can go on', () => {
    expect(all(replay('livelock'), 'breakLivelock')).toMatchObject([
      { unit: 'server.service', how: 'raise' },
      { unit: 'open.service', how: 'kill', spare: expect.arrayContaining([1, 400, 900]) },
    ]);
    const livelock = { ...DEFAULT_SETTINGS.livelock, action: 'warn' as const };
    expect(all(replay('livelock', { livelock }), 'breakLivelock')).toEqual([]);
  });

  it('does not believe a name that a process has given itself', () => {
    const ended = all(replay('hostile-names'), 'end').map(({ process }) => process.pid);
    expect(ended).toEqual([2000, 2001, 2002]);
  });

  it('cannot be made to touch PID 1, a way in, or itself', () => {
    const backstop = {
      ...DEFAULT_SETTINGS.backstop,
      least_percent: 0,
      prefer: ['sshd', 'systemd'],
    };
    for (const settings of [{}, { backstop }, { managed_processes: [] }]) {
      const touched = actionsOf(replay('assassin', settings)).flatMap((action) =>
        'process' in action ? [action.process.comm] : 'unit' in action ? [action.unit] : [],
      );
      // Without its protection an editor is a process like others.
      expect(touched.filter((comm) => comm !== 'vim')).toEqual([]);
    }
  });

  it('freezes the youngest run, lets it go on, and ends a frozen one at once and whole', () => {
    const builds = replay('builds');
    expect(all(builds, 'freeze')[0]?.unit).toBe('rlimit-coq-standard-young.scope');
    expect(all(builds, 'thaw')).toHaveLength(1);
    expect(all(builds, 'endUnit')).toMatchObject([
      { unit: 'rlimit-coq-standard-young.scope', signal: 'SIGKILL' },
    ]);
  });
});

describe('a file that is no trace', () => {
  const write = (text: string) => {
    const directory = mkdtempSync(join(tmpdir(), 'rlimit-trace-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(`${directory}/trace`, text);
    return `${directory}/trace`;
  };

  it('is named with the line', () => {
    const scene = '{"scene":{"self":1,"uid":0,"admins":[]}}';
    expect(() => replayTrace(write('{}'), DEFAULT_SETTINGS)).toThrow(':1: a trace begins');
    expect(() => replayTrace(write(`${scene}\n{"a`), DEFAULT_SETTINGS)).toThrow(':2: it is not');
    expect(() => replayTrace(write(`${scene}\n{}`), DEFAULT_SETTINGS)).toThrow(':2: it is no');
    expect(() => replayTrace('/nowhere', DEFAULT_SETTINGS)).toThrow('cannot be read');
    expect(replayTrace(write(scene), DEFAULT_SETTINGS).steps).toEqual([]);
  });
});

function isWarning({ do: what }: Action): boolean {
  return what === 'warn';
}
