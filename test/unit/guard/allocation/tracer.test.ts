import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  startTracer,
  type Tracer,
  type TracerOptions,
} from '../../../../src/guard/allocation/tracer.js';

const ATTACHED = '{"type": "attached_probes", "data": {"probes": 5}}';
const grown = (pid: number, bytes: number) =>
  JSON.stringify({ type: 'printf', data: `${pid} ${bytes} 10\n` });

const tracers: Tracer[] = [];
afterEach(async () => {
  await Promise.all(tracers.splice(0).map((tracer) => tracer.stop()));
});

/** A shell in the place of bpftrace. */
function start(script: string, options: Partial<TracerOptions> = {}): Tracer {
  const tracer = startTracer({
    thresholdBytes: 1,
    argv: ['sh', '-c', script],
    identify: () => undefined,
    ...options,
  });
  tracers.push(tracer);
  return tracer;
}

const until = (tracer: Tracer, kind: string) =>
  vi.waitFor(() => expect(tracer.state().kind).toBe(kind), { timeout: 20_000 });

describe('bpftrace as a child', () => {
  it('is starting until it has attached, and then tells what it sees', async () => {
    const comm = 'hog';
    const identify = (pid: number) =>
      pid === 7 ? { pid, comm, startTicks: 3, cpuUsec: 0, cgroup: '/' } : undefined;
    const lines = [ATTACHED, grown(7, 9), grown(8, 5)].map((line) => `'${line}'`).join(' ');
    const tracer = start(`printf '%s\\n' ${lines}; sleep 60`, { identify });
    expect(tracer.state()).toEqual({ kind: 'starting' });
    await until(tracer, 'tracing');
    const seen: unknown[] = [];
    await vi.waitFor(() => {
      seen.push(...tracer.take().seen);
      expect(seen).toHaveLength(2);
    });
    expect(seen).toEqual([
      { pid: 7, bytes: 9, overMs: 10, process: { pid: 7, comm, startTicks: 3 } },
      { pid: 8, bytes: 5, overMs: 10 },
    ]);
    expect(tracer.take()).toEqual({ seen: [], lost: 0 });
  });

  it('is noticed when it ends, with the line that says why', async () => {
    const tracer = start(
      `echo '${ATTACHED}'; echo 'WARNING: old' >&2; echo 'ERROR: \u001b[31mtracepoint not found' >&2; exit 3`,
    );
    await until(tracer, 'ended');
    expect(tracer.state()).toEqual({
      kind: 'ended',
      reason: 'bpftrace ended with status 3: ERROR: \\x1b[31mtracepoint not found',
    });
  });

  it('is noticed when it is killed', async () => {
    const tracer = start(`echo '${ATTACHED}'; kill -9 $$`);
    await until(tracer, 'ended');
    expect(tracer.state()).toEqual({ kind: 'ended', reason: 'bpftrace ended by SIGKILL' });
  });

  it('is given up when it does not begin', async () => {
    const tracer = start('exec sleep 60', { startMs: 50 });
    await until(tracer, 'ended');
    expect(tracer.state()).toMatchObject({ reason: 'bpftrace did not begin within 0.05 s' });
  });

  it('keeps no endless list of what nobody asks for', async () => {
    const tracer = start(
      `echo '${ATTACHED}'; i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "{\\"type\\":\\"printf\\",\\"data\\":\\"$i 5 5\\"}"; done`,
    );
    await until(tracer, 'ended');
    const { seen, lost } = tracer.take();
    expect(seen).toHaveLength(256);
    expect(lost).toBe(400 - 256);
  });

  it('ends when it is told to, also one that does not listen to SIGTERM', async () => {
    const tracer = start(`trap '' TERM; echo '${ATTACHED}'; while :; do sleep 0.1; done`);
    await until(tracer, 'tracing');
    await tracer.stop();
    expect(tracer.state()).toEqual({ kind: 'ended', reason: 'bpftrace ended by SIGKILL' });
  });

  it.each([
    [{ uid: 1000 }, 'only root can load eBPF programs'],
    [{ uid: 0, env: { PATH: '/nowhere:relative' } }, 'bpftrace is not installed'],
  ])('is not even tried with %j', (options, reason) => {
    const tracer = startTracer({ thresholdBytes: 1, ...options });
    expect(tracer.state()).toEqual({ kind: 'ended', reason });
  });

  it('that cannot be started is a state, too', async () => {
    const tracer = startTracer({ thresholdBytes: 1, argv: ['/nowhere/bpftrace'] });
    await until(tracer, 'ended');
    expect(tracer.state()).toMatchObject({ reason: expect.stringMatching(/could not be started/) });
    await tracer.stop();
  });
});
