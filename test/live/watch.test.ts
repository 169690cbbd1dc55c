import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Look, StallReport } from '../../src/watch/index.js';
import type { GuestProcess } from './guest-process.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';

const isHome = isHomeSuite('trixie');

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const OURS =
  '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/app-rlimit.slice';
const TERMINAL = { tty: true, env: { TERM: 'xterm' } } as const;

/** Starts a run and waits for its scope. */
async function start(unit: string, script = 'exec sleep 600', options = '', profile = 'default') {
  const run = await machine.spawn([
    'sh',
    '-c',
    `exec rlimit run -q ${profile} --unit ${unit} ${options} -- sh -c "$1"`,
    'sh',
    `echo up; ${script}`,
  ]);
  await run.waitForOutput('up');
  return run;
}

/** The looks that `inspect --watch --json` has given so far. */
const looksOf = ({ stdout }: GuestProcess): Look[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Look);

/** Waits for a look that is as wanted. */
async function lookWhere(watch: GuestProcess, isWanted: (look: Look) => boolean): Promise<Look> {
  const found = () => looksOf(watch).find(isWanted);
  await expect.poll(found, { timeout: 90_000 }).toBeDefined();
  return found() as Look;
}

/** All that a command with a terminal has said, once it has ended. */
async function endBy(watch: GuestProcess, key: string) {
  watch.write(key);
  return watch.wait();
}

afterEach(async () => {
  await machine.exec(
    "systemctl --user kill --signal=KILL 'rlimit-*.scope'; " +
      'while systemctl --user list-units --plain --no-legend "rlimit-*.scope" | grep -q .; ' +
      'do sleep 0.1; done',
  );
});

if (isHome)
  describe('on a terminal', () => {
    it('redraws in place, fits the terminal, and Ctrl-C leaves it as it was', async () => {
      await start('rlimit-tty-1', 'exec sleep 600', '-p TasksMax=40');
      const watch = await machine.spawn(['rlimit', 'inspect', '--watch', '--interval', '0.5'], {
        ...TERMINAL,
        tty: { rows: 24, cols: 60 },
      });
      await watch.waitForOutput(HIDE);
      await watch.waitForOutput('rlimit-tty-1.scope');
      await watch.waitForOutput(/tasks 1 of 40/);
      await watch.waitForOutput(/PID +MEMORY +CPU +PROCESS/);
      await watch.waitForOutput(up('\\d+'));
      await watch.waitForOutput(/cpu +[\d.]+ of 1 core/);
      watch.resize({ rows: 4, cols: 30 });
      // Three lines and the cursor below them.
      await watch.waitForOutput(up('3'));
      const { status, stdout } = await endBy(watch, '\x03');
      expect(status).toBe(0);
      expect(stdout.endsWith(SHOW)).toBe(true);
      expect(stdout.split(HIDE)).toHaveLength(2);
      for (const line of plain(stdout).split(/\r?\n/)) expect(line.length).toBeLessThan(60);
    });

    if (isWhole)
      it('Ctrl-Z gives the terminal back, and fg goes on', async () => {
        await start('rlimit-stop-1');
        const shell = await machine.spawn(['bash', '--norc', '-i'], TERMINAL);
        shell.write('PS1=; bind "set enable-bracketed-paste off"; rlimit inspect --watch\n');
        await shell.waitForOutput(HIDE);
        await shell.waitForOutput('rlimit-stop-1.scope');
        shell.write('\x1a');
        await shell.waitForOutput(SHOW);
        await shell.waitForOutput('Stopped');
        shell.write('fg\n');
        await shell.waitForOutput(HIDE);
        await shell.waitForOutput('rlimit-stop-1.scope');
        shell.write('\x03');
        await shell.waitForOutput(SHOW);
        shell.write('echo "status $?"\n');
        await shell.waitForOutput('status 0');
        shell.write('exit\n');
        await shell.wait();
      });

    it.each(['SIGTERM', 'SIGHUP'] as const)(
      'dies of %s with the terminal put back',
      async (signal) => {
        const watch = await machine.spawn(['rlimit', 'inspect', '--watch'], TERMINAL);
        await watch.waitForOutput('No units of rlimit are running.');
        watch.kill(signal);
        const ended = await watch.wait();
        expect(ended).toMatchObject({ status: null, signal });
        expect(ended.stdout.endsWith(SHOW)).toBe(true);
      },
    );

    it('shows hostile process names harmlessly', async () => {
      await start('rlimit-evil-1', "printf '\\033[2J\\nx' >/proc/$$/comm; sleep 600; true");
      const watch = await machine.spawn(['rlimit', 'inspect', '--watch'], TERMINAL);
      await watch.waitForOutput('\\x1b[2J\\x0ax');
      const { stdout } = await endBy(watch, '\x03');
      expect(stdout).not.toContain('\u001b[2J');
    });
  });

