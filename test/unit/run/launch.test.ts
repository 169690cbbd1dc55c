import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch } from '../../../src/run/launch.js';
import type { StartedWith } from '../../../src/run/started-with.js';

/**
 * These start commands through the gate without systemd-run: what the gate does to a command must
 * be nothing, with or without a scope around it.
 */
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(`${tmpdir()}/rlimit-launch-`);
});
afterAll(() => rmSync(dir, { recursive: true }));

const NOTHING: StartedWith = { ignoredSignals: [], descriptors: [], env: {} };

/** What a process sees, from the kernel's own files of it. */
const PROBE = `for file in cmdline environ status limits; do cat /proc/$$/$file > $OUT.$file; done
ls /proc/$$/fd > $OUT.fd`;

async function begin(
  command: string[],
  { env = process.env, startedWith = NOTHING, cwd = process.cwd() } = {},
) {
  const started = await launch({
    argvFor: (wrapped) => [...wrapped],
    command,
    env,
    cwd,
    startedWith,
    piped: false,
  });
  if (!('pid' in started)) throw new Error('it did not reach the gate');
  return started;
}

describe('launch', () => {
  it('holds the command back until it is let go, in the same process', async () => {
    const out = `${dir}/held`;
    const started = await begin(['sh', '-c', `echo $$ > ${out}`]);
    expect(() => readFileSync(out)).toThrow('ENOENT');
    expect(await started.go()).toEqual({ status: 0 });
    expect(Number(readFileSync(out, 'utf8'))).toBe(started.pid);
  });

  it('starts nothing when it is refused', async () => {
    const started = await begin(['sh', '-c', `echo > ${dir}/refused`]);
    await started.refuse();
    expect(() => readFileSync(`${dir}/refused`)).toThrow('ENOENT');
  });

  it.each([
    ['exit 7', { status: 7 }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
    ['kill -SEGV $$', { signal: 'SIGSEGV' }],
  ])('%s is reported as it was', async (script, ending) => {
    expect(await (await begin(['sh', '-c', script])).go()).toEqual(ending);
  });

  it('hands over argv and environment byte for byte', async () => {
    const args = ['$$', '%h', 'a b', 'a\nb', '', 'ü€', '--', '-c', '*', '"', "'", '\\'];
    const env: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      PWD: '/somewhere/else',
      OUT: `${dir}/env`,
      'BASH_FUNC_f%%': '() {  :\n}',
      EMPTY: '',
      IFS: ':',
      answer: 'mine',
    };
    await (await begin(['sh', '-c', PROBE, 'name', ...args], { env })).go();
    expect(read('env.cmdline')).toEqual(['sh', '-c', PROBE, 'name', ...args]);
    const expected = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    expect(read('env.environ').sort()).toEqual(expected.sort());
  });

  it('invents no PWD', async () => {
    const env = { PATH: process.env.PATH, OUT: `${dir}/pwd` };
    await (await begin(['sh', '-c', PROBE], { env })).go();
    expect(read('pwd.environ').map((entry) => entry.split('=')[0])).toEqual(['PATH', 'OUT']);
  });

  it('puts back what Node changed', async () => {
    const startedWith = { ...NOTHING, noFile: '512', core: '16', ignoredSignals: [1, 10] };
    const env = { ...process.env, OUT: `${dir}/changed` };
    await (await begin(['sh', '-c', PROBE], { env, startedWith })).go();
    const text = (file: string) => readFileSync(`${dir}/changed.${file}`, 'utf8');
    expect(text('status')).toMatch(/^SigIgn:\s+0000000000000201$/m);
    expect(text('limits')).toMatch(/^Max open files\s+512 /m);
    expect(text('limits')).toMatch(/^Max core file size\s+8192 /m);
  });

  it('hands on the descriptors the caller gave, and no others', async () => {
    const opened = openSync('/dev/null', 'r');
    const env = { ...process.env, OUT: `${dir}/descriptors` };
    const startedWith = { ...NOTHING, descriptors: [opened] };
    await (await begin(['sh', '-c', PROBE], { env, startedWith })).go();
    closeSync(opened);
    const baseline = { ...env, OUT: `${dir}/baseline` };
    spawnSync('sh', ['-c', PROBE], { env: baseline, stdio: ['ignore', 'inherit', 'inherit'] });
    const listed = (name: string) => readFileSync(`${dir}/${name}.fd`, 'utf8').split('\n');
    expect(listed('descriptors').sort()).toEqual([...listed('baseline'), String(opened)].sort());
  });

  it('says what is wrong when the starter fails before the gate', async () => {
    const request = { command: ['true'], env: process.env, cwd: '/', startedWith: NOTHING };
    const fails = (argv: string[]) => launch({ ...request, piped: false, argvFor: () => argv });
    await expect(fails(['false'])).rejects.toMatchObject({ exitCode: 125 });
    await expect(fails(['no-such-systemd-run'])).rejects.toMatchObject({ exitCode: 125 });
  });

  it('refuses where no descriptor of one digit is free', async () => {
    const startedWith = { ...NOTHING, descriptors: [3, 4, 5, 6, 7, 8, 9] };
    await expect(begin(['true'], { startedWith })).rejects.toThrow('3 to 9 are all in use');
  });
});

/** NUL-separated entries of one of the probe's files. */
function read(file: string): string[] {
  return readFileSync(`${dir}/${file}`, 'utf8').split('\0').slice(0, -1);
}
