import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/doctor/index.js';
import { endKillers } from './killers.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('trixie');

const { systemd } = suiteFacts[machine.suite];
const SCRIPT = '/home/dev/fix.sh';

function asRoot(command: string) {
  return machine.exec(command, { user: 'root', timeoutMs: 240_000 });
}

async function doctor(args: string) {
  const { status, stdout, stderr } = await machine.exec(`rlimit doctor --json ${args}`, {
    timeoutMs: 240_000,
  });
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as DoctorReport;
  const findings = report.checks.flatMap((check) => check.findings);
  const unknown = report.checks.filter(({ status: each }) => each === 'unknown');
  return {
    status,
    report,
    unknown: unknown.map(({ name, evidence }) => `${name}: ${evidence.join('; ')}`),
    found: findings.map(({ id, severity, property = '' }) =>
      `${severity} ${id} ${property}`.trim(),
    ),
  };
}

const MACHINE = 'oomd earlyoom users commitment delegation';
const BROKEN = [
  'problem oomd-with-swap-zero',
  'warning controller-not-delegated cpuset',
  'warning controller-not-delegated io',
  'warning no-backstop',
  'warning user-tree-uncapped MemoryMax',
];
const foundAmong = async (checks: string) => (await doctor(checks)).found.sort();
const managerIsUp = 'until systemctl is-active -q user@1000; do sleep 0.2; done';

beforeAll(async () => {
  await asRoot(
    'rm -f /etc/systemd/system/systemd-oomd.s* /etc/systemd/system/earlyoom.service; ' +
      'systemctl daemon-reload; systemctl stop earlyoom; systemctl start systemd-oomd; ' +
      'until systemctl is-active -q systemd-oomd; do sleep 0.2; done',
  );
});

afterAll(() => asRoot(endKillers));

describe('a machine that is not well', () => {
  it('has every trouble named, with evidence, and nothing unknown', async () => {
    const { status, report, found, unknown } = await doctor('');
    expect(unknown).toEqual([]);
    expect(found).toEqual(expect.arrayContaining(BROKEN));
    expect(status).toBe(1);
    expect(found.includes('warning systemd-too-old OOMPolicy for scopes')).toBe(systemd < 253);
    const oomd = report.checks.find(({ name }) => name === 'oomd');
    expect(oomd?.findings[0]?.cause).toContain('unable to act: the machine has no swap');
    const well = ['cgroup', 'psi', 'manager', 'bus', 'linger', 'nofile', 'swap', 'nix', 'timers'];
    const states = report.checks.map(({ name, status: each }) => `${name} ${each}`);
    expect(states).toEqual(expect.arrayContaining(well.map((name) => `${name} ok`)));
  });

  if (isHome)
    it('is told in 80 columns; with --fix nothing happens unasked', async () => {
      const { status, stdout, stderr } = await machine.exec(
        `cd && rm -f fix.sh; rlimit doctor ${MACHINE} --fix --script fix.sh </dev/null; echo "end $?"; ls fix.sh`,
        { timeoutMs: 240_000 },
      );
      expect(status).not.toBe(0);
      expect(stdout).toContain('end 2');
      expect(stderr.replace(/\s+/g, ' ')).toContain('nobody to ask');
      // Commands are not wrapped.
      const prose = stdout.split('\n').filter((line) => !/^ {4}(?! )/.test(line));
      expect(prose.filter((line) => line.length > 80)).toEqual([]);
    });

  if (isHome)
    it('is mended by the script, and put back by its way back', async () => {
      const before = await asRoot('cat /etc/default/earlyoom; ls -R /etc/systemd/system');
      const { report } = await doctor(`${MACHINE} --fix --yes --script ${SCRIPT}`);
      expect(report.fix?.script?.titles).toHaveLength(4);
      expect((await machine.exec(`stat -c %a ${SCRIPT}; ${SCRIPT}`)).stdout).toBe('700\n');

      const first = await asRoot(`sh ${SCRIPT}`);
      expect(first).toMatchObject({ status: 0, stderr: '' });
      expect(first.stdout).toContain('left to you, since it ends every program');
      const again = await asRoot(`sh ${SCRIPT}`);
      expect(again.status).toBe(0);
      expect(again.stdout).not.toMatch(/^ {2}(wrote|started|stopped) /m);
      // The manager that runs was started before: it does not hand on what it has now.
      const left = () => foundAmong(MACHINE);
      await expect.poll(left, { timeout: 180_000 }).toEqual(['warning manager-before-delegation']);
      const ended = await asRoot(`sh ${SCRIPT} --end-sessions; ${managerIsUp}`);
      expect(ended.status).toBe(0);
      expect(await left()).toEqual([]);
      const { stdout: args } = await asRoot('tr "\\0" " " </proc/$(pgrep -x earlyoom)/cmdline');
      expect(args).toContain('-m 5,3 -s 100,100 -r 3600 --avoid ^(sshd.*|systemd.*');

      const undone = await asRoot(
        `sh ${SCRIPT} --undo; systemctl restart user@1000; ${managerIsUp}`,
      );
      expect(undone.status).toBe(0);
      await expect.poll(left, { timeout: 180_000 }).toEqual(BROKEN);
      const after = await asRoot(
        'cat /etc/default/earlyoom; ls -R /etc/systemd/system; rm -f fix.sh',
      );
      expect(after.stdout).toBe(before.stdout);
      expect((await asRoot(`ls /var/lib/rlimit; rm -f ${SCRIPT}*`)).stdout).toBe('');
    }, 600_000);
});

it('caps above the memory are over-committed, and a service of a user is a tree of its own', async () => {
  await asRoot(
    'mkdir -p /run/systemd/system/user-.slice.d; ' +
      "printf '[Slice]\\nMemoryMax=3G\\n' >/run/systemd/system/user-.slice.d/over.conf; " +
      "printf '[Service]\\nExecStart=sleep infinity\\nUser=dev\\n' >/run/systemd/system/serve@.service; " +
      'systemctl daemon-reload; systemctl start serve@dev; ' +
      // On 257 the kernel gets what was read when a property is set.
      'systemctl set-property --runtime user-1000.slice MemoryLow=0',
  );
  try {
    const found = () => foundAmong('users commitment');
    await expect
      .poll(found, { timeout: 180_000 })
      .toEqual(['problem cap-on-one-tree MemoryMax', 'warning sum-of-caps MemoryMax']);
  } finally {
    await asRoot(
      'systemctl stop serve@dev; rm -r /run/systemd/system/user-.slice.d /run/systemd/system/serve@.service; ' +
        'rm -r /run/systemd/system.control/user-1000.slice.d; systemctl daemon-reload; ' +
        'systemctl set-property --runtime user-1000.slice MemoryLow=0; ' +
        'rm -r /run/systemd/system.control/user-1000.slice.d; systemctl daemon-reload',
    );
  }
});
