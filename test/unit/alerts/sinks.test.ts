import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandSink } from '../../../src/alerts/sinks/command.js';
import { notification } from '../../../src/alerts/sinks/desktop.js';
import { journalEntry, MESSAGE_IDS } from '../../../src/alerts/sinks/journal.js';
import { logSink } from '../../../src/alerts/sinks/log.js';
import { type Sink, Sinks } from '../../../src/alerts/sinks/sink.js';
import type { Alert } from '../../../src/model/index.js';
import { alert, HOSTILE } from './alerts.js';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rlimit-sinks-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const hostile = alert({
  says: `${HOSTILE} is full`,
  subject: { kind: 'unit', name: HOSTILE },
  facts: [HOSTILE],
  top: { pid: 7, comm: HOSTILE },
});

describe('a notification', () => {
  it('names the top process and the use of swap, and is urgent when it is critical', () => {
    expect(notification(alert(), 'raised')).toEqual([
      ...['notify-send', '--app-name=rlimit', '--urgency=normal', '--icon=dialog-warning', '--'],
      'rlimit: memory WARNING',
      'memory is 86% used\nmost by firefox (PID 7, 4G)\nswap 50% used (2G of 4G)',
    ]);
    expect(notification(alert({ severity: 'CRITICAL' }), 'raised')).toContain('--urgency=critical');
  });

  it('is not shown of an end; it is of what happened at one moment', () => {
    expect(notification(alert({ ended: 1, lastedMs: 5 }), 'ended')).toBeUndefined();
    const { since } = alert();
    expect(notification(alert({ ended: since, lastedMs: 0 }), 'raised')).toBeDefined();
  });

  it('has nothing of a name that markup, options or escapes could be made of', () => {
    const argv = notification(hostile, 'raised') ?? [];
    const [title = '', body = ''] = argv.slice(argv.indexOf('--') + 1);
    expect(argv.slice(argv.indexOf('--') + 1)).toHaveLength(2);
    expect((title + body).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(body).not.toMatch(/[<>]/);
    expect(body.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
    // Each backslash is one to notify-send, and not the beginning of an escape.
    expect(body.replaceAll('\\\\', '')).not.toContain('\\');
    expect(body.split('\n')).toHaveLength(3);
  });
});

describe('an entry of the journal', () => {
  it('has the fields', () => {
    expect(journalEntry(alert(), 'raised').trimEnd().split('\n')).toEqual([
      'MESSAGE=memory WARNING: memory is 86% used (most by firefox (PID 7, 4G); swap 50% used (2G of 4G))',
      `MESSAGE_ID=${MESSAGE_IDS.raised}`,
      'PRIORITY=4',
      'SYSLOG_IDENTIFIER=rlimit',
      'RLIMIT_STATE=raised',
      'RLIMIT_ALERT=mi7abc-12345678',
      'RLIMIT_RULE=memory',
      'RLIMIT_SEVERITY=WARNING',
      'RLIMIT_SUBJECT_KIND=machine',
      'RLIMIT_VALUE=0.86',
      'RLIMIT_THRESHOLD=0.85',
      'RLIMIT_TOP_COMM=firefox',
      'RLIMIT_TOP_PID=7',
      'RLIMIT_SINCE=1795183200000',
    ]);
    const over = journalEntry(alert({ ended: 1, lastedMs: 65_000 }), 'ended');
    expect(over).toContain('MESSAGE=memory WARNING: over after 1min 5s: memory is 86% used');
    expect(over).toContain('PRIORITY=6\n');
  });

  it('cannot be given more of them by a name', () => {
    const lines = journalEntry(hostile, 'raised').trimEnd().split('\n');
    const known = journalEntry(alert({ subject: { kind: 'unit', name: 'x' } }), 'raised').trimEnd();
    expect(lines.map((line) => line.split('=')[0])).toEqual(
      known.split('\n').map((line) => line.split('=')[0]),
    );
    expect(lines.join('')).not.toMatch(/\p{Cc}/u);
  });
});

describe('a command', () => {
  const settings = { from: 'WARNING' as const, timeoutMs: 5000 };
  const program = (path: string, script: string) => {
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o700);
    return path;
  };

  it('gets the alert as JSON and as variables, its arguments as they are', async () => {
    const at = directory();
    const path = program(
      join(at, 'page'),
      `cat >${at}/in; env >${at}/env; printf %s "$1" >${at}/arg`,
    );
    await commandSink({ ...settings, argv: [path, '$(id) "x"'] }).send(hostile, 'raised');
    expect(JSON.parse(readFileSync(join(at, 'in'), 'utf8'))).toEqual({
      state: 'raised',
      ...hostile,
    });
    expect(readFileSync(join(at, 'arg'), 'utf8')).toBe('$(id) "x"');
    const env = readFileSync(join(at, 'env'), 'utf8');
    expect(env).toMatch(/^RLIMIT_ALERT_RULE=memory$/m);
    expect(env).toMatch(/^RLIMIT_ALERT_STATE=raised$/m);
    expect(env).toMatch(/^RLIMIT_ALERT_VALUE=0.86$/m);
    expect(env).toMatch(/^RLIMIT_ALERT_SINCE=2026-11-20T14:00:00.000Z$/m);
    expect(env.match(/^RLIMIT_ALERT_TOP_COMM=--<b>&\\x0a.*$/m)).not.toBeNull();
  });

  it('that fails, hangs or is not there says so', async () => {
    const at = directory();
    const send = (argv: string[], timeoutMs = 5000) =>
      commandSink({ ...settings, argv, timeoutMs }).send(alert(), 'raised');
    await expect(send([program(join(at, 'bad'), 'echo no pager >&2; exit 3')])).rejects.toThrow(
      /ended with 3: no pager/,
    );
    await expect(send([join(at, 'gone')])).rejects.toThrow('there is no ');
    const slow = program(join(at, 'slow'), `sleep 1000 & echo $! >${at}/pid; wait`);
    await expect(send([slow], 500)).rejects.toThrow('took longer than 0.5 s');
    // With what it started.
    const pid = Number(readFileSync(join(at, 'pid'), 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

/** A zombie that nobody waits for has ended as well. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the log', () => {
  it('gets a line each', async () => {
    const file = join(directory(), 'a/b/alerts.jsonl');
    const sink = logSink({ from: 'WARNING', file, limitBytes: 10_000 });
    await sink.send(hostile, 'raised');
    await sink.send(alert(), 'raised');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([hostile, alert()]);
  });

  it('that is full becomes the old generation', async () => {
    const file = join(directory(), 'alerts.jsonl');
    const sink = logSink({ from: 'WARNING', file, limitBytes: 4096 });
    for (let count = 0; count < 40; count += 1) await sink.send(alert(), 'raised');
    expect(readFileSync(file).length).toBeLessThan(4096 + 1000);
    expect(readFileSync(`${file}.1`).length).toBeGreaterThanOrEqual(4096);
  });

  it('on a full disk says so', async () => {
    const sink = logSink({ from: 'WARNING', file: '/dev/full', limitBytes: 4096 });
    await expect(sink.send(alert(), 'raised')).rejects.toThrow('/dev/full');
  });
});

describe('all together', () => {
  function sink(send: Sink['send'], from: Sink['from'] = 'WARNING'): Sink {
    return { name: 'command', from, send };
  }
  const raise = (...raised: Alert[]) => ({ raised, ended: [] });

  it('one that fails keeps none of the others back, and is complained of once', async () => {
    const sent: string[] = [];
    const troubles: string[] = [];
    let isBroken = true;
    const sinks = new Sinks(
      [
        sink(async () => {
          if (isBroken) throw new Error('no space');
        }),
        sink(async ({ id }, state) => void sent.push(`${state} ${id}`)),
      ],
      (text) => troubles.push(text),
    );
    sinks.tell(raise(alert({ id: 'a' }), alert({ id: 'b' })));
    sinks.tell({ raised: [], ended: [alert({ id: 'a' })] });
    await sinks.close();
    expect(sent).toEqual(['raised a', 'raised b', 'ended a']);
    expect(troubles).toEqual(['alerts do not reach the command: no space']);
    isBroken = false;
    sinks.tell(raise(alert()));
    await sinks.close();
    isBroken = true;
    sinks.tell(raise(alert()));
    await sinks.close();
    expect(troubles).toHaveLength(2);
  });

  it('one that takes only CRITICAL is told nothing else', async () => {
    const sent: string[] = [];
    const sinks = new Sinks([sink(async ({ id }) => void sent.push(id), 'CRITICAL')], () => {});
    sinks.tell(raise(alert({ id: 'a' }), alert({ id: 'b', severity: 'CRITICAL' })));
    await sinks.close();
    expect(sent).toEqual(['b']);
  });

  it('what is slow is never started twice at once, and does not pile up', async () => {
    let atOnce = 0;
    let most = 0;
    const sent: string[] = [];
    const troubles: string[] = [];
    const slow = sink(async ({ id }) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 1));
      sent.push(id);
      atOnce -= 1;
    });
    const sinks = new Sinks([slow], (text) => troubles.push(text));
    for (let count = 0; count < 500; count += 1) sinks.tell(raise(alert({ id: String(count) })));
    await sinks.close();
    expect(most).toBe(1);
    // The first is under way at once; of the others the last ones are kept.
    expect(sent).toHaveLength(65);
    expect(sent.at(-1)).toBe('499');
    expect(troubles).toEqual([
      'alerts do not reach the command: it is too slow: alerts were left out',
    ]);
  });
});
