import { describe, expect, it } from 'vitest';
import {
  checkSettingsFile,
  parseSettings,
  readSettingsFile,
} from '../../../src/guard/settings/file.js';
import { settingsFile, settingsPlace } from '../../../src/guard/settings/places.js';
import { DEFAULT_SETTINGS } from '../../../src/guard/settings/settings.js';
import { tree } from '../cgroup/tree.js';

/** The file of the daemon whose place this one takes. */
const OOM_PROTECTOR = `
cgroup_settings:
  name: "oom_protector.slice"
  memory_low: 209715200
  cpu_weight: 150
  io_weight: 150
managed_processes:
  - windsurf
  - code
  - "my editor"
gpu_protection:
  enabled: true
  memory_threshold_percent: 85
nvidia_monitor:
  enabled: false
  set_performance_mode: true
  check_driver_updates: yes
ebpf_monitor:
  enabled: true
  allocation_threshold_mb_per_sec: 250
dynamic_adjustment:
  enabled: true
  count: 5
  score: 800
machine_learning:
  data_collection: true
  log_path: /var/log/oom_protector_ml_data.csv
logging:
  json_logs: false
`;

const problems = (text: string) => {
  const parsed = parseSettings(text);
  if (!('problems' in parsed)) return [];
  return parsed.problems.map(
    ({ message, position }) => `${position?.line}:${position?.column} ${message}`,
  );
};

describe('settings', () => {
  it('are the defaults where a file says nothing', () => {
    for (const text of ['', '# nothing', 'backstop:', 'graduated: {}']) {
      expect(parseSettings(text)).toEqual(DEFAULT_SETTINGS);
    }
  });

  it('of oom_protector work unchanged', () => {
    expect(parseSettings(OOM_PROTECTOR)).toEqual({
      ...DEFAULT_SETTINGS,
      managed_processes: ['windsurf', 'code', 'my editor'],
      gpu_protection: { enabled: true, memory_threshold_percent: 85 },
      nvidia_monitor: { enabled: false, set_performance_mode: true, check_driver_updates: true },
      ebpf_monitor: { enabled: true, allocation_threshold_mb_per_sec: 250 },
      dynamic_adjustment: { enabled: true, count: 5, score: 800 },
      machine_learning: {
        data_collection: true,
        log_path: '/var/log/oom_protector_ml_data.csv',
      },
      logging: { json_logs: false },
    });
  });

  it('take part of a section, and our own keys beside the others', () => {
    expect(parseSettings('interval: 0.5\nbackstop: {term_percent: 7, avoid: []}')).toEqual({
      ...DEFAULT_SETTINGS,
      interval: 0.5,
      backstop: { ...DEFAULT_SETTINGS.backstop, term_percent: 7, avoid: [] },
    });
  });

  it.each([
    [
      'managed_proceses: [vim]',
      '1:1 there is no key "managed_proceses" here; did you mean managed_processes?',
    ],
    [
      'backstop:\n  term_pct: 4',
      '2:3 there is no key "term_pct" here; the keys are enabled, term_percent',
    ],
    ['interval: 0', '1:11 interval should be a number from 0.1 to 60 seconds'],
    ['interval: 1e1', '1:11 interval should be a number'],
    ['managed_processes: [/usr/bin/vim]', '1:21 managed_processes should be the bare name'],
    ['managed_processes: vim', '1:20 managed_processes should be a list'],
    ['logging:\n  json_logs: perhaps', '2:14 json_logs should be true or false'],
    ['logging: loud', '1:10 logging should be a mapping'],
    ['cgroup_settings:\n  name: user.slice', '2:9 name should be the name of a slice of its own'],
    ['cgroup_settings: {name: ../x.slice}', '1:25 name should be'],
    ['backstop: {kill_percent: 6}', '1:26 kill_percent should be at most backstop.term_percent'],
    ['livelock: {action: shout}', '1:20 action should be warn, raise or kill'],
    ['machine_learning: {log_path: a.csv}', '1:30 log_path should be an absolute path'],
    ['- vim', '1:1 should be a mapping'],
    ['a: &x 1', '1:7 anchors'],
    ['interval: 1\ninterval: 2', '2:1 this key stands here for the second time'],
  ])('say where %j is wrong', (text, expected) => {
    expect(problems(text)[0]).toContain(expected);
  });

  it('of hostile text say so without its control characters', () => {
    for (const problem of problems('"a\\u001b[31m": 1\nbackstop: {"b\\nc": 2}')) {
      expect(problem).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe('the file', () => {
  it('is told with all that is wrong, or refused for the first of it', () => {
    const root = tree({ 'guard.yaml': 'interval: 0\nlogging: 1\n' });
    const file = `${root}/guard.yaml`;
    expect(checkSettingsFile(file).problems).toHaveLength(2);
    expect(() => readSettingsFile(file)).toThrow(`${file}:1:11: interval should be`);
    expect(() => readSettingsFile(root)).toThrow('is a directory');
    expect(() => readSettingsFile(`${root}/none`)).toThrow('there is no such file');
  });

  it('is the named one, else the usual one where that is there', () => {
    const root = tree({ 'rlimit/guard.yaml': '' });
    expect(settingsPlace({}, 0)).toBe('/etc/rlimit/guard.yaml');
    expect(settingsPlace({ HOME: '/home/a', XDG_CONFIG_HOME: 'relative' }, 1000)).toBe(
      '/home/a/.config/rlimit/guard.yaml',
    );
    const place = settingsPlace({ XDG_CONFIG_HOME: root }, 1000);
    expect(settingsFile(undefined, place)).toBe(place);
    expect(settingsFile(undefined, `${root}/none`)).toBeUndefined();
    expect(settingsFile('mine', place)).toBe('mine');
  });
});
