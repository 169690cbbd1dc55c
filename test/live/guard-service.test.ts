import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceChange } from '../../src/guard/service/index.js';
import type { ExecOptions } from './guest-process.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';

const unitFile = '/etc/systemd/system/rlimit-guard.service';
const settings = '/etc/rlimit/guard.yaml';
const pet = '/tmp/guarded-pet';

const SETTINGS = [
  'managed_processes: [guarded-pet]',
  'dynamic_adjustment: {enabled: false}',
  'backstop: {enabled: false}',
  'graduated: {enabled: false}',
  'machine_learning: {data_collection: true, log_path: /var/log/guard-data/data.csv}',
  '',
].join('\n');

async function root(command: string, options: ExecOptions = {}) {
  const { status, stdout, stderr } = await machine.exec(command, { user: 'root', ...options });
  return { status, out: stdout.trim(), err: stderr };
}
async function said(command: string, options: ExecOptions = {}) {
  const { status, out, err } = await root(command, options);
  expect(err).toBe('');
  expect(status).toBe(0);
  return out;
}
const guard = async (args: string, options: ExecOptions = {}) =>
  JSON.parse(await said(`rlimit guard ${args} --json`, options)) as ServiceChange;
const journal = () => said('journalctl --unit=rlimit-guard --no-pager --output=cat');

afterEach(async () => {
  await root(
    [
      'rlimit guard uninstall',
      `rm -rf ${unitFile}* ${settings} ${pet} /var/log/guard-data`,
      'rm -rf /run/systemd/system/rlimit-guard.service.d; systemctl daemon-reload',
      'systemctl reset-failed rlimit-guard; systemctl revert oom_protector.slice; true',
    ].join('; '),
  );
  await machine.exec('rlimit guard uninstall --user; systemctl --user stop pet; true');
});

describe('the guard as a service', () => {
  if (isHomeSuite('trixie'))
    it('starts when it guards, confined and with memory of its own; puts back what it changed', async () => {
      const other = '[Service]\nExecStart=/bin/true\n';
      await said(`cat > ${unitFile}`, { input: other });
      await said(`mkdir -p /etc/rlimit /var/log/guard-data; cat > ${settings}`, {
        input: SETTINGS,
      });
      const installed = await guard('install --now');
      expect(installed).toMatchObject({
        change: 'written',
        backup: `${unitFile}.before-rlimit`,
        verified: true,
        needs: { writable: ['/var/log/guard-data', '/root/.local/state/rlimit'], gpu: false },
        state: { active: 'active', enabled: 'enabled', status: 'guarding' },
      });
      expect(installed.exposure).toBeLessThan(4.5);
      const { pid } = installed.state;
      expect(await said(`systemd-analyze --man=no verify ${unitFile} 2>&1`)).toBe('');
      const cgroup = '/sys/fs/cgroup/rlimit-guard.service';
      const kernel = `cat ${cgroup}/memory.min ${cgroup}/memory.swap.max /proc/${pid}/oom_score_adj`;
      expect((await said(kernel)).split('\n')).toEqual([String(96 * 1024 * 1024), '0', '-900']);
      // DAC_OVERRIDE (1), KILL (5), SYS_PTRACE (19), SYS_RESOURCE (24); for bpftrace SYS_ADMIN (21), PERFMON
      // (38) and BPF (39).
      const capabilities = machine.suite === 'trixie' ? 'c001280022' : '0001080022';
      const status = await said(`cat /proc/${pid}/status`);
      expect(status).toMatch(new RegExp(`^CapEff:\\t0{6}${capabilities}$`, 'm'));
      expect(status).toMatch(/^Seccomp:\t2$/m);

      await machine.exec(`cp /bin/sleep ${pet}; systemd-run --user -q --unit=pet ${pet} 600`);
      const pets = () => machine.exec("sed 's/.*[/]//' /proc/$(pgrep -x guarded-pet)/cgroup");
      const place = async () => (await pets()).stdout.trim();
      await expect.poll(place, { timeout: 60_000 }).toBe('oom_protector-processes.scope');

      await said(`echo 'nonsense: 1' >> ${settings}; rlimit guard reload`);
      await expect.poll(journal, { timeout: 60_000 }).toMatch(/old settings stay in force/);
      await said(`sed -i '$d' ${settings}`);
      expect(await guard('install')).toMatchObject({ change: 'unchanged', state: { pid } });

      // What it does beside: data for analysis, and allocation rates by what there is.
      const source =
        machine.suite === 'trixie' ? /told by the kernel/ : /by samples: bpftrace is not installed/;
      await expect.poll(journal, { timeout: 60_000 }).toMatch(source);
      const data = await said('cat /var/log/guard-data/data.csv');
      expect(data).toMatch(/^time,event,pid,/);
      expect(data).toMatch(/^\d+,process,\d+,\d+,guarded-pet,/m);
      expect(data).toMatch(/^\d+,protect,\d+,,guarded-pet,.*managed_processes"?\r?$/m);

      expect(await guard('stop')).toMatchObject({ state: { active: 'inactive' } });
      expect(await place()).toBe('pet.service');
      expect(await guard('uninstall')).toMatchObject({ change: 'put-back' });
      expect(await said(`cat ${unitFile}`)).toBe(other.trim());
    });

  if (isWhole)
    it('is started anew when it hangs', async () => {
      await said(`mkdir -p /etc/rlimit; cat > ${settings}`, { input: SETTINGS });
      const drop = '/run/systemd/system/rlimit-guard.service.d';
      await said(`mkdir -p ${drop}; printf '[Service]\\nWatchdogSec=10s\\n' > ${drop}/short.conf`);
      const { state } = await guard('install --now');
      await said(`kill -STOP ${state.pid}`);
      const restarts = () => said('systemctl show -P NRestarts rlimit-guard');
      await expect.poll(restarts, { timeout: 90_000 }).toBe('1');
      expect(await journal()).toMatch(/Watchdog timeout/);
      const active = () => said('systemctl show -P ActiveState rlimit-guard');
      await expect.poll(active, { timeout: 90_000 }).toBe('active');
    });

  if (isWhole)
    it('is a user’s as well, with what a user can give', async () => {
      const dev = { user: 'dev' } as const;
      expect(await guard('install --user --now', dev)).toMatchObject({
        change: 'written',
        verified: true,
        state: { active: 'active', status: 'guarding' },
      });
      expect(await guard('restart --user', dev)).toMatchObject({ state: { active: 'active' } });
      expect(await guard('uninstall --user', dev)).toMatchObject({
        change: 'removed',
        state: { active: 'inactive' },
      });
      const { status, err } = await root('rlimit guard install', dev);
      expect(status).toBe(3);
      expect(err).toContain('for root');
    });
});
