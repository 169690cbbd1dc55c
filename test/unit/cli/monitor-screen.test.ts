import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { UnitActions } from '../../../src/cli/monitor/control.js';
import { JsonDisplay, PlainDisplay, ScreenDisplay } from '../../../src/cli/monitor/displays.js';
import { parseKeys } from '../../../src/cli/monitor/keys.js';
import { machineSample, unitSample } from '../sampler/sampled.js';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const [UP, DOWN] = ['\u001b[A', '\u001b[B'];

/** A terminal with a keyboard that is pressed by hand. */
function terminal({ hasKeys = true } = {}) {
  const written: string[] = [];
  const raw: boolean[] = [];
  let listener: ((text: string) => void) | undefined;
  let resized: (() => void) | undefined;
  const output = {
    columns: 100,
    rows: 40,
    write: (text: string) => written.push(text),
    on: (_: string, call: () => void) => {
      resized = call;
    },
    off: () => {
      resized = undefined;
    },
  };
  const input = {
    isTTY: hasKeys,
    ...(hasKeys ? { setRawMode: (isRaw: boolean) => raw.push(isRaw) } : {}),
    setEncoding() {},
    on: (_: string, call: (text: string) => void) => {
      listener = call;
    },
    off: () => {
      listener = undefined;
    },
    resume() {},
    pause() {},
  };
  return {
    output,
    input,
    raw,
    press: (text: string) => listener?.(text),
    resize: () => resized?.(),
    last: () => written.at(-1) ?? '',
    all: () => written.join(''),
  };
}

const a = unitSample({ unit: 'a.scope', cgroup: '/a', use: { memory: 3, cores: 0.1 } });
const b = unitSample({ unit: 'b.scope', cgroup: '/b', use: { memory: 2, cores: 0.2 } });
const shown = (units = [a, b]) => ({
  sample: machineSample({ units, processes: [] }),
  alerts: [],
  unitsLeftOut: 0,
});

function watching(more: Partial<UnitActions> = {}, options = {}) {
  const screen = terminal(options);
  const actions = {
    kill: vi.fn(async () => 'a.scope: Ended 1 process.'),
    retune: vi.fn(async () => 'b.scope: MemoryMax 8G -> 4G'),
    ...more,
  };
  const [quit, stop] = [vi.fn(), vi.fn()];
  const { input, output } = screen;
  const display = new ScreenDisplay({
    input,
    output,
    actions,
    sort: 'memory',
    processes: 5,
    quit,
    stop,
  });
  display.show(shown());
  return { ...screen, display, actions, quit, stop };
}

