import { describe, expect, it } from 'vitest';
import { decide, refuse } from '../../../src/guard/decide/decide.js';
import { type Action, type GuardState, initialState } from '../../../src/guard/decide/types.js';
import { undo } from '../../../src/guard/decide/undo.js';
import { DEFAULT_SETTINGS, type GuardSettings } from '../../../src/guard/settings/settings.js';
import type { MachineSample } from '../../../src/model/index.js';
import { cgroupOf, GiB, MiB, machine, process, run, SCENE } from './world.js';

/** Goes through samples; says all that was done. */
function play(
  samples: readonly MachineSample[],
  settings: GuardSettings = DEFAULT_SETTINGS,
  state: GuardState = initialState(SCENE),
): { state: GuardState; actions: Action[] } {
  const actions: Action[] = [];
  for (const sample of samples) {
    const decision = decide(state, sample, settings);
    ({ state } = decision);
    actions.push(...decision.actions);
  }
  return { state, actions };
}

const doing = (actions: readonly Action[], ...kinds: Action['do'][]) =>
  actions.filter((action) => kinds.includes(action.do));

describe('a victim', () => {
  const end = (...processes: ReturnType<typeof process>[]) =>
    doing(play([machine(0, 2, processes)]).actions, 'end').flatMap((action) =>
      'process' in action ? [action.process.comm] : [],
    );

  it('is the largest by anonymous memory and swap, not by what it has mapped', () => {
    const mapped = process(2000, 'mapped', GiB, { rss: 9 * GiB });
    const swapped = process(2001, 'swapped', GiB, { swap: 4 * GiB });
    expect(end(mapped, swapped, process(2002, 'plain', 3 * GiB))).toEqual(['swapped']);
  });

  it('is one of the preferred before a larger one, if that is no matter of crumbs', () => {
    expect(end(process(2000, 'a', 4 * GiB), process(2001, 'python3', 2 * GiB))).toEqual([
      'python3',
    ]);
    expect(end(process(2000, 'a', 4 * GiB), process(2001, 'python3', 0.5 * GiB))).toEqual(['a']);
    const named = process(2001, 'MainThread', 2 * GiB, { argv0: 'node' });
    expect(end(process(2000, 'a', 4 * GiB), named)).toEqual(['MainThread']);
  });

  it('is one of those to be avoided only where nobody else is worth it', () => {
    const desktop = process(2000, 'gnome-shell', 8 * GiB);
    expect(end(desktop, process(2001, 'a', GiB))).toEqual(['a']);
    expect(end(desktop, process(2001, 'a', MiB))).toEqual(['gnome-shell']);
  });

  it('gets SIGTERM first, and SIGKILL when it does not listen or memory is nearly gone', () => {
    const hog = process(2000, 'hog', 9 * GiB);
    const at = (ms: number, available: number) => machine(ms, available, [hog]);
    const patient = play([at(0, 4.5), at(1000, 4.5), at(3900, 4.5), at(4100, 4.5)]);
    expect(doing(patient.actions, 'end')).toMatchObject([
      { signal: 'SIGTERM' },
      { signal: 'SIGKILL', why: expect.stringContaining('SIGTERM has not ended it for 4 s') },
    ]);
    const urgent = play([at(0, 4.5), at(200, 2.9)]);
    expect(doing(urgent.actions, 'end')).toMatchObject([
      { signal: 'SIGTERM' },
      { signal: 'SIGKILL' },
    ]);
  });

  it('that cannot be ended is given up for the next', () => {
    const samples = [0, 1000, 7000].map((ms) =>
      machine(ms, 2, [process(2000, 'stuck', 9 * GiB), process(2001, 'next', 3 * GiB)]),
    );
    expect(doing(play(samples).actions, 'end')).toMatchObject([
      { process: { comm: 'stuck' } },
      { process: { comm: 'next' } },
    ]);
    const { state } = play(samples.slice(0, 1));
    const refused = refuse(state, 'end', '2000:3000');
    const next = play(samples.slice(1, 2), DEFAULT_SETTINGS, refused);
    expect(doing(next.actions, 'end')).toMatchObject([{ process: { comm: 'next' } }]);
  });

  it('of a user’s guard is one of that user’s own', () => {
    const mine = process(2000, 'mine', GiB, { uid: 1001 });
    const sample = machine(0, 2, [mine, process(2001, 'theirs', 9 * GiB, { uid: 1002 })]);
    const scene = { self: 900, uid: 1001, admins: [0, 1001] };
    const { actions } = play([sample], DEFAULT_SETTINGS, initialState(scene));
    expect(doing(actions, 'end', 'adjust').map(pidOf)).toEqual([2000, 2000]);
  });

  it('waits for the swap where that is asked for', () => {
    const backstop = { ...DEFAULT_SETTINGS.backstop, swap_percent: 10 };
    const at = (swapFree: number) => {
      const sample = machine(0, 2, [process(2000, 'hog', 9 * GiB)]);
      return { ...sample, memory: { ...sample.memory, swapTotal: GiB, swapFree } };
    };
    const settings = { ...DEFAULT_SETTINGS, backstop };
    expect(doing(play([at(GiB / 2)], settings).actions, 'end')).toEqual([]);
    expect(doing(play([at(GiB / 20)], settings).actions, 'end')).toHaveLength(1);
    expect(doing(play([at(GiB / 2)]).actions, 'end')).toHaveLength(1);
  });
});

