import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { GuardSample } from '../../../src/model/index.js';
import { type Exported, renderPrometheus } from '../../../src/render/prometheus/index.js';
import { promtool } from '../../setup/promtool.js';
import { machineSample, unitSample } from '../sampler/sampled.js';

const docs = join(import.meta.dirname, '../../../docs');
const monitoring = join(docs, 'monitoring');

const exported = (more: Partial<Exported> = {}): Exported => ({
  sample: machineSample(),
  unitsLeftOut: 0,
  version: '1.2.3',
  processes: 10,
  ...more,
});

const GUARD: GuardSample = {
  ...{ of: 'machine', running: true, tells: true },
  ...{ done: { kill: 2, freeze: 1 }, failed: { term: 1 } },
};

/** Everything that can be exported at once. */
const all = () => {
  const limited = unitSample();
  const high = { ...limited.limits, memoryHigh: 7e9 };
  return renderPrometheus(
    exported({
      sample: machineSample({ units: [{ ...limited, limits: high }], guards: [GUARD] }),
      budget: { memoryMax: 100, promised: 60, free: 40, holders: [], waiting: [] },
    }),
  );
};

const namesIn = (text: string) =>
  [...new Set(text.match(/^# TYPE (\S+)/gm) ?? [])].map((line) => line.replace('# TYPE ', ''));

describe('renderPrometheus', () => {
  it('tells figures in base units', () => {
    const text = all();
    expect(text).toContain('\nrlimit_memory_size_bytes 17179869184\n');
    expect(text).toContain(
      '\nrlimit_pressure_ratio{resource="memory",kind="full",window="60s"} 0.015\n',
    );
    expect(text).toContain(
      'rlimit_unit_cpu_seconds_total{unit="rlimit-coq-standard-k3x9q2.scope",cgroup="/user.slice/rlimit-coq-standard-k3x9q2.scope"} 90.5\n',
    );
    expect(text).toMatch(/rlimit_unit_limit_used_ratio\{[^}]*limit="memory_max"\} 0\.75\n/);
    expect(text).toMatch(/rlimit_unit_info\{.*ours="true",profile="coq-standard"\} 1\n/);
    expect(text).toContain(
      'rlimit_gpu_info{gpu="0",uuid="GPU-1",name="NVIDIA H200",driver="550.1"} 1\n',
    );
  });

  it('counts what guards did, from nothing on', () => {
    const text = all();
    expect(text).toContain('\nrlimit_guard_up{guard="machine"} 1\n');
    expect(text).toContain('\nrlimit_guard_actions_total{guard="machine",action="kill"} 2\n');
    expect(text).toContain('\nrlimit_guard_actions_total{guard="machine",action="gpu"} 0\n');
    expect(text).toContain(
      '\nrlimit_guard_failed_actions_total{guard="machine",action="term"} 1\n',
    );
    expect(text.match(/^rlimit_guard_actions_total/gm)).toHaveLength(12);
    const ended = machineSample({ guards: [{ ...GUARD, of: 'user', running: false }] });
    expect(renderPrometheus(exported({ sample: ended }))).toContain(
      '\nrlimit_guard_up{guard="user"} 0\n',
    );
    expect(renderPrometheus(exported())).not.toContain('guard');
  });

  it('leaves out what is not told, and limits that are none', () => {
    const bare = unitSample({
      use: {},
      limits: { memoryMax: 'infinity', swapMax: 0 },
      pressure: {},
      events: {},
    });
    const {
      cpu: _,
      oomKills: __,
      ...rest
    } = machineSample({ units: [bare], pressure: {}, gpus: [] });
    const text = renderPrometheus(exported({ sample: rest }));
    for (const absent of [
      'cpu_busy',
      'rlimit_oom_kills',
      'gpu',
      'memory_max',
      'limit_used',
      'NaN',
      'undefined',
      'pressure',
    ]) {
      expect(text).not.toContain(absent);
    }
    expect(text).toMatch(/rlimit_unit_swap_max_bytes\{.*\} 0\n/);
  });

  it('keeps hostile names inside their labels', () => {
    const evil = 'a"} 1\nrlimit_fake 2 \\ \u001b[2J\r\u2028';
    const [process] = machineSample().processes;
    const text = renderPrometheus(
      exported({
        sample: machineSample({
          units: [unitSample({ unit: evil, cgroup: `/${evil}`, profile: evil })],
          processes: process === undefined ? [] : [{ ...process, comm: evil }],
          disks: [{ mount: evil, device: evil, total: 1, available: 1 }],
        }),
      }),
    );
    expect(text).not.toMatch(/^rlimit_fake/m);
    expect(text).toContain('name="a\\"} 1\\nrlimit_fake 2 \\\\ \\\\x1b[2J');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u2028]/);
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(#|rlimit_\w+(\{(\w+="([^"\\]|\\["\\n])*",?)+\})? \S+$)/);
    }
  });

  it('tells a series once, and of so many processes as are asked for', () => {
    const twice = machineSample({ units: [unitSample(), unitSample({ use: { memory: 1 } })] });
    const text = renderPrometheus(exported({ sample: twice, processes: 1 }));
    expect(text.match(/^rlimit_unit_memory_bytes\{/gm)).toHaveLength(1);
    expect(text.match(/^rlimit_process_resident_memory_bytes\{/gm)).toHaveLength(1);
    expect(renderPrometheus(exported({ processes: 0 }))).not.toContain('rlimit_process_');
  });

  it('is accepted by promtool', async () => {
    const { stdout, stderr, exitCode } = await execa(await promtool(), ['check', 'metrics'], {
      input: all(),
      reject: false,
    });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });
});

describe('docs/monitoring', () => {
  const rules = readFileSync(join(monitoring, 'rules.yml'), 'utf8');
  const dashboard = JSON.parse(
    readFileSync(join(monitoring, 'grafana-dashboard.json'), 'utf8'),
  ) as {
    panels: { targets: { expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const known = namesIn(all());

  it('asks only for metrics that there are', () => {
    const asked = `${rules}\n${queries.join('\n')}`.match(/\brlimit_\w+/g) ?? [];
    expect(asked.length).toBeGreaterThan(50);
    expect([...new Set(asked)].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has every metric in its table, and no other', () => {
    const page = readFileSync(join(docs, 'monitor.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `(rlimit_\w+)` \| (\w+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(listed.sort()).toEqual(
      [...new Set(all().match(/^# TYPE .*/gm))].map((line) => line.replace('# TYPE ', '')).sort(),
    );
  });

  it('holds in promtool: the rules, their tests, and the queries of the dashboard', async () => {
    const program = await promtool();
    const scratch = await mkdtemp(join(tmpdir(), 'rlimit-queries-'));
    try {
      const recorded = queries.map((expr, index) => ({
        record: `query:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
      }));
      const file = join(scratch, 'queries.yml');
      await writeFile(file, JSON.stringify({ groups: [{ name: 'queries', rules: recorded }] }));
      await execa(program, ['check', 'rules', '--lint-fatal', join(monitoring, 'rules.yml'), file]);
      await execa(program, ['test', 'rules', 'rules.test.yml'], { cwd: monitoring });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
});
