import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardUnit } from '../../src/guard/service/unit.js';
import { isWhole, machine } from './machine-under-test.js';

/** The one suite whose image carries bpftrace; the kernel is the same in all. */
const isHome = machine.suite === 'trixie';

const MIB = 1024 * 1024;
// Not in /tmp: the service has one of its own.
const program = '/usr/local/lib/allocations.cjs';

/** Watches as the guard does, and prints where its news come from, and each event. */
const DRIVER = `
import { watchAllocations } from './src/guard/allocation/index.js';
const watch = watchAllocations({ names: ['python3'], thresholdBytes: 100 * 1024 * 1024 });
let said = '';
const look = () => {
  const source = JSON.stringify(watch.source());
  if (source !== said) console.log(said = source);
  for (const event of watch.take({ atMs: 0, processes: [] })) console.log(JSON.stringify(event));
};
const timer = setInterval(look, 50);
process.once('SIGTERM', async () => {
  clearInterval(timer);
  await watch.stop();
  console.log('stopped');
});
look();
`;

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: DRIVER, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

const start = () => machine.spawn(['node', program], { user: 'root' });
const tracers = async () =>
  (await machine.exec('pgrep -x bpftrace || true')).stdout.split('\n').filter(Boolean);

if (isHome)
  describe('memory taken fast', () => {
    beforeAll(async () => {
      await machine.exec(`cat > ${program}`, { user: 'root', input: await bundled() });
    });
    afterAll(async () => {
      await machine.exec(`rm -f ${program}`, { user: 'root' });
    });

    it('is told by the kernel: what is touched, with huge pages and without, and not what is reserved', async () => {
      const watch = await start();
      await watch.waitForOutput('{"kind":"ebpf"}\n');
      const pids: Record<string, number> = {};
      for (const what of ['reserve', 'touch', 'touch-small']) {
        const { stdout } = await machine.exec(`python3 /opt/rlimit/fixtures/take.py ${what}`);
        pids[what] = Number.parseInt(stdout, 10);
      }
      await watch.waitForOutput(`{"pid":${pids['touch-small']},`);
      const [tracer] = await tracers();
      await machine.exec(`kill -KILL ${tracer}`, { user: 'root' });
      await watch.waitForOutput('{"kind":"sampling","reason":"bpftrace ended by SIGKILL"}');
      watch.kill('SIGTERM');
      const { stdout } = await watch.wait();
      const lines = stdout.trim().split('\n');
      expect(lines.pop()).toBe('stopped');
      const events = lines.map((line) => JSON.parse(line)).filter(({ pid }) => pid !== undefined);
      expect(events).toEqual(
        ['touch', 'touch-small'].map((what) => ({
          pid: pids[what],
          bytes: expect.any(Number),
          overMs: expect.any(Number),
          source: 'ebpf',
          comm: 'python3',
          startTicks: expect.any(Number),
          argv0: 'python3',
        })),
      );
      for (const { bytes, overMs } of events) {
        expect(bytes).toBeGreaterThan(100 * MIB);
        expect(bytes).toBeLessThanOrEqual(150 * MIB);
        expect(overMs).toBeLessThanOrEqual(1000);
      }
    });

    it('is told to a service with no more rights than the guard’s', async () => {
      const text = guardUnit({
        manager: 'system',
        argv: ['/usr/local/bin/node', program],
        path: [],
        writable: [],
        ebpf: true,
        gpu: false,
        gpuSettings: false,
      });
      // It is no guard: it does not say that it is ready.
      const input = text.replace('Type=notify', 'Type=exec').replace('WatchdogSec=30s\n', '');
      const unit = '/run/systemd/system/rlimit-allocations.service';
      const start = `cat > ${unit}; systemctl daemon-reload; systemctl start rlimit-allocations`;
      await machine.exec(start, { user: 'root', input });
      const journal = async () =>
        (await machine.exec('journalctl -u rlimit-allocations -o cat --no-pager', { user: 'root' }))
          .stdout;
      await expect.poll(journal, { timeout: 90_000 }).toMatch(/^\{"kind":"ebpf"\}$/m);
      const { stdout } = await machine.exec('python3 /opt/rlimit/fixtures/take.py touch');
      const event = `{"pid":${Number.parseInt(stdout, 10)},`;
      await expect.poll(journal, { timeout: 30_000 }).toContain(event);
      await machine.exec(`systemctl stop rlimit-allocations; rm ${unit}; systemctl daemon-reload`, {
        user: 'root',
      });
      expect(await tracers()).toEqual([]);
    });

    if (isWhole)
      it('bpftrace ends with who started it, and is not asked for by others than root', async () => {
        const watch = await start();
        await watch.waitForOutput('{"kind":"ebpf"}\n');
        expect(await tracers()).toHaveLength(1);
        watch.kill('SIGKILL');
        await watch.wait();
        await expect.poll(tracers, { timeout: 10_000 }).toEqual([]);
        const other = await machine.spawn(['node', program]);
        await other.waitForOutput(
          '{"kind":"sampling","reason":"only root can load eBPF programs"}\n',
        );
        other.kill('SIGTERM');
        expect(await other.wait()).toMatchObject({ status: 0 });
      });
  });
