import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Meter } from '../../../../src/run/launcher.js';
import { stopAtOom } from '../../../../src/run/launchers/stop-at-oom.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rlimit-oom-'));
  mkdirSync(join(root, 'run'));
});

afterEach(() => rmSync(root, { recursive: true }));

function events(oomKills: number) {
  writeFileSync(join(root, 'run/memory.events'), `oom 0\noom_kill ${oomKills}\n`);
}

const meter: Meter = {
  isTight: false,
  processes: { cgroup: '/run' },
  sample: () => {},
  final: () => ({ figures: {}, events: {}, ancestors: [], machine: {} }),
};

describe('stopAtOom', () => {
  it('ends the rest once the kernel tells of a kill, without being asked to look', async () => {
    const rest = spawn('sleep', ['100']);
    writeFileSync(join(root, 'run/cgroup.procs'), `${rest.pid}\n`);
    events(2);
    const stopping = stopAtOom(meter, '/run', root);
    events(2);
    stopping.sample();
    expect(rest.exitCode ?? rest.signalCode).toBeNull();
    events(3);
    expect(await once(rest, 'exit')).toEqual([null, 'SIGTERM']);
    stopping.final();
  });

  it('ends what was forked meanwhile, at the latest with the command', async () => {
    const [first, second] = [spawn('sleep', ['100']), spawn('sleep', ['100'])];
    writeFileSync(join(root, 'run/cgroup.procs'), `${first.pid}\n`);
    events(0);
    const stopping = stopAtOom(meter, '/run', root);
    events(1);
    await once(first, 'exit');
    writeFileSync(join(root, 'run/cgroup.procs'), `${second.pid}\n`);
    stopping.final();
    expect(await once(second, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it('looks by itself where nothing can be watched', async () => {
    const stopping = stopAtOom(meter, '/run', root);
    const rest = spawn('sleep', ['100']);
    writeFileSync(join(root, 'run/cgroup.procs'), `${rest.pid}\n`);
    events(1);
    stopping.sample();
    expect(await once(rest, 'exit')).toEqual([null, 'SIGTERM']);
    stopping.final();
  });
});