describe('a run', () => {
  const inside = (pid: number, comm: string, held: number) =>
    process(pid, comm, held, { cgroup: cgroupOf('rlimit-coq-standard-1.scope') });

  it('is ended whole, unless something in it has to live', () => {
    const ends = (comm: string) =>
      doing(
        play([
          machine(0, 2, [inside(2000, 'coqc', 3 * GiB), inside(2001, comm, GiB)], {
            units: [run('1', 4 * GiB)],
          }),
        ]).actions,
        'end',
        'endUnit',
      );
    expect(ends('coqc')).toMatchObject([{ do: 'endUnit', memory: 4 * GiB }]);
    expect(ends('vim')).toMatchObject([{ do: 'end', process: { pid: 2000 } }]);
  });

  it('is not frozen with somebody in it that must live, nor for longer than may be', () => {
    const at = (ms: number, comm: string) =>
      machine(ms, 7, [inside(2000, comm, 3 * GiB)], { units: [run('1', 3 * GiB)] });
    expect(doing(play([at(0, 'vim')]).actions, 'freeze')).toEqual([]);
    const times = [0, 30_000, 60_000, 66_000, 200_000, 361_000];
    const { actions } = play(times.map((ms) => at(ms, 'coqc')));
    expect(doing(actions, 'freeze', 'thaw').map((action) => action.do)).toEqual([
      ...['freeze', 'thaw', 'freeze'],
    ]);
  });

  it('keeps what is protected elsewhere, under its own limits', () => {
    const sample = machine(0, 60, [inside(2000, 'vim', MiB)], { units: [run('1', MiB)] });
    expect(doing(play([sample]).actions, 'protect')).toEqual([]);
  });
});

describe('scores', () => {
  const three = [5, 4, 3].map((size, at) => process(2000 + at, `p${at}`, size * GiB));

  it('are given to the three largest, and given back', () => {
    const first = play([machine(0, 60, three)]);
    expect(doing(first.actions, 'adjust').map(pidOf)).toEqual([2000, 2001, 2002]);
    const larger = process(2003, 'larger', 6 * GiB, { oomScoreAdj: 200 });
    const next = play([machine(1000, 60, [...three, larger])], DEFAULT_SETTINGS, first.state);
    expect(doing(next.actions, 'adjust', 'restore')).toMatchObject([
      { do: 'restore', process: { pid: 2002 }, from: 700, to: 0 },
      { do: 'adjust', process: { pid: 2003 }, from: 200, to: 700 },
    ]);
    const off = { ...DEFAULT_SETTINGS.dynamic_adjustment, enabled: false };
    const settings = { ...DEFAULT_SETTINGS, dynamic_adjustment: off };
    const last = play([machine(2000, 60, three)], settings, next.state);
    expect(doing(last.actions, 'restore')).toHaveLength(2);
  });

  it('do not change hands for a flicker, and are no score that somebody has set', () => {
    const first = play([machine(0, 60, three)]);
    const near = process(2003, 'near', 3.1 * GiB);
    const kept = process(2004, 'kept', 9 * GiB, { oomScoreAdj: -500 });
    const next = play([machine(1000, 60, [...three, near, kept])], DEFAULT_SETTINGS, first.state);
    expect(next.actions).toEqual([]);
  });

  it('of one that is on its way out are left alone', () => {
    const first = play([machine(0, 60, three)]);
    const leaving = process(2000, 'p0', 0);
    const next = play([machine(1000, 60, [leaving])], DEFAULT_SETTINGS, first.state);
    expect(doing(next.actions, 'adjust', 'restore')).toEqual([]);
    expect(Object.keys(next.state.adjusted)).toEqual(['2000:3000']);
  });

  it('change with the settings by way of the old value', () => {
    const first = play([machine(0, 60, three.slice(0, 1))]);
    const score = { ...DEFAULT_SETTINGS.dynamic_adjustment, score: 300 };
    const settings = { ...DEFAULT_SETTINGS, dynamic_adjustment: score };
    const next = play([machine(1000, 60, three.slice(0, 1))], settings, first.state);
    expect(next.actions).toMatchObject([
      { do: 'restore', from: 700, to: 0 },
      { do: 'adjust', from: 0, to: 300 },
    ]);
    expect(next.state.adjusted['2000:3000']).toMatchObject({ from: 0, to: 300 });
  });
});

