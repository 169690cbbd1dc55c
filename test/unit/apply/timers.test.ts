import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../../src/apply/compile/index.js';
import { applyPrepared, preparePlan, revertPlan } from '../../../src/apply/index.js';
import { refuseTimers } from '../../../src/apply/refuse.js';
import { INSTALLED_BY } from '../../../src/timers/index.js';
import { contentsOf, facts, planOf, treeWith } from './world.js';

const env = { HOME: '/nonexistent' };
const FOLDER = '/etc/systemd/system';
const plan = planOf(`
summary: x
timers: { set-up: [verify, metrics, alerts], verify-at: Mon, textfile: /srv/metrics }
`);

describe('timers of a plan', () => {
  it('are the units of rlimit timers install, started and started at boot', async () => {
    const { files, actions, wishes, made, folders } = await compilePlan(plan, facts(), { env });
    expect(files.map(({ path, link }) => [path.slice(FOLDER.length + 1), link === true])).toEqual([
      ['rlimit-verify.service', false],
      ['rlimit-verify.timer', false],
      ['timers.target.wants/rlimit-verify.timer', true],
      ['rlimit-metrics.service', false],
      ['rlimit-metrics.timer', false],
      ['timers.target.wants/rlimit-metrics.timer', true],
      ['rlimit-alerts.service', false],
      ['multi-user.target.wants/rlimit-alerts.service', true],
    ]);
    expect(files[1]?.content).toMatch(/^# Written by rlimit apply, plan mine; /);
    expect(files[1]?.content).toContain('\nOnCalendar=Mon\n');
    expect(files[3]?.content).toContain(
      '\nExecStart=/usr/bin/node /opt/rlimit monitor --textfile /srv/metrics\n',
    );
    const started = ['rlimit-verify.timer', 'rlimit-metrics.timer', 'rlimit-alerts.service'];
    expect(actions).toEqual([
      { do: 'reload', manager: 'system' },
      ...started.map((unit) => expect.objectContaining({ do: 'start', unit })),
    ]);
    expect(wishes.map((wish) => 'name' in wish && wish.name)).toEqual([
      'verify',
      'metrics',
      'alerts',
    ]);
    expect([made, folders]).toEqual([['/srv/metrics/rlimit.prom'], ['/srv/metrics']]);
  });

  it('that are installed already are looked at and left', async () => {
    const texts = { [`${FOLDER}/rlimit-verify.service`]: `# ${INSTALLED_BY}; edited\n[Service]\n` };
    const compiled = await compilePlan(plan, facts({ texts }), { env });
    expect(compiled.files.some(({ path }) => path.includes('verify'))).toBe(false);
    expect(compiled.actions.some((action) => 'unit' in action && /verify/.test(action.unit))).toBe(
      false,
    );
    expect(compiled.wishes).toContainEqual({ what: 'timer', name: 'verify' });
    expect(compiled.notes).toEqual([expect.stringContaining('rlimit-verify.timer is there by')]);
  });

  it('are no part of a trial', async () => {
    const { files, notes } = await compilePlan(plan, facts(), { env, runtime: true });
    expect(files).toEqual([]);
    expect(notes.join()).toContain('timers are left as they are');
  });

  it('go into a tree and out of it again', async () => {
    const root = treeWith({ [`${FOLDER}/rlimit-verify.timer`]: '[Timer]\nOnCalendar=hourly\n' });
    const before = contentsOf(root);
    const options = { root, machine: 'cores=4,memory=16G', env };
    await applyPrepared(await preparePlan(plan, options));
    const timer = `${root}${FOLDER}/rlimit-verify.timer`;
    expect(readFileSync(timer, 'utf8')).toContain('OnCalendar=Mon');
    expect(readlinkSync(`${root}${FOLDER}/timers.target.wants/rlimit-verify.timer`)).toBe(
      `${FOLDER}/rlimit-verify.timer`,
    );
    expect(existsSync(`${root}/srv`)).toBe(false);
    const again = await preparePlan(plan, options);
    expect(again.preview.files).toEqual([]);
    await revertPlan(again);
    expect(contentsOf(root, { without: ['/var'] })).toEqual(before);
  });

  it('that systemd does not take are refused before anything is written', async () => {
    const compiled = await compilePlan(plan, facts(), { env });
    const all = compiled.files.map(({ path }) => path);
    const system = {
      run: async () => ({ status: 1, out: '', err: 'rlimit-verify.timer: no such day\n' }),
    };
    await expect(refuseTimers(compiled, all, system)).rejects.toMatchObject({
      why: expect.stringContaining('no such day'),
      exitCode: 3,
    });
    await refuseTimers(compiled, [], system);
  });

  it.each([
    ['timers: [nightly]', /should be among verify, metrics, alerts/],
    ['timers: { set-up: [verify], when: daily }', /there is no key "when"|when/],
    ['timers: { set-up: [metrics], textfile: "/a/../b" }', /should be the absolute path/],
  ])('%s is refused', (text, words) => {
    expect(() => planOf(`summary: x\n${text}\n`)).toThrow(words);
  });
});
