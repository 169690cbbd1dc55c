import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStart, startGuard } from '../../../src/cgroup/index.js';
import { Freezer, type FreezerOptions } from '../../../src/jobserver/freezer.js';

const NO_GUARD = () => ({ watch: () => {}, relax: () => {}, dismiss: () => {} });

function sleeper(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as ChildProcess & { pid: number };
}

/** Freezes jobs by the names given here. */
function freezerOf(jobs: Record<string, () => number[]>, more: Partial<FreezerOptions> = {}) {
  const membersOf = (key: string) => jobs[key]?.() ?? [];
  return new Freezer({ membersOf, startGuard: NO_GUARD, ...more });
}

const isStopped = (pid: number) => readStart(pid)?.stopped;

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

describe('a job that is frozen', () => {
  it('stands still with all its processes, and goes on', async () => {
    const [a, b] = [sleeper(), sleeper()];
    const freezer = freezerOf({ one: () => [a.pid, b.pid] });
    freezer.freeze('one');
    await until(() => isStopped(a.pid) === true && isStopped(b.pid) === true);
    expect(freezer.isFrozen('one')).toBe(true);
    freezer.thaw('one');
    await until(() => isStopped(a.pid) === false && isStopped(b.pid) === false);
    expect(freezer.isFrozen('one')).toBe(false);
    expect(freezer.count).toBe(1);
  });

  it('also stops what was born meanwhile', async () => {
    const [parent, child] = [sleeper(), sleeper()];
    let looks = 0;
    const freezer = freezerOf({
      one: () => {
        looks += 1;
        return looks === 1 ? [parent.pid] : [parent.pid, child.pid];
      },
    });
    freezer.freeze('one');
    await until(() => isStopped(child.pid) === true);
    freezer.thaw('one');
    await until(() => isStopped(child.pid) === false);
  });

  it('keeps stopped what somebody else had stopped', async () => {
    const [a, b] = [sleeper(), sleeper()];
    b.kill('SIGSTOP');
    await until(() => isStopped(b.pid) === true);
    const freezer = freezerOf({ one: () => [a.pid, b.pid] });
    freezer.freeze('one');
    freezer.thawAll();
    await until(() => isStopped(a.pid) === false);
    expect(isStopped(b.pid)).toBe(true);
  });

  it('is stopped again when somebody continues it', async () => {
    const a = sleeper();
    const freezer = freezerOf({ one: () => [a.pid] });
    freezer.freeze('one');
    await until(() => isStopped(a.pid) === true);
    a.kill('SIGCONT');
    await until(() => isStopped(a.pid) === false);
    freezer.hold([{ key: 'one', stopped: false }]);
    await until(() => isStopped(a.pid) === true);
    a.kill('SIGCONT');
    await until(() => isStopped(a.pid) === false);
    freezer.again();
    await until(() => isStopped(a.pid) === true);
    expect(freezer.count).toBe(1);
    freezer.thawAll();
  });

  it('is forgotten when it is gone', async () => {
    const a = sleeper();
    const freezer = freezerOf({ one: () => [a.pid] });
    freezer.freeze('one');
    a.kill('SIGKILL');
    await until(() => readStart(a.pid) === undefined);
    freezer.hold([{ key: 'two', stopped: true }]);
    expect(freezer.isFrozen('one')).toBe(false);
  });

  it('counts for how long', () => {
    let now = 1000;
    const a = sleeper();
    const freezer = freezerOf({ one: () => [a.pid] }, { now: () => now });
    freezer.freeze('one');
    now += 300;
    expect(freezer.frozenMs).toBe(300);
    freezer.thaw('one');
    now += 300;
    expect(freezer.frozenMs).toBe(300);
  });

  it('whose PID another process has by now is not signalled', () => {
    const sent: unknown[] = [];
    const a = sleeper();
    const freezer = freezerOf(
      { one: () => [a.pid] },
      { kill: (pid, signal) => sent.push([pid, signal]) },
    );
    freezer.freeze('one');
    expect(sent).toEqual([[a.pid, 'SIGSTOP']]);
    a.kill('SIGKILL');
    return until(() => readStart(a.pid) === undefined).then(() => {
      freezer.thaw('one');
      expect(sent).toHaveLength(1);
    });
  });

  it('can be killed', async () => {
    const a = sleeper();
    const freezer = freezerOf({ one: () => [a.pid] });
    freezer.killJob('one');
    await until(() => readStart(a.pid) === undefined);
  });
});

describe('the guard', () => {
  it('lets go on what a killed rlimit had stopped', async () => {
    const a = sleeper();
    const source = `
      const { Freezer } = await import('./src/jobserver/freezer.js');
      const { startGuard } = await import('./src/cgroup/index.js');
      const freezer = new Freezer({ membersOf: () => [${a.pid}], startGuard: () => startGuard() });
      freezer.freeze('one');
      process.stdout.write('frozen');
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source]);
    onTestFinished(() => void owner.kill('SIGKILL'));
    await new Promise((resolve) => owner.stdout.once('data', resolve));
    await until(() => isStopped(a.pid) === true);
    owner.kill('SIGKILL');
    await until(() => isStopped(a.pid) === false);
  });

  it('knows nothing any more of what goes on', async () => {
    const a = sleeper();
    const freezer = freezerOf({ one: () => [a.pid] }, { startGuard: () => startGuard() });
    freezer.freeze('one');
    await until(() => isStopped(a.pid) === true);
    freezer.close();
    await until(() => isStopped(a.pid) === false);
    expect(readFileSync(`/proc/${a.pid}/stat`, 'utf8')).toContain('(sleep)');
  });
});
