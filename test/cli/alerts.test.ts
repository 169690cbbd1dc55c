import { chmodSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/model/index.js';
import { alert, HOSTILE } from '../unit/alerts/alerts.js';
import { type Desk, desk, shapeOf } from './cli.js';

const executable = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

const ALERTS: Alert[] = [
  alert({ id: 'a', ended: alert().since + 65_000, lastedMs: 65_000 }),
  alert({
    ...{ id: 'b', rule: 'service-memory', severity: 'CRITICAL', since: alert().since + 1000 },
    says: 'ollama.service uses 96% of its MemoryMax (7.68G of 8G), CRITICAL from 95% on',
    subject: { kind: 'unit', name: 'ollama.service' },
  }),
  alert({
    ...{ id: 'c', rule: 'killed', since: alert().since + 2000, ended: alert().since + 2000 },
    ...{ lastedMs: 0, says: `${HOSTILE} was ended` },
  }),
];

function alertDesk(alerts = ALERTS) {
  const own = desk();
  const lines = alerts.map((each) => `${JSON.stringify(each)}\n`);
  const file = own.write('state/rlimit/alerts.jsonl', lines.join(''));
  const alertsVerb = (...args: string[]) =>
    own.rlimit(['monitor', 'alerts', ...args], { TZ: 'UTC' });
  return { ...own, file, alerts: alertsVerb };
}

/** The environment that the verb has in a desk, for programs that live longer. */
function environment({ project }: Desk) {
  const root = join(project, '..');
  return {
    ...{ HOME: root, XDG_CONFIG_HOME: join(root, 'config'), XDG_STATE_HOME: join(root, 'state') },
    ...{ NO_COLOR: '1', TZ: 'UTC' },
  };
}

describe('rlimit monitor alerts', () => {
  it('lists the latest in 80 columns, with nothing that a terminal would obey', async () => {
    const { status, stdout, stderr } = await alertDesk().alerts();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^WHEN +SEVERITY +RULE +LASTED +WHAT$/);
    expect(lines[1]).toMatch(/11-20 14:00 +WARNING +memory +1min 5s +memory is 86% used$/);
    expect(lines[2]).toMatch(/ CRITICAL +service-memory +open +ollama.service uses/);
    expect(lines[3]).toMatch(/ WARNING +killed +- +--<b>&\\x0a\\x1b/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines).toHaveLength(4);
  });

  it('says so where there is none', async () => {
    const { status, stdout } = await desk().rlimit(['monitor', 'alerts']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'No alert is in the log, or none that fits.',
    });
  });

  it.each([
    [['--rule', 'killed'], ['c']],
    [['--limit', '1'], ['c']],
    [['--since', '2h'], ['b']],
    [
      ['--since', '2026-11-20', '--limit', '0'],
      ['a', 'b', 'c'],
    ],
  ])('%j', async (args, ids) => {
    const own = alertDesk(
      ALERTS.map((each) => (each.id === 'b' ? { ...each, ended: Date.now() } : each)),
    );
    const { stdout } = await own.alerts(...args, '--json');
    expect((JSON.parse(stdout) as { alerts: Alert[] }).alerts.map(({ id }) => id)).toEqual(ids);
  });

  it('--json has this shape', async () => {
    const { stdout } = await alertDesk().alerts('--json', '--limit', '2');
    expect(shapeOf(JSON.parse(stdout))).toMatchInlineSnapshot(`
      {
        "alerts": [
          {
            "facts": [
              "string",
            ],
            "id": "string",
            "rule": "string",
            "says": "string",
            "severity": "string",
            "since": "number",
            "subject": {
              "kind": "string",
              "name": "string",
            },
            "threshold": "number",
            "top": {
              "bytes": "number",
              "comm": "string",
              "pid": "number",
            },
            "value": "number",
            "version": "number",
          },
        ],
        "file": "string",
        "fitting": "number",
        "skipped": [],
      }
    `);
  });

  it('tells of lines it cannot read, and of a log it may not', async () => {
    const own = alertDesk();
    own.write('state/rlimit/alerts.jsonl', 'torn\n');
    expect((await own.alerts()).stderr).toContain('alerts.jsonl: 1 line passed over');
    const { status, stderr } = await own.alerts('--file', own.project);
    expect(status).toBe(3);
    expect(stderr).toContain('the alert log');
  });

  it.each([
    [['--rule', 'memroy'], 'Did you mean memory?'],
    [['--since', 'soon'], '--since "soon" is no time'],
    [['--run', '--interval', '1ms'], '--interval "1ms" is no time between 1s and 1h'],
    [['--interval', '5s'], '--interval goes with --run'],
    [['--settings', '/nowhere.yaml'], '/nowhere.yaml: cannot be read'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stderr } = await alertDesk().alerts(...args);
    expect(status).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  });

  it('--check reads the settings, and says where they are wrong', async () => {
    const own = alertDesk();
    expect((await own.alerts('--check')).stdout).toContain('the defaults apply');
    const file = own.write('config/rlimit/alerts.yaml', 'rules:\n  cpu: off\n');
    expect((await own.alerts('--check')).stdout).toBe(`${file} can be used.`);
    own.write('config/rlimit/alerts.yaml', 'rules:\n  cpu: of\n');
    const { status, stderr } = await own.alerts('--check');
    expect(status).toBe(2);
    expect(stderr).toContain('alerts.yaml:2:8: cpu should be off, or a mapping');
  });
});