if (isHome)
  describe('in a pipe', () => {
    it('is one plain line a unit and interval, and ends with its reader', async () => {
      await start('rlimit-pipe-1', 'exec sleep 600', '-p MemoryMax=300M');
      await start('rlimit-pipe-long-1');
      const { stdout, stderr } = await machine.exec(
        'rlimit inspect --watch --interval 1 | head -n 5; echo "status ${PIPESTATUS[0]}"',
      );
      const lines = stdout.trimEnd().split('\n');
      expect(stderr).toBe('');
      expect(stdout).not.toContain('\u001b');
      expect(lines.pop()).toBe('status 0');
      expect(lines).toHaveLength(5);
      for (const line of lines) {
        expect(line).toMatch(
          /^\d\d:\d\d:\d\d rlimit-pipe-(long-)?1\.scope +memory .*\/.* anon .* swap .* cpu .* throttled .* waiting memory .* tasks 1\/\d+ +largest [\d.]+[KM] sleep$/,
        );
      }
      expect(new Set(lines.map((line) => line.indexOf(' memory '))).size).toBe(1);
      expect(lines[0]).toContain('/300M');
    });

    it('--json is one object a line, of units as they come and go', async () => {
      const watch = await machine.spawn('exec rlimit inspect --watch --interval 0.5 --json');
      await lookWhere(watch, ({ units }) => units.length === 0);
      const run = await start('rlimit-json-1', 'exec python3 /opt/rlimit/fixtures/hog.py 20 600');
      const full = await lookWhere(
        watch,
        ({ units }) => (units[0]?.memory.anon ?? 0) > 20 * 1024 ** 2,
      );
      expect(full.units).toMatchObject([
        { unit: 'rlimit-json-1.scope', profile: 'default', manager: 'user', tasks: { current: 1 } },
      ]);
      expect(Date.parse(full.time)).toBeGreaterThan(0);
      await lookWhere(watch, ({ units }) => units[0]?.processes[0]?.cores !== undefined);
      // One that is not named as ours are is known by its record.
      const other = await start('own-name');
      await lookWhere(watch, ({ units }) => units.length === 2);
      await machine.exec('rlimit kill own-name.scope');
      await other.wait();
      await machine.exec('rlimit kill rlimit-json-1');
      await run.wait();
      const after = await lookWhere(watch, ({ ended }) => ended[0]?.unit === 'rlimit-json-1.scope');
      expect(after.units).toEqual([]);
      watch.kill('SIGINT');
      expect((await watch.wait()).status).toBe(0);
    });

    if (isWhole)
      it('ends with the units that were named, and says how they ended', async () => {
        await machine.exec('systemd-run --user --quiet --unit=watched-1 sh -c "sleep 20; exit 3"');
        await start('rlimit-named-1', 'exec sleep 15');
        await start('rlimit-other-1');
        const { status, stdout } = await machine.exec(
          'rlimit inspect --watch rlimit-named-1 watched-1.service; systemctl --user reset-failed',
          { timeoutMs: 90_000 },
        );
        expect(status).toBe(0);
        expect(stdout).toMatch(/rlimit-named-1\.scope has ended/);
        expect(stdout).toMatch(/watched-1\.service has ended \(failed, exit-code\)\n$/);
        expect(stdout).not.toContain('rlimit-other-1');
      });

    it('asks systemd once, not every interval', async () => {
      await start('rlimit-seldom-1');
      const { stdout } = await machine.exec(
        'mkdir -p /tmp/bin; printf \'#!/bin/sh\\necho x >>/tmp/asked\\nexec /usr/bin/systemctl "$@"\\n\' ' +
          '>/tmp/bin/systemctl; chmod +x /tmp/bin/systemctl; ' +
          'PATH=/tmp/bin:$PATH rlimit inspect --watch --interval 0.2 | head -n 20 | wc -l; ' +
          'wc -l </tmp/asked; rm -r /tmp/bin /tmp/asked',
      );
      expect(stdout.split('\n')).toEqual(['20', '1', '']);
    });
  });

if (isHome)
  it('a unit that is not there is a mistake', async () => {
    const { status, stderr } = await machine.exec('rlimit inspect --watch rlimit-nothing.scope');
    expect(status).toBe(2);
    expect(stderr).toMatch(/there is no unit/);
  });

