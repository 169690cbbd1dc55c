import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repeatedly } from '../../../src/cli/monitor/loop.js';
import { parseListen, serveMetrics } from '../../../src/cli/monitor/serve.js';
import { SampleSource } from '../../../src/cli/monitor/source.js';
import { writeTextfile } from '../../../src/cli/monitor/textfile.js';
import type { GpuReading } from '../../../src/gpu/index.js';
import type { Sampler } from '../../../src/sampler/index.js';
import { machineSample } from '../sampler/sampled.js';

async function serving(page = () => 'rlimit_info 1\n') {
  let now = 0;
  const clock = () => now;
  const { server, url } = await serveMetrics({ host: '127.0.0.1', port: 0 }, { page, clock });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { url, pass, server };
}

describe('serveMetrics', () => {
  it('serves metrics and health, and nothing else', async () => {
    const { url } = await serving();
    const metrics = await fetch(`${url}/metrics?x=1`);
    expect(metrics.status).toBe(200);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toBe('rlimit_info 1\n');
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const path of ['/', '/metrics/', '/../etc/passwd', '/healthz/x']) {
      expect((await fetch(url + path)).status).toBe(404);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await fetch(`${url}/metrics`, { method });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('makes a page at most once a second, and says where there is none', async () => {
    let pages = 0;
    const { url, pass } = await serving(() => {
      pages += 1;
      if (pages > 2) throw new Error('/proc is gone');
      return `${pages}\n`;
    });
    const get = async () => (await fetch(`${url}/metrics`)).text();
    expect([await get(), await get()]).toEqual(['1\n', '1\n']);
    pass(1000);
    expect(await get()).toBe('2\n');
    pass(1000);
    const failed = await fetch(`${url}/metrics`);
    expect([failed.status, await failed.text()]).toEqual([500, '/proc is gone\n']);
  });

  it('takes so many clients and no more, and lives through nonsense', async () => {
    const { url, server } = await serving();
    const port = Number(new URL(url).port);
    const sockets = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => {}).resume();
    await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBeGreaterThan(5);
    sockets[0]?.write('GARBAGE\r\n\r\n');
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(async () =>
        fetch(`${url}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    expect(server.listening).toBe(true);
  });

  it('says that an address is taken', async () => {
    const { url } = await serving();
    const port = Number(new URL(url).port);
    const second = serveMetrics({ host: '127.0.0.1', port }, { page: () => '', clock: () => 0 });
    await expect(second).rejects.toThrow(`127.0.0.1:${port} is taken`);
    const foreign = serveMetrics(
      { host: '192.0.2.1', port: 0 },
      { page: () => '', clock: () => 0 },
    );
    await expect(foreign).rejects.toThrow('cannot listen on 192.0.2.1:0');
  });
});

describe('parseListen', () => {
  it.each([
    ['9101', { host: '127.0.0.1', port: 9101 }],
    [':0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:9101', { host: '0.0.0.0', port: 9101 }],
    ['[::1]:9101', { host: '::1', port: 9101 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
  ])('%s', (text, expected) => {
    expect(parseListen(text)).toEqual(expected);
  });

  it.each(['', 'x', '70000', '::1:9101', 'a b:1', '127.0.0.1:', 'http://a:1'])(
    '%j is none',
    (text) => {
      expect(() => parseListen(text)).toThrow('is not an address');
    },
  );
});

describe('writeTextfile', () => {
  function directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'rlimit-textfile-'));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  it('puts the file in place of the last one, with nothing left beside it', () => {
    const path = directory();
    expect(writeTextfile(path, 'one\n')).toBe(join(path, 'rlimit.prom'));
    writeTextfile(path, 'two\n');
    expect(readdirSync(path)).toEqual(['rlimit.prom']);
    expect(readFileSync(join(path, 'rlimit.prom'), 'utf8')).toBe('two\n');
  });

  it('follows no link that somebody has put there', () => {
    const path = directory();
    const victim = join(path, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, join(path, 'rlimit.prom'));
    symlinkSync(victim, join(path, `rlimit.prom.${process.pid}`));
    writeTextfile(path, 'new\n');
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readFileSync(join(path, 'rlimit.prom'), 'utf8')).toBe('new\n');
  });

  it('says what is the matter', () => {
    expect(() => writeTextfile('/nowhere', '')).toThrow('/nowhere/rlimit.prom cannot be written');
  });
});

describe('SampleSource', () => {
  const sampler = () => {
    const seen: unknown[] = [];
    const sample = (gpus: readonly unknown[]) => {
      seen.push(gpus);
      return machineSample();
    };
    return { seen, sampler: { sample, close() {}, unitsLeftOut: 0 } as unknown as Sampler };
  };

  it('waits for the first answer on GPUs alone, and shows newer ones when they come', async () => {
    const { seen, sampler: one } = sampler();
    const { gpus } = machineSample();
    let latest: GpuReading | undefined;
    let [polled, stopped] = [0, false];
    const source = new SampleSource(one, {
      read: async () => ({ kind: 'read', gpus }),
      poll: () => {
        polled += 1;
        return {
          latest: () => latest,
          stop: () => {
            stopped = true;
          },
        };
      },
    });
    await source.start();
    source.next();
    expect(polled).toBe(0);
    source.next();
    latest = { kind: 'silent', reason: 'it hangs' };
    source.next();
    source.close();
    expect({ polled, stopped }).toEqual({ polled: 1, stopped: true });
    // What was told last holds until there is something else to tell.
    expect(seen).toEqual([undefined, gpus, gpus, []]);
  });
});

describe('repeatedly', () => {
  it('goes on at even distances until it is told', async () => {
    const controller = new AbortController();
    let [now, calls] = [0, 0];
    await repeatedly(
      () => {
        calls += 1;
        // One that takes longer than the distance is not made up for.
        now += 10;
        if (calls === 3) controller.abort();
      },
      { intervalMs: 1, signal: controller.signal, clock: () => now },
    );
    expect(calls).toBe(3);
  });
});
