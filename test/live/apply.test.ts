import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApplyReport, CheckReport } from '../../src/apply/index.js';
import { endKillers } from './killers.js';
import { isHomeSuite, isWhole, machine } from './machine-under-test.js';
import { withSmallSwap } from './plans/bench.js';

const isHome = isHomeSuite('trixie');

function asRoot(command: string) {
  return machine.exec(command, { user: 'root', timeoutMs: 240_000 });
}

async function writePlan(name: string, text: string): Promise<string> {
  const path = `/opt/plans/${name}.yaml`;
  await machine.writeFile(path, text, { owner: 'root' });
  return path;
}

async function apply<T = ApplyReport>(words: string, run = asRoot) {
  const { status, stdout, stderr } = await run(`rlimit apply ${words} --json`);
  expect(stderr).toBe('');
  return { status, report: JSON.parse(stdout) as T };
}

/** All files that plans may touch, with modes and owners; and what of them the kernel holds. */
const STATE = `
  { find /etc /swapfile* /var/lib/rlimit /run/rlimit/apply /run/systemd/system.control /run/systemd/system ! -type d -printf '%p %m %U:%G %l\\n';
    find /etc -type d -printf '%p %m\\n';
    find /run/systemd/system.control -mindepth 1;
    find /etc -type f -exec sha256sum {} +; } 2>/dev/null | sort
  cat /proc/swaps /proc/sys/vm/swappiness
  cd /sys/fs/cgroup; for cgroup in user.slice user.slice/user-1000.slice system.slice system.slice/ollama.service; do
    head $cgroup/memory.max $cgroup/memory.high $cgroup/memory.swap.max $cgroup/cpu.weight $cgroup/cpu.max $cgroup/pids.max 2>/dev/null; done
  systemctl is-active ollama llamacpp local-llm-proxy t3-serve@dev earlyoom rlimit-verify.timer rlimit-metrics.timer
  ls -d /var/lib/prometheus 2>&1
`;
const state = async () => (await asRoot(STATE)).stdout;

const SERVER = '[Service]\nExecStart=/bin/sleep infinity\n';
/** Serves on when what it started for somebody was killed. */
const T3 = `[Service]
ExecStart=/bin/sh -c 'while :; do if [ -e /run/hog ]; then rm /run/hog; python3 -c "x = bytearray(300 << 20)"; echo $$? >/run/hogged; fi; sleep 0.1; done'
`;
/** Does not start where it has no privileges to gain. */
const PICKY = `[Service]
ExecStart=/bin/sh -c 'grep -q "^NoNewPrivs:.*1" /proc/self/status && { echo no privileges; exit 3; }; exec sleep infinity'
`;

beforeAll(async () => {
  await asRoot('mkdir -p /opt/plans; rm -f /etc/systemd/system/earlyoom.service');
  const units = {
    ollama: SERVER,
    llamacpp: SERVER,
    'local-llm-proxy': SERVER,
    't3-serve@': T3,
    picky: PICKY,
  };
  for (const [name, text] of Object.entries(units)) {
    await machine.writeFile(`/etc/systemd/system/${name}.service`, text, { owner: 'root' });
  }
  await asRoot(
    'systemctl daemon-reload; systemctl stop earlyoom; systemctl start ollama llamacpp t3-serve@dev picky',
  );
});

afterAll(async () => {
  await asRoot(
    'cd /etc/systemd/system; systemctl stop ollama llamacpp local-llm-proxy t3-serve@dev picky; ' +
      'rm -rf ollama.service* llamacpp.service* local-llm-proxy.service* t3-serve@.service* picky.service* /opt/plans; ' +
      'systemctl daemon-reload',
  );
  await asRoot(endKillers);
});

