import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MachineSample } from '../../src/model/index.js';
import { promtool } from '../setup/promtool.js';
import { desk } from './cli.js';

const executable = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Starts it to live with, and gives what it has said so far. */
function start(args: readonly string[]) {
  const child = spawn(executable, ['monitor', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  return { child, said: () => said };
}

describe('rlimit monitor', () => {
  it('shows this machine to people, without colour in a pipe', async () => {
    const { status, stdout, stderr } = await desk().rlimit(['monitor', '--processes', '3']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\d+ processes\n\nmemory {3}/);
    expect(stdout).toMatch(/PID +MEMORY +SWAP +CPU +PROCESS +UNIT(\n.*){3}$/);
    expect(stdout).not.toContain('\u001b');
  });

  it('gives one sample as JSON, with rates', async () => {
    const { status, stdout } = await desk().rlimit(['monitor', '--json']);
    expect(status).toBe(0);
    const sample = JSON.parse(stdout) as MachineSample;
    expect(sample.memory.total).toBeGreaterThan(sample.memory.available);
    expect(sample.cpu?.busy).toBeGreaterThanOrEqual(0);
    expect(sample.processes.find(({ pid }) => pid === process.pid)).toHaveProperty('cores');
  });

  it('gives metrics that promtool accepts', async () => {
    const { status, stdout } = await desk().rlimit(['monitor', '--prometheus']);
    expect(status).toBe(0);
    const input = `${stdout}\n`;
    const checked = await execa(await promtool(), ['check', 'metrics'], { input, reject: false });
    expect(checked).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
  });

  it('serves metrics until it is told to end', async () => {
    const { child, said } = start(['--listen', '127.0.0.1:0']);
    await expect
      .poll(said, { timeout: 30_000 })
      .toMatch(/^Listening on http:\/\/127\.0\.0\.1:\d+\/metrics\n$/);
    const url = said().slice('Listening on '.length).trim();
    const response = await fetch(url);
    expect(await response.text()).toMatch(/^rlimit_memory_size_bytes \d+$/m);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('writes a file for node_exporter, again and again with --watch', async () => {
    const home = desk();
    const directory = dirname(home.write('metrics/readme', ''));
    const { status, stdout } = await home.rlimit(['monitor', '--textfile', directory]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `Written: ${directory}/rlimit.prom` });
    const stamp = () =>
      /^rlimit_sample_timestamp_seconds (.*)$/m.exec(
        readFileSync(`${directory}/rlimit.prom`, 'utf8'),
      )?.[1];
    const first = stamp();
    const { child } = start(['--textfile', directory, '--watch=0.2']);
    await expect.poll(stamp, { timeout: 30_000 }).not.toBe(first);
    const second = stamp();
    await expect.poll(stamp, { timeout: 30_000 }).not.toBe(second);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
  });

  it('prints frames, or a sample a line, until its reader has enough', async () => {
    const frames = start(['--watch=0.2', '--processes=1']);
    await expect
      .poll(() => frames.said().match(/^memory /gm)?.length ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(1);
    frames.child.kill('SIGINT');
    expect(await once(frames.child, 'close')).toEqual([0, null]);
    const lines = start(['--watch=0.2', '--json']);
    await expect
      .poll(() => lines.said().split('\n').length, { timeout: 30_000 })
      .toBeGreaterThan(2);
    lines.child.stdout.destroy();
    expect(await once(lines.child, 'close')).toEqual([0, null]);
    for (const line of lines.said().split('\n').slice(0, 2))
      expect(JSON.parse(line)).toHaveProperty('atMs');
  });

  it.each([
    [['--json', '--prometheus'], '--json and --prometheus do not go together'],
    [['--listen', '0', '--textfile', '/tmp'], '--listen and --textfile do not go together'],
    [['--prometheus', '--watch'], '--watch does not go with --prometheus'],
    [['--interval', '2'], '--interval goes with --watch'],
    [['--watch=0.1'], 'It can be 0.2 to 86400.'],
    [['--watch=fast'], '"fast" is not a number of seconds'],
    [['--listen', 'nowhere'], '"nowhere" is not an address'],
    [['--sort', 'age'], 'Expected --sort=age to be one of'],
    [['--processes', '-1'], '-1'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(['monitor', ...args]);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain(message);
  });

  it('says where a file cannot be written', async () => {
    const home = desk();
    mkdirSync(`${home.project}/rlimit.prom`);
    const { status, stderr } = await home.rlimit(['monitor', '--textfile', home.project]);
    expect(status).toBe(3);
    expect(stderr).toContain('rlimit.prom cannot be written');
  });
});
