import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isNamed } from '../../../src/cgroup/index.js';
import { endCgroup, endProcesses, listProcesses } from '../../../src/kill/end.js';
import { signalProcess } from '../../../src/kill/signal.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

const CGROUP = '/app.slice/rlimit-a-1.scope';

/** A scope with processes in it, and a kill(2) that does with them what `reacts` says. */
function scope(
  processes: Record<number, Partial<FakeProcess>>,
  reacts: (pid: number, signal: string) => 'dies' | 'lives' | 'refuses',
) {
  const files = Object.entries(processes).map(([pid, fake]) =>
    procFiles(Number(pid), { cgroup: CGROUP, ...fake }),
  );
  const root = tree(Object.assign({}, ...files));
  const sent: string[] = [];
  const directory = `${root}${CGROUP}`;
  mkdirSync(directory, { recursive: true });
  const write = () => {
    const alive = Object.keys(processes).filter((pid) => existsSync(`${root}/proc/${pid}`));
    writeFileSync(`${directory}/cgroup.procs`, alive.map((pid) => `${pid}\n`).join(''));
    writeFileSync(`${directory}/cgroup.events`, `populated ${alive.length > 0 ? 1 : 0}\n`);
  };
  write();
  const end = (pid: number) => {
    rmSync(`${root}/proc/${pid}`, { recursive: true });
    write();
  };
  const kill = (pid: number, signal: string) => {
    sent.push(`${signal} ${pid}`);
    const reaction = reacts(pid, signal);
    if (reaction === 'refuses') throw Object.assign(new Error('no'), { code: 'EPERM' });
    if (reaction === 'dies') end(pid);
  };
  const options = { signal: 'SIGTERM', timeoutMs: 60, root, proc: `${root}/proc`, kill } as const;
  return { root, directory, sent, options, end };
}

const fate = (ended: { pid: number; end: string }[]) => ended.map(({ pid, end }) => [pid, end]);