describe('a machine that is shared', () => {
  it('has both trees of a user capped, drift told, and all put back', async () => {
    const before = await state();
    const text = withSmallSwap('shared-host').replace(
      /(t3-serve@\*\n.*\n\s+MemoryMax:) .*/,
      '$1 128M',
    );
    const plan = await writePlan('shared', text);
    const { status, report } = await apply(`${plan} --yes`);
    expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
    expect(status).toBe(0);
    const states = report.verified?.units.map(({ unit, state: each }) => `${unit} ${each}`);
    expect(states).toEqual(
      expect.arrayContaining([
        'user-1000.slice in-force',
        'user.slice in-force',
        't3-serve@dev.service in-force',
        'system.slice in-force',
      ]),
    );
    // The kernel says so, in both trees; and a runaway dies in its own.
    const hog = `touch /run/hog; until [ -e /run/hogged ]; do sleep 0.1; done; cat /run/hogged;
      cd /sys/fs/cgroup; cat user.slice/user-1000.slice/memory.swap.max
      t3=$(echo system.slice/system-t3*/t3-serve@dev.service); cat $t3/memory.max; grep '^oom_kill ' $t3/memory.events
      systemctl is-active t3-serve@dev; rm -f /run/hogged`;
    expect((await asRoot(hog)).stdout.split('\n')).toEqual([
      ...['137', '0', String(128 * 2 ** 20), 'oom_kill 1', 'active', ''],
    ]);
    expect((await apply(`${plan} --yes`)).report.outcome).toBe('nothing');
    await asRoot('systemctl set-property --runtime user-1000.slice MemoryMax=300M');
    const drift = await apply<CheckReport>(`${plan} --check`);
    expect(drift.status).toBe(1);
    const changed = drift.report.verified?.findings.filter(
      ({ property }) => property === 'MemoryMax',
    );
    expect(changed?.[0]).toMatchObject({ unit: 'user-1000.slice', observed: '300M' });
    await asRoot('systemctl revert user-1000.slice');
    expect((await apply(`${plan} --revert --yes`)).report).toMatchObject({
      outcome: 'reverted',
      remarks: [],
    });
    expect(await state()).toBe(before);
  });

  if (isWhole)
    it('can be tried until the next boot, and by everybody looked at', async () => {
      const before = await state();
      const { status, report } = await apply('shared-host --runtime --yes --force');
      expect(report).toMatchObject({ way: 'trial', verified: { isInForce: true } });
      expect(status).toBe(0);
      const found = (
        await asRoot('find /etc -name "6*rlimit*"; cat /sys/fs/cgroup/system.slice/cpu.weight')
      ).stdout;
      expect(found).toBe('200\n');
      const user = await machine.exec('rlimit apply shared-host --diff --json');
      expect(JSON.parse(user.stdout)).toMatchObject({
        left: [{ run: 'sudo rlimit apply shared-host' }],
      });
      await apply('shared-host --runtime --revert --yes');
      expect(await state()).toBe(before);
    });
});

if (isHome)
  describe('a service that is cut off', () => {
    it('cannot send where the plan says so, while it runs; and can again', async () => {
      const before = await state();
      const text =
        'summary: x\ntargets:\n  - service: ollama\n    limits: { IPAddressDeny: localhost, IPAccounting: yes }\n';
      const plan = await writePlan('cut-off', text);
      // systemd keeps the list as a set: in any order.
      const send = `systemctl show -P IPAddressDeny ollama | xargs -n1 | sort; bash -c 'echo $$ >/sys/fs/cgroup/system.slice/ollama.service/cgroup.procs; echo x >/dev/udp/127.0.0.1/9' 2>&1 | grep -o 'not permitted'`;
      const { report } = await apply(`${plan} --yes`);
      expect(report.verified?.findings).toEqual([]);
      expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
      expect((await asRoot(send)).stdout).toBe('127.0.0.0/8\n::1/128\nnot permitted\n');
      // A plan that no longer says so is a change like any other; and so is the way back.
      expect((await apply(`${plan} --revert --yes`)).report).toMatchObject({ remarks: [] });
      expect((await asRoot(send)).stdout).toBe('\n');
      expect(await state()).toBe(before);
    });
  });