describe('a livelock between MemoryHigh and MemoryMax', () => {
  const ZONE = '--force -p MemoryHigh=40M -p MemoryMax=200M -p MemorySwapMax=0';
  // A bystander in the same scope, which is alive before the hog begins.
  const SCRIPT =
    'rm -f /tmp/beats; python3 /opt/rlimit/fixtures/beat.py /tmp/beats & ' +
    'until [ -s /tmp/beats ]; do sleep 0.1; done; ' +
    'python3 /opt/rlimit/fixtures/hog.py 150 600 & wait';

  // The kernel holds back each charge for two seconds at most: with huge pages, of 2 MB each, a slow
  // machine would be through the zone before anybody looks.
  const pages = (how: string) =>
    machine.exec(`echo ${how} >/sys/kernel/mm/transparent_hugepage/enabled`, { user: 'root' });
  afterAll(() => pages('always'));

  beforeAll(async () => {
    await pages('never');
    await machine.exec(
      'mkdir -p ~/.config/rlimit/profiles; ' +
        "printf 'extends: default\\non-stall: kill\\n' >~/.config/rlimit/profiles/killing.yaml",
    );
  });

  /** Waits until the kernel slows the scope down. */
  async function beginning(unit: string): Promise<void> {
    await machine.exec(
      `cd $(find ${OURS} -name ${unit}.scope); ` +
        "until grep -q '^high [1-9]' memory.events; do sleep 0.1; done",
    );
  }

  const read = async (unit: string, file: string) =>
    (await machine.exec(`cat $(find ${OURS} -name ${unit}.scope)/${file}`)).stdout.trim();
  const beats = async () => Number((await machine.exec('wc -l </tmp/beats')).stdout);

  /** The bystander is at work again: it gets on with its work ten times in a row. */
  async function expectRecovery() {
    const before = await beats();
    await expect.poll(beats, { timeout: 30_000 }).toBeGreaterThan(before + 10);
  }

  if (isHome)
    it('is noticed, and broken by lifting MemoryHigh', async () => {
      await start('rlimit-stall-1', SCRIPT, ZONE);
      const watch = await machine.spawn('exec rlimit inspect --watch --json --break-stall');
      const { time, units, breaks } = await lookWhere(watch, (look) => look.breaks.length > 0);
      expect(units[0]?.findings).toMatchObject([
        { id: 'livelock', severity: 'problem', property: 'MemoryHigh', wanted: '40M' },
      ]);
      expect(breaks).toEqual([
        { unit: 'rlimit-stall-1.scope', how: 'raise', done: true, upTo: 200 * 1024 ** 2 },
      ]);
      expect(await read('rlimit-stall-1', 'memory.high')).toBe('max');
      await expectRecovery();
      await lookWhere(
        watch,
        (look) => Date.parse(look.time) > Date.parse(time) && look.units[0]?.findings.length === 0,
      );
      watch.kill('SIGINT');
      expect((await watch.wait()).status).toBe(0);
    });

  if (isWhole)
    it('is told on a terminal and in a pipe', async () => {
      await start('rlimit-stall-2', SCRIPT, ZONE);
      const watch = await machine.spawn(['rlimit', 'inspect', '--watch'], TERMINAL);
      const piped = await machine.spawn('rlimit inspect --watch | cat');
      await piped.waitForOutput(/ stalled\n/, 90_000);
      await piped.waitForOutput(/rlimit-stall-2\.scope: problem: the unit is stalled/);
      await watch.waitForOutput(/MemoryHigh: the unit is stalled/, 90_000);
      await watch.waitForOutput('rlimit inspect --break-stall rlimit-stall-2.scope');
      await endBy(watch, '\x03');
      expect(await read('rlimit-stall-2', 'memory.high')).toBe(String(40 * 1024 ** 2));
    });

  if (isHome)
    it('is broken by killing the largest process, where the profile says so', async () => {
      await start('rlimit-stall-3', SCRIPT, ZONE, 'killing');
      await beginning('rlimit-stall-3');
      const { stdout: hog } = await machine.exec(
        'pgrep -f "^python3 /opt/rlimit/fixtures/hog.py 150"',
      );
      const { status, stdout } = await machine.exec('rlimit inspect --break-stall --json', {
        timeoutMs: 90_000,
      });
      expect(status).toBe(0);
      const { units } = JSON.parse(stdout) as StallReport;
      expect(units).toMatchObject([
        {
          unit: 'rlimit-stall-3.scope',
          stalled: true,
          finding: { id: 'livelock' },
          broken: { how: 'kill', done: true, process: { pid: Number(hog), comm: 'python3' } },
        },
      ]);
      expect(await read('rlimit-stall-3', 'memory.high')).toBe(String(40 * 1024 ** 2));
      expect(await read('rlimit-stall-3', 'memory.events')).toContain('oom_kill 0');
      await expectRecovery();
    });

  if (isWhole)
    it('is not seen where there is none, which is told soon', async () => {
      await start('rlimit-fine-1', 'exec python3 /opt/rlimit/fixtures/hog.py 20 600');
      await start('rlimit-fine-2', 'exec python3 /opt/rlimit/fixtures/hog.py 20 600', ZONE);
      const { status, stdout } = await machine.exec('rlimit inspect --break-stall', {
        timeoutMs: 90_000,
      });
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: 'rlimit-fine-1.scope  is not stalled\n\nrlimit-fine-2.scope  is not stalled\n',
      });
      expect(await read('rlimit-fine-2', 'memory.high')).toBe(String(40 * 1024 ** 2));
    });
});

/** The cursor goes up to where the last frame began. */
function up(lines: string): RegExp {
  return new RegExp(`\r${'\u001b'}\\[${lines}A`);
}

/** Without escape sequences. */
function plain(text: string): string {
  return text.replace(new RegExp(`${'\u001b'}\\[[\\d;?]*[A-Za-z]`, 'g'), '');
}
