import { afterEach, describe, expect, it } from 'vitest';
import type { Proof, ProofReport } from '../../src/prove/index.js';
import type { ExecOptions } from './guest-process.js';
import { endKillers } from './killers.js';
import { isHomeSuite, machine } from './machine-under-test.js';
import { suiteFacts } from './suites.js';

const isHome = isHomeSuite('bookworm');

const { systemd } = suiteFacts[machine.suite];
/** Emulated, all experiments take a minute. */
const LONG = { timeout: 600_000 };
const DEV = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice';

/** Says the number of a disk. */
const DISK = 'cat /sys/block/*/dev | head -n 1';

interface Proved {
  status: number | null;
  report: ProofReport;
  by: Record<string, Proof>;
}

async function prove(options: string, user: ExecOptions['user'] = 'dev'): Promise<Proved> {
  const ended = await machine.exec(`rlimit doctor --prove --json ${options}`, {
    user,
    timeoutMs: LONG.timeout,
  });
  expect(ended.stderr).toBe('');
  const report = JSON.parse(ended.stdout) as ProofReport;
  const by = Object.fromEntries(report.proofs.map((proof) => [proof.name, proof]));
  return { status: ended.status, report, by };
}

/**
 * A machine beside which another one is busy may not give a program the CPU time of its quota. That is
 * no verdict on the limit (`refused`), and is tried again.
 */
async function proveUndisturbed(options: string, user?: ExecOptions['user']): Promise<Proved> {
  for (let tries = 1; ; tries += 1) {
    const proved = await prove(options, user);
    const quota = proved.by['cpu-quota'];
    if (quota?.verdict !== 'refused' || tries === 4) return proved;
    expect(quota.measured).toContain('too busy');
  }
}

function verdicts({ report }: Proved): Record<string, string> {
  return Object.fromEntries(report.proofs.map(({ name, verdict }) => [name, verdict]));
}

function only(...names: string[]): string {
  return names.map((name) => `--only ${name}`).join(' ');
}

function asRoot(command: string) {
  return machine.exec(command, { user: 'root' });
}

/** No unit, no cgroup, no file, no process of an experiment is there any more. */
afterEach(async () => {
  const { stdout } = await asRoot(
    "find /sys/fs/cgroup -name '*rlimit*prove*'; " +
      "find /run/user/1000/systemd /run/systemd -name '*rlimit*prove*'; " +
      "find /var/tmp /tmp -name 'rlimit-prove*'; pgrep -x dd; " +
      "systemctl list-units --all --plain --no-legend '*rlimit*prove*'",
  );
  const { stdout: own } = await machine.exec(
    "systemctl --user list-units --all --plain --no-legend '*rlimit*prove*'",
  );
  expect(stdout + own).toBe('');
});