describe('endCgroup', () => {
  it('ends those that heed the signal, and says by what', async () => {
    const { options, sent } = scope({ 10: {}, 11: {} }, () => 'dies');
    expect(fate(await endCgroup(CGROUP, options))).toEqual([
      [10, 'signal'],
      [11, 'signal'],
    ]);
    expect(sent).toEqual(['SIGTERM 10', 'SIGTERM 11']);
  });

  it('wakes a stopped process, so that it hears the signal', async () => {
    const { options, sent } = scope({ 10: {} }, (_, signal) =>
      signal === 'SIGCONT' ? 'dies' : 'lives',
    );
    await endCgroup(CGROUP, options);
    expect(sent).toEqual(['SIGTERM 10', 'SIGCONT 10']);
  });

  it('has the kernel kill the others in one step', async () => {
    const { options, directory, end } = scope({ 10: {}, 11: {} }, (pid, signal) =>
      pid === 10 && signal === 'SIGTERM' ? 'dies' : 'lives',
    );
    writeFileSync(`${directory}/cgroup.kill`, '');
    const kernel = setInterval(() => {
      if (readFileSync(`${directory}/cgroup.kill`, 'utf8') !== '1') return;
      clearInterval(kernel);
      end(11);
    }, 5);
    expect(fate(await endCgroup(CGROUP, options))).toEqual([
      [10, 'signal'],
      [11, 'killed'],
    ]);
  });

  it('freezes and sweeps where the kernel has no cgroup.kill', async () => {
    const { options, directory, sent } = scope({ 10: {} }, (_, signal) =>
      signal === 'SIGKILL' ? 'dies' : 'lives',
    );
    writeFileSync(`${directory}/cgroup.freeze`, '0');
    expect(fate(await endCgroup(CGROUP, options))).toEqual([[10, 'killed']]);
    expect(sent).toContain('SIGKILL 10');
    expect(readFileSync(`${directory}/cgroup.freeze`, 'utf8')).toBe('0');
  });

  it('does not wait for those that it may not signal', async () => {
    const { options } = scope({ 10: {} }, () => 'refuses');
    const begun = performance.now();
    const ended = await endCgroup(CGROUP, { ...options, timeoutMs: 60_000 });
    expect(ended).toMatchObject([{ pid: 10, end: 'survived', refused: true }]);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('goes straight to the kernel for SIGKILL', async () => {
    const { options, sent } = scope({ 10: {} }, () => 'dies');
    const ended = await endCgroup(CGROUP, { ...options, signal: 'SIGKILL' });
    expect(fate(ended)).toEqual([[10, 'signal']]);
    expect(sent).toEqual(['SIGKILL 10']);
  });

  it('spares rlimit itself, and so does without cgroup.kill', async () => {
    const { options, directory, sent } = scope({ 10: {}, 99: { comm: 'node' } }, (_, signal) =>
      signal === 'SIGKILL' ? 'dies' : 'lives',
    );
    writeFileSync(`${directory}/cgroup.kill`, '');
    const ended = await endCgroup(CGROUP, { ...options, self: 99 });
    expect(fate(ended)).toEqual([
      [10, 'killed'],
      [99, 'spared'],
    ]);
    expect(sent.join()).not.toContain('99');
    expect(readFileSync(`${directory}/cgroup.kill`, 'utf8')).toBe('');
  });

  it('of a cgroup that is gone has nothing to do', async () => {
    expect(await endCgroup('/gone.scope', scope({}, () => 'dies').options)).toEqual([]);
  });
});

describe('endProcesses', () => {
  it('ends those that are meant and no others', async () => {
    const { options, sent } = scope({ 10: { comm: 'coqc' }, 11: { comm: 'make' } }, () => 'dies');
    const ended = await endProcesses(CGROUP, (one) => isNamed(one, 'coqc'), options);
    expect(fate(ended)).toEqual([[10, 'signal']]);
    expect(sent).toEqual(['SIGTERM 10']);
  });

  it('kills those that do not heed the signal', async () => {
    const { options } = scope({ 10: {} }, (_, signal) => (signal === 'SIGKILL' ? 'dies' : 'lives'));
    expect(fate(await endProcesses(CGROUP, () => true, options))).toEqual([[10, 'killed']]);
  });

  it('does not take a process for another that has its PID by now', async () => {
    const { options, root } = scope({ 10: { startTicks: 1 } }, () => 'lives');
    const signalled: number[] = [];
    const kill = (pid: number) => {
      signalled.push(pid);
      // The process ends, and its PID goes to one outside.
      const stranger = procFiles(pid, { cgroup: '/user.slice/other.scope', startTicks: 2 });
      for (const [path, content] of Object.entries(stranger)) {
        writeFileSync(`${root}/${path}`, content);
      }
    };
    await endProcesses(CGROUP, ({ cgroup }) => cgroup === CGROUP, { ...options, kill });
    expect(signalled).toEqual([10]);
  });
});

describe('signalProcess', () => {
  it('leaves one alone that left the cgroup, or is another by now', () => {
    const { options } = scope({ 10: { startTicks: 7 } }, () => 'lives');
    const known = { pid: 10, comm: 'make', startTicks: 7, cpuUsec: 0, cgroup: CGROUP };
    const place = { within: CGROUP, proc: options.proc, kill: options.kill };
    expect(signalProcess(known, 'SIGTERM', place)).toBe('sent');
    expect(signalProcess({ ...known, startTicks: 6 }, 'SIGTERM', place)).toBe('gone');
    expect(signalProcess(known, 'SIGTERM', { ...place, within: '/b.scope' })).toBe('gone');
  });

  it('tells that the kernel refused', () => {
    const { options } = scope({ 10: { startTicks: 7 } }, () => 'refuses');
    const known = { pid: 10, comm: 'make', startTicks: 7, cpuUsec: 0, cgroup: CGROUP };
    const place = { within: CGROUP, proc: options.proc, kill: options.kill };
    expect(signalProcess(known, 'SIGTERM', place)).toBe('refused');
  });
});

it('listProcesses ends nothing', () => {
  const { options, sent } = scope({ 10: {}, 99: {} }, () => 'dies');
  expect(fate(listProcesses(CGROUP, { ...options, self: 99 }))).toEqual([
    [10, 'none'],
    [99, 'spared'],
  ]);
  expect(sent).toEqual([]);
});

describe('processes without a cgroup', () => {
  it('are stopped first, also those that come meanwhile, and then killed', async () => {
    const { root, sent, options } = scope({ 10: {}, 11: {} }, (_, signal) =>
      signal === 'SIGKILL' ? 'dies' : 'lives',
    );
    const pids = () => [10, 11].filter((pid) => existsSync(`${root}/proc/${pid}`));
    expect(fate(await endCgroup({ pids }, options))).toEqual([
      [10, 'killed'],
      [11, 'killed'],
    ]);
    const after = sent.slice(sent.indexOf('SIGSTOP 10'));
    expect(after).toEqual(['SIGSTOP 10', 'SIGSTOP 11', 'SIGKILL 10', 'SIGKILL 11']);
  });
});
