import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { alertSettingsFiles, loadAlertSettings } from '../../../src/alerts/load.js';
import { DEFAULT_RULES, defaultSinks } from '../../../src/alerts/settings.js';
import { readAlertSettings } from '../../../src/alerts/settings-file.js';

function settingsFile(text: string, mode = 0o644): string {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-settings-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'alerts.yaml');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const load = (text: string) => readAlertSettings(settingsFile(text));

describe('the places', () => {
  it('are the user’s own, and /etc for root', () => {
    const env = { XDG_CONFIG_HOME: '/c' };
    expect(alertSettingsFiles(env, 1000)).toEqual(['/c/rlimit/alerts.yaml']);
    expect(alertSettingsFiles(env, 0)).toEqual([
      '/c/rlimit/alerts.yaml',
      '/etc/rlimit/alerts.yaml',
    ]);
  });

  it('without a file the defaults apply', async () => {
    const file = settingsFile('');
    const env = { XDG_CONFIG_HOME: join(file, '..', 'nothing') };
    expect(await loadAlertSettings(undefined, env)).toEqual({
      rules: DEFAULT_RULES,
      sinks: defaultSinks(),
    });
  });

  it('the file is found there', async () => {
    const home = join(settingsFile(''), '..');
    mkdirSync(join(home, 'rlimit'));
    writeFileSync(join(home, 'rlimit/alerts.yaml'), 'quiet: 1h\n');
    expect(await loadAlertSettings(undefined, { XDG_CONFIG_HOME: home })).toMatchObject({
      file: join(home, 'rlimit/alerts.yaml'),
      rules: { quietMs: 3_600_000 },
    });
  });
});

describe('settings', () => {
  it.each(['', '# nothing\n', 'rules:\nsinks:\n', '---\n'])(
    'that say nothing are the defaults: %j',
    (text) => {
      expect(load(text)).toMatchObject({ rules: DEFAULT_RULES, sinks: defaultSinks() });
    },
  );

  it('are laid over the defaults, key by key', () => {
    const { rules } = load(`
rules:
  memory: {warning: 70, critical: 80.5%}
  cpu: {for: 10s}
  disk: off
  gpu-utilisation: {warning: 95}
  killed: off
margin: 3
end: 2min
quiet: 30s
silence: 1h
`);
    expect(rules.thresholds).toEqual({
      ...DEFAULT_RULES.thresholds,
      memory: { warning: 0.7, critical: 0.805, forMs: 0 },
      cpu: { warning: 0.9, forMs: 10_000 },
      disk: undefined,
      'gpu-utilisation': { warning: 0.95, forMs: 0 },
    });
    expect([...rules.events]).toEqual(['guard', 'livelock', 'silence']);
    expect(rules).toMatchObject({
      margin: 0.03,
      endMs: 120_000,
      quietMs: 30_000,
      silenceMs: 3_600_000,
    });
  });

  it('of one threshold beyond the other one’s default leave only the one', () => {
    expect(load('rules: {memory: {warning: 95}}').rules.thresholds.memory).toEqual({
      ...{ warning: 0.95, forMs: 0 },
    });
    expect(load('rules: {memory: {critical: 50}}').rules.thresholds.memory).toEqual({
      ...{ critical: 0.5, forMs: 0 },
    });
  });

  it('choose the sinks', () => {
    const { sinks } = load(`
sinks:
  desktop: {severity: CRITICAL}
  journal: off
  log: {file: /var/log/x.jsonl, size: 1M}
  command: [/usr/local/bin/page, "a b"]
`);
    expect(sinks).toEqual({
      desktop: { from: 'CRITICAL' },
      log: { from: 'WARNING', file: '/var/log/x.jsonl', limitBytes: 1024 ** 2 },
      command: { from: 'WARNING', argv: ['/usr/local/bin/page', 'a b'], timeoutMs: 10_000 },
    });
    expect(
      load('sinks: {desktop: on, command: {argv: [x], timeout: 2s, severity: CRITICAL}}').sinks,
    ).toMatchObject({
      desktop: { from: 'WARNING' },
      command: { from: 'CRITICAL', argv: ['x'], timeoutMs: 2000 },
    });
  });
});

describe('a mistake is told with its place', () => {
  it.each([
    ['rules:\n  memroy: off\n', ':2:3: there is no key "memroy" here; did you mean memory?'],
    [
      'rules:\n  memory: {warnin: 5}\n',
      ':2:12: there is no key "warnin" here; did you mean warning?',
    ],
    [
      'rules:\n  memory: 85\n',
      ':2:11: memory should be off, or a mapping such as {warning: 85, critical: 90}',
    ],
    [
      'rules:\n  memory: {warning: 120}\n',
      ':2:21: warning should be a percentage above 0 and up to 100, such as 85%',
    ],
    ['rules:\n  memory: {warning: 90, critical: 85}\n', ':2:35: critical should be above warning'],
    ['rules:\n  killed: maybe\n', ':2:11: killed should be on or off'],
    ['quiet: soon\n', ':1:8: quiet should be a time span such as 30s or 5min'],
    ['sinks:\n  log: {file: here}\n', ':2:15: file should be an absolute path'],
    [
      'sinks:\n  command: rm -rf x\n',
      ':2:12: command should be off, a list such as [/usr/local/bin/page, now], or a mapping with argv',
    ],
    ['sinks:\n  command: []\n', ':2:12: argv should name a program'],
    ['sinks:\n  desktop: {severity: HIGH}\n', ':2:23: severity should be WARNING or CRITICAL'],
    ['- a\n', ':1:1: should be a mapping with keys such as rules and sinks'],
    ['rules: [', ':1:9: '],
  ])('%j', (text, message) => {
    const file = settingsFile(text);
    expect(() => readAlertSettings(file)).toThrow(`${file}${message}`);
  });

  it('and so is a file that is not there, or that others may write', () => {
    expect(() => readAlertSettings('/nowhere/alerts.yaml')).toThrow(
      '/nowhere/alerts.yaml: cannot be read: there is no such file',
    );
    expect(() => readAlertSettings(settingsFile('quiet: 5s\n', 0o666))).toThrow(
      'others can write it',
    );
  });
});