describe('protection', () => {
  it('is given once, and taken back when the name is managed no longer', () => {
    const vim = process(2000, 'vim', MiB);
    const first = play([machine(0, 60, [vim]), machine(1000, 60, [vim])]);
    expect(doing(first.actions, 'protect')).toHaveLength(1);
    const settings = { ...DEFAULT_SETTINGS, managed_processes: [] };
    const next = play([machine(2000, 60, [vim])], settings, first.state);
    expect(doing(next.actions, 'unprotect')).toMatchObject([{ to: vim.cgroup }]);
  });

  it('matches whole names, also those that are longer than the kernel keeps', () => {
    const names = ['vim', 'vimdiff', 'go', 'gopls', 'a-very-long-nam'];
    const processes = names.map((name, at) => process(2000 + at, name, MiB));
    const long = process(2010, 'a-very-long-nam', MiB, { argv0: 'a-very-long-name' });
    const managed_processes = ['vim', 'go', 'a-very-long-name'];
    const settings = { ...DEFAULT_SETTINGS, managed_processes };
    const { actions } = play([machine(0, 60, [...processes, long])], settings);
    expect(doing(actions, 'protect').map(pidOf)).toEqual([2000, 2002, 2010]);
  });

  it('of a user is only where that user can put a process back', () => {
    const scene = { self: 900, uid: 1001, admins: [0, 1001] };
    const own = '/user.slice/user-1001.slice/user@1001.service/app.slice/a.scope';
    const sample = machine(0, 60, [
      process(2000, 'vim', MiB),
      process(2001, 'vim', MiB, { cgroup: own }),
    ]);
    const { actions, why } = decide(initialState(scene), sample, DEFAULT_SETTINGS);
    expect(doing(actions, 'protect').map(pidOf)).toEqual([2001]);
    expect(why).toEqual([expect.stringContaining('only root could put it back')]);
  });
});

describe('the state', () => {
  it('can be put back, the frozen first', () => {
    const inside = process(2000, 'coqc', 3 * GiB, {
      cgroup: cgroupOf('rlimit-coq-standard-1.scope'),
    });
    const units = [run('1', 3 * GiB)];
    const { state } = play([machine(0, 7, [inside, process(2001, 'vim', MiB)], { units })]);
    expect(undo(state).map((action) => action.do)).toEqual([
      ...['thaw', 'tokens', 'restore', 'unprotect'],
    ]);
  });

  it('is plain JSON, so that a restarted guard goes on with it', () => {
    const samples = [7, 7, 4, 4].map((available, at) =>
      machine(at * 1000, available, [process(2000, 'hog', 9 * GiB), process(2001, 'vim', MiB)]),
    );
    const whole = play(samples);
    const half = play(samples.slice(0, 2));
    const resumed = JSON.parse(JSON.stringify(half.state)) as GuardState;
    const rest = play(samples.slice(2), DEFAULT_SETTINGS, resumed);
    expect([...half.actions, ...rest.actions]).toEqual(whole.actions);
    expect(rest.state).toEqual(whole.state);
  });

  it('does not grow in a day of samples with processes that come and go', () => {
    let state = initialState(SCENE);
    let largest = 0;
    let early = 0;
    for (let second = 0; second < 86_400; second += 1) {
      const wave = 20 + 18 * Math.sin(second / 600);
      const churn = [0, 1, 2, 3].map((at) => {
        const pid = 2000 + ((second + at) % 30_000);
        const name = ['vim', 'cc1', 'python3', 'go'][at] as string;
        return process(pid, name, (at + 1) * GiB, { startTicks: second + at });
      });
      const units = [run(String(second >> 4), 2 * GiB, { started: second })];
      const inside = process(1999, 'coqc', 2 * GiB, {
        ...{ cgroup: cgroupOf(units[0]?.unit ?? ''), startTicks: second >> 4 },
      });
      ({ state } = decide(
        state,
        machine(second * 1000, wave, [...churn, inside], { units }),
        DEFAULT_SETTINGS,
      ));
      if (second % 100 !== 0) continue;
      const size = JSON.stringify(state).length;
      if (second < 10_000) early = Math.max(early, size);
      largest = Math.max(largest, size);
    }
    expect(largest).toBeLessThan(early * 1.1);
  });

  it('bears a clock that stands still and one that jumps', () => {
    const hog = process(2000, 'hog', 9 * GiB);
    const times = [1000, 1000, 500, 900_000, 0];
    const { actions } = play(times.map((ms) => machine(ms, 4.5, [hog])));
    expect(doing(actions, 'end').length).toBeLessThan(4);
  });
});

function pidOf(action: Action): number {
  return 'process' in action ? action.process.pid : 0;
}