describe('following', () => {
  it('goes on with what comes, through a rotation, until Ctrl-C', async () => {
    const own = alertDesk(ALERTS.slice(0, 1));
    const following = execa(executable, ['monitor', 'alerts', '--follow'], {
      env: environment(own),
      reject: false,
    });
    let said = '';
    following.stdout?.on('data', (piece: Buffer) => {
      said += piece;
    });
    await expect.poll(() => said, { timeout: 30_000 }).toContain('memory WARNING');
    renameSync(own.file, `${own.file}.1`);
    own.write('state/rlimit/alerts.jsonl', `${JSON.stringify(ALERTS[1])}\nnonsense\n`);
    await expect
      .poll(() => said, { timeout: 30_000 })
      .toContain('service-memory CRITICAL: ollama.service');
    following.kill('SIGINT');
    expect((await following).exitCode).toBe(0);
    expect(said).not.toContain('nonsense');
  });
});

describe('--run', () => {
  it('raises alerts in the log, on the desktop and with a command, and ends when it is told to', async () => {
    const own = desk();
    const notified = join(own.project, 'notified');
    const paged = join(own.project, 'paged');
    const program = own.write('bin/notify-send', `#!/bin/sh\nprintf '%s\\n' "$@" >>${notified}\n`);
    chmodSync(program, 0o755);
    own.write(
      'config/rlimit/alerts.yaml',
      `rules: {memory: {warning: 0.01, critical: 0.02}, disk: off}
sinks:
  desktop: on
  journal: off
  command: [sh, -c, 'cat >${paged}']
`,
    );
    const env = { ...environment(own), PATH: `${join(program, '..')}:${process.env.PATH}` };
    const watching = execa(executable, ['monitor', 'alerts', '--run', '--interval', '1s'], {
      env,
      reject: false,
    });
    const log = join(own.project, '../state/rlimit/alerts.jsonl');
    await expect
      .poll(() => existsSync(log) && existsSync(notified) && existsSync(paged), { timeout: 60_000 })
      .toBe(true);
    // Some looks more raise nothing more.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    watching.kill('SIGTERM');
    expect((await watching).signal).toBe('SIGTERM');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const memory = lines
      .map((line) => JSON.parse(line) as Alert)
      .filter(({ rule }) => rule === 'memory');
    expect(memory).toMatchObject([{ severity: 'CRITICAL', top: { pid: expect.any(Number) } }]);
    expect(readFileSync(notified, 'utf8')).toMatch(
      /--urgency=critical\n[\s\S]*\nrlimit: memory CRITICAL\n/,
    );
    expect(readFileSync(notified, 'utf8')).toMatch(/^(no swap|swap .* used)/m);
    expect(JSON.parse(readFileSync(paged, 'utf8'))).toMatchObject({
      state: 'raised',
      rule: 'memory',
    });
  });

  it('says once that there is no notify-send, and goes on', async () => {
    const own = desk();
    own.write(
      'config/rlimit/alerts.yaml',
      'rules: {memory: {warning: 0.01}, disk: off}\nsinks: {desktop: on, journal: off}\n',
    );
    const watching = execa(
      executable,
      ['monitor', 'alerts', '--run', '--interval', '1s', '--json'],
      { env: { ...environment(own), PATH: pathWithout('notify-send') }, reject: false },
    );
    let said = '';
    watching.stderr?.on('data', (piece: Buffer) => {
      said += piece;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toContain('alerts do not reach the desktop');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    watching.kill('SIGINT');
    const { stdout, stderr, exitCode } = await watching;
    expect(exitCode).toBe(0);
    expect(stderr.match(/there is no notify-send/g)).toHaveLength(1);
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ rule: 'memory' });
  });
});

function pathWithout(program: string): string {
  return (process.env.PATH ?? '')
    .split(':')
    .filter((path) => !existsSync(join(path, program)))
    .join(':');
}

describe('rlimit timers', () => {
  it('shows what it would write', async () => {
    const { status, stdout } = await desk().rlimit(['timers', 'install', 'verify', '--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^# .*\/config\/systemd\/user\/rlimit-verify\.service$/m);
    expect(stdout).toMatch(/^ExecStart=\S+ \S+\/bin\/run\.js timers verify$/m);
    expect(stdout).toContain('OnCalendar=daily');
  });

  it.each([
    [['install', 'nightly'], 'there is no timer "nightly"'],
    [['install', '--textfile', 'here'], '--textfile wants an absolute path'],
    [['remove', '--user', '--system'], '--system'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stderr } = await desk().rlimit(['timers', ...args]);
    expect(status).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  });
});