describe('a screen with keys', () => {
  it('selects units, and keeps the selection with its unit', () => {
    const { press, last, display } = watching();
    expect(last()).toContain('> a.scope');
    press(DOWN);
    expect(last()).toContain('> b.scope');
    press(DOWN + DOWN);
    expect(last()).toContain('> b.scope');
    press('n');
    expect(last()).toContain('by name');
    expect(last()).toContain('> b.scope');
    press(UP);
    expect(last()).toContain('> a.scope');
    display.show(shown([b]));
    expect(last()).toContain('> b.scope');
    display.show(shown([]));
    expect(last()).toContain('No unit has a limit');
  });

  it('puts units in order', () => {
    const { press, last } = watching();
    press('c');
    expect(last()).toMatch(/by cpu.*b\.scope.*a\.scope/s);
    press('s');
    expect(last()).toContain('by name');
    press('s');
    expect(last()).toMatch(/by memory.*a\.scope.*b\.scope/s);
  });

  it('ends a unit only after a y, and says what came of it', async () => {
    const { press, last, actions } = watching();
    press('k');
    expect(last()).toContain('End a.scope with all its processes? [y/N]');
    press('n');
    expect(last()).toContain('Nothing was ended.');
    press('k\r');
    press('k\u001b');
    expect(actions.kill).not.toHaveBeenCalled();
    press('ky');
    expect(actions.kill).toHaveBeenCalledExactlyOnceWith(a);
    await sleep(1);
    expect(last()).toContain('a.scope: Ended 1 process.');
  });

  it('means the unit that was asked about, whatever is selected by then', () => {
    const { press, display, actions } = watching();
    press('k');
    display.show(shown([b]));
    press('y');
    expect(actions.kill).toHaveBeenCalledExactlyOnceWith(a);
  });

  it('does one thing at a time', async () => {
    let end = (_: string) => {};
    const kill = vi.fn(
      () =>
        new Promise<string>((resolve) => {
          end = resolve;
        }),
    );
    const { press, last } = watching({ kill });
    press('ky');
    press('ky');
    expect(kill).toHaveBeenCalledOnce();
    expect(last()).toContain('Still at work.');
    end('done');
    await sleep(1);
    press('ky');
    expect(kill).toHaveBeenCalledTimes(2);
  });

  it('takes new limits', async () => {
    const { press, last, actions } = watching();
    press(`${DOWN}r`);
    press('MemoryMax=8X\u007fG  CPUQuota=50%');
    expect(last()).toContain(
      'New limits of b.scope (such as MemoryMax=4G CPUQuota=200%): MemoryMax=8G  CPUQuota=50%_',
    );
    press('\r');
    expect(actions.retune).toHaveBeenCalledExactlyOnceWith(b, ['MemoryMax=8G', 'CPUQuota=50%']);
    await sleep(1);
    expect(last()).toContain('b.scope: MemoryMax 8G -> 4G');
    press('r\r');
    expect(last()).toContain('Nothing was changed.');
    press('rMemoryMax=1G\u001b');
    expect(actions.retune).toHaveBeenCalledOnce();
  });

  it('says what was refused, harmlessly', async () => {
    const kill = async () => {
      throw Object.assign(new Error('a.scope is not killed'), { why: 'You are in it\u001b[2J.' });
    };
    const { press, last } = watching({ kill });
    press('ky');
    await sleep(1);
    expect(last()).toContain('a.scope is not killed. You are in it\\x1b[2J.');
  });

  it('ends by q and Ctrl-C, also from within a question; Ctrl-Z gives the terminal back', () => {
    const { press, quit, stop, display, raw, last } = watching();
    press('q');
    press('k\u0003');
    expect(quit).toHaveBeenCalledTimes(2);
    press('\u001a');
    expect(stop).toHaveBeenCalledOnce();
    display.pause();
    expect(raw).toEqual([true, false]);
    expect(last()).toBe(SHOW);
    display.resume();
    expect(raw).toEqual([true, false, true]);
    expect(last()).toContain(HIDE);
  });

  it('puts the terminal back, once', () => {
    const { display, raw, all } = watching();
    display.close();
    display.close();
    expect(raw).toEqual([true, false]);
    expect(all().split(SHOW)).toHaveLength(2);
    expect(all().endsWith(SHOW)).toBe(true);
  });

  it('fits a terminal that became smaller', () => {
    const { output, resize, last } = watching();
    output.columns = 50;
    resize();
    expect(last()).toContain('> a.scope');
    const lines = stripVTControlCharacters(last()).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
  });

  it('has neither keys nor a selection without a keyboard', () => {
    const { last, raw, press } = watching({}, { hasKeys: false });
    press('k');
    expect(last()).not.toMatch(/> a\.scope|quit|End/);
    expect(raw).toEqual([]);
  });
});

describe('parseKeys', () => {
  it('reads what a terminal sends, and leaves out what it does not know', () => {
    expect(parseKeys('\u001b[A\u001bOB\t\u001b[Zé\u001b[15~\u001b[1;5C\u0001\r')).toEqual([
      { name: 'up' },
      { name: 'down' },
      { name: 'down' },
      { name: 'up' },
      { name: 'text', text: 'é' },
      { name: 'enter' },
    ]);
    expect(parseKeys('\u001b')).toEqual([{ name: 'escape' }]);
  });
});

describe('without a terminal', () => {
  const sink = () => {
    const written: string[] = [];
    return { written, write: (text: string) => written.push(text) > 0 };
  };

  it('whole frames come one below the other', () => {
    const out = sink();
    const display = new PlainDisplay(out, { sort: 'memory', processes: 5 });
    display.show(shown());
    display.show(shown());
    display.close();
    expect(out.written).toHaveLength(2);
    expect(out.written[0]).toMatch(/^2026-01-02 13:04:05.*b\.scope.*\n$/s);
    expect(out.written[1]).toMatch(/^\n\n2026/);
    expect(out.written.join('')).not.toContain('\u001b');
  });

  it('JSON has one sample a line', () => {
    const out = sink();
    new JsonDisplay(out).show(shown());
    expect(out.written).toEqual([`${JSON.stringify(shown().sample)}\n`]);
  });
});