describe('model servers', () => {
  if (isHome)
    it('are limited, lose their privileges, have swap; and get all back', async () => {
      const before = await state();
      const plan = await writePlan('ai', withSmallSwap('ai-services'));
      const scores = 'systemd-analyze security --no-pager ollama.service | tail -1';
      const score = (text: string) => Number(/ ([\d.]+) [A-Z]+/.exec(text)?.[1]);
      const { stdout: exposed } = await asRoot(scores);
      const { status, report } = await apply(`${plan} --yes --force`);
      expect(report.verified?.facts.filter(({ isSo }) => !isSo)).toEqual([]);
      expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
      expect(status).toBe(0);
      const { stdout: less } = await asRoot(scores);
      expect(score(less)).toBeLessThan(score(exposed) - 2);
      const seen = `pid=$(systemctl show -p MainPID --value ollama); grep -E '^(NoNewPrivs|CapBnd)' /proc/$pid/status
      stat -c '%a %s' /swapfile; awk '$1 == "/swapfile" { print $5 }' /proc/swaps; cat /proc/sys/vm/swappiness
      systemctl is-active local-llm-proxy rlimit-verify.timer rlimit-metrics.timer
      systemd-analyze verify --man=no /etc/systemd/system/swapfile.swap /etc/systemd/system/rlimit-swapfile-swapfile.service /etc/systemd/system/ollama.service /etc/systemd/system/rlimit-*.{service,timer} 2>&1`;
      const timers = report.verified?.facts.filter(({ what }) => what === 'timer');
      expect(
        timers?.map(({ observed }) => observed.replace(/next .*|running now/, 'next')),
      ).toEqual([...['rlimit-verify.timer active, next', 'rlimit-metrics.timer active, next']]);
      expect((await asRoot(seen)).stdout.split('\n')).toEqual([
        ...['NoNewPrivs:\t1', 'CapBnd:\t0000000000000000'].sort(),
        ...['600 67108864', '50', '10', 'inactive', 'active', 'active', ''],
      ]);
      // What a boot does, as far as one can without: everything is stopped and comes by its unit again.
      await asRoot(
        'systemctl stop swapfile.swap ollama earlyoom; systemctl daemon-reexec; systemctl start swap.target ollama earlyoom; systemctl start swapfile.swap',
      );
      const check = await apply<CheckReport>(`${plan} --check --force`);
      expect(check.report.verified?.facts.filter(({ isSo }) => !isSo)).toEqual([]);
      expect(check).toMatchObject({ status: 0, report: { isAsPlanned: true } });
      expect((await apply(`${plan} --revert --yes`)).report).toMatchObject({
        outcome: 'reverted',
        remarks: [],
      });
      expect(await state()).toBe(before);
    });

  if (isHome)
    it('that refuse to start bring the machine back to where it was', async () => {
      const before = await state();
      const text =
        'summary: x\ntargets:\n  - service: [ollama, picky]\n    limits: { MemoryMax: 1G }\n    hardening: model-server\n';
      const plan = await writePlan('picky', text);
      const { status, report } = await apply(`${plan} --yes --force`);
      expect(status).toBe(1);
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        failure: { step: 'systemctl restart picky.service' },
      });
      expect(report.failure?.said).toContain('no privileges');
      expect(await state()).toBe(before);
      expect((await asRoot('systemctl is-active picky')).stdout).toBe('active\n');
    });
});

if (isHome)
  describe('a host of proofs', () => {
    it('has its controllers from root, and its budget without', async () => {
      const before = await state();
      const { report } = await apply('proof-host --yes');
      expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
      expect(report.left.map(({ ends }) => ends)).toContain(
        'every program of that user, the desktop included',
      );
      const own = await apply('proof-host --yes', (command) => machine.exec(command));
      expect(own.report.outcome).toBe('applied');
      expect(own.report.left[0]?.run).toBe('sudo rlimit apply proof-host');
      await apply('proof-host --revert --yes', (command) => machine.exec(command));
      await apply('proof-host --revert --yes');
      await asRoot(
        'systemctl restart user@1000; until systemctl is-active -q user@1000; do sleep 0.2; done',
      );
      expect(await state()).toBe(before);
    });

    if (isWhole)
      it('and a workstation is set up, as far as it has what it takes', async () => {
        const before = await state();
        const plan = await writePlan('box', withSmallSwap('workstation-16g'));
        const { report } = await apply(`${plan} --yes --force`);
        expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
        expect(report.notes.join()).toContain('nix-daemon.service is not installed');
        await apply(`${plan} --revert --yes`);
        expect(await state()).toBe(before);
      });
  });