describe('an ordinary user', () => {
  it('sees every limit hold, and those that nothing holds named', LONG, async () => {
    const proved = await proveUndisturbed('');
    const inert = { 'allowed-cpus': 'inert', 'io-weight': 'inert' };
    expect(verdicts(proved)).toEqual({
      'memory-max': 'held',
      'memory-swap-max': 'not-applicable',
      bystander: 'held',
      'oom-policy': systemd < 253 ? 'not-applicable' : 'held',
      'memory-high': 'held',
      'cpu-quota': 'held',
      'tasks-max': 'held',
      ...inert,
      'systemd-oomd': 'not-applicable',
      earlyoom: 'not-applicable',
    });
    expect(proved.status).toBe(1);
    for (const name of Object.keys(inert)) {
      expect(proved.by[name]?.findings).toEqual([
        expect.objectContaining({ id: 'controller-not-delegated' }),
      ]);
    }
    expect(proved.by['oom-policy']).toMatchObject(
      systemd < 253
        ? {
            measured: expect.stringContaining('observed: stop'),
            findings: [{ id: 'systemd-too-old' }],
          }
        : { measured: expect.stringMatching(/^continue: 1 killed, .* lives; kill: [2-9] killed/) },
    );
    expect(proved.by['memory-max']?.measured).toContain('swap flat');
    expect(proved.by.earlyoom?.measured).toMatch(/would end dd \(\d+, SIGTERM\)/);
    expect(proved.report).toMatchObject({ manager: 'user', left: [], host: { systemd, swap: 0 } });
  });

  it('is told what fails where a limit is made to do nothing', LONG, async () => {
    const files = '/home/dev/.config/systemd/user';
    const undone = { 'memory-max': 'MemoryMax=infinity', 'cpu-quota': 'CPUQuota=90%%' };
    const commands = Object.entries({ ...undone, 'tasks-max': 'TasksMax=200' }).map(
      ([name, line]) =>
        `mkdir -p ${files}/rlimit-prove-${name}-.scope.d; ` +
        `printf '[Scope]\n${line}\n' >${files}/rlimit-prove-${name}-.scope.d/99.conf`,
    );
    await machine.exec(`${commands.join('; ')}; systemctl --user daemon-reload`);
    try {
      const { status, by } = await prove(only('memory-max', 'cpu-quota', 'tasks-max'));
      expect(status).toBe(1);
      expect(Object.values(by)).toEqual(
        ['MemoryMax', 'CPUQuota', 'TasksMax'].map((property) =>
          expect.objectContaining({
            verdict: 'failed',
            findings: [expect.objectContaining({ id: 'kernel-differs', property })],
          }),
        ),
      );
      expect(by['memory-max']?.measured).toMatch(/^took 64M and was not killed/);
      expect(by['tasks-max']?.measured).toMatch(/^40 children, then it ended by itself/);
    } finally {
      await machine.exec(`rm -r ${files}/rlimit-prove-*; systemctl --user daemon-reload`);
    }
  });

  if (isHome)
    it('sees a limit that somebody writes away meanwhile fail', LONG, async () => {
      const tamper = await machine.spawn(
        `exec sh -c 'echo up; while :; do for f in ${DEV}/app-rlimit_prove_*/*/*.scope/cpu.max; do [ -w $f ] && echo max >$f; done; sleep 0.1; done'`,
        { user: 'root' },
      );
      await tamper.waitForOutput('up');
      try {
        const { status, by } = await prove(only('cpu-quota'));
        expect(status).toBe(1);
        expect(by['cpu-quota']).toMatchObject({
          verdict: 'failed',
          findings: [{ id: 'kernel-differs', observed: 'infinity' }],
        });
      } finally {
        tamper.kill('SIGKILL');
        await tamper.wait();
      }
    });

  if (isHome)
    it('may end it at any time', LONG, async () => {
      const run = await machine.spawn(`exec rlimit doctor --prove ${only('memory-high')}`, {
        tty: true,
      });
      await expect
        .poll(async () => (await machine.exec(`ls -d ${DEV}/*prove*/*/*.scope`)).status, LONG)
        .toBe(0);
      run.write('\u0003');
      expect(await run.wait()).toMatchObject({ signal: 'SIGINT' });
    });

  if (isHome)
    it('is not let try anything on a machine short of memory', LONG, async () => {
      await asRoot('mount -t tmpfs -o size=95% none /mnt; fallocate -l 1400M /mnt/full');
      try {
        const { status, by } = await prove(only('memory-max', 'bystander'));
        expect(status).toBe(3);
        for (const proof of Object.values(by)) {
          expect(proof).toMatchObject({
            verdict: 'refused',
            findings: [{ id: 'machine-short-of-memory', wanted: '512M' }],
          });
        }
      } finally {
        await asRoot('umount /mnt');
      }
    });
});

describe('root, with the system’s manager', () => {
  it('sees every limit hold', LONG, async () => {
    await asRoot(
      'dd if=/dev/zero of=/swapfile bs=1M count=200; chmod 600 /swapfile; mkswap /swapfile; ' +
        'swapon /swapfile; ' +
        `echo "$(${DISK}) enable=1" >/sys/fs/cgroup/io.cost.qos`,
    );
    try {
      const names = ['memory-max', 'memory-swap-max', 'cpu-quota', 'tasks-max'];
      const proved = await proveUndisturbed(only(...names, 'allowed-cpus', 'io-weight'), 'root');
      expect(proved.report.proofs.filter(({ verdict }) => verdict !== 'held')).toEqual([]);
      expect(proved.report.proofs).toHaveLength(6);
      expect(proved.status).toBe(0);
      expect(proved.report.manager).toBe('system');
      expect(proved.by['memory-max']?.measured).toContain('CONSTRAINT_MEMCG');
      expect(proved.by['memory-swap-max']?.measured).toMatch(/^0K in swap, .* [1-9]\d\S*M in swap/);
      expect(proved.by['io-weight']?.measured).toContain('io.weight default 50');
    } finally {
      await asRoot(
        'swapoff /swapfile; rm -f /swapfile; ' +
          `echo "$(${DISK}) enable=0" >/sys/fs/cgroup/io.cost.qos`,
      );
    }
  });
});

describe('those who kill for the machine', () => {
  it('are seen to act, and where they would not', LONG, async () => {
    await asRoot(
      'rm -f /etc/systemd/system/systemd-oomd.s* /etc/systemd/system/earlyoom.service; ' +
        'mkdir -p /run/systemd/oomd.conf.d; ' +
        "printf '[OOM]\\nDefaultMemoryPressureDurationSec=2s\\n' >/run/systemd/oomd.conf.d/fast.conf; " +
        'systemctl daemon-reload; systemctl start systemd-oomd earlyoom; ' +
        'until pgrep -x earlyoom; do sleep 0.1; done',
    );
    try {
      const { status, by } = await prove(only('systemd-oomd', 'earlyoom'));
      expect(by['systemd-oomd']).toMatchObject({
        verdict: 'held',
        measured: expect.stringMatching(
          /^reclaiming: ended .*; MemoryHigh without swap: left alone/,
        ),
        findings: [{ id: 'oomd-with-swap-zero' }],
      });
      expect(by.earlyoom).toMatchObject({
        verdict: 'held',
        measured: expect.stringMatching(/^runs with -r 3600; .* would end dd /),
      });
      expect(status).toBe(0);
    } finally {
      await asRoot(endKillers);
    }
  });
});
