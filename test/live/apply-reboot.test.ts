/** What stays is looked at after a boot; all plans, on machines of their size, in apply-plans.test.ts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApplyReport, CheckReport } from '../../src/apply/index.js';
import { endKillers } from './killers.js';
import { isWhole, machine } from './machine-under-test.js';
import { withSmallSwap } from './plans/bench.js';

const PLAN = '/opt/plans/ai.yaml';
const SERVER = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';

function asRoot(command: string) {
  return machine.exec(command, { user: 'root', timeoutMs: 240_000 });
}

async function apply<T = ApplyReport>(words: string) {
  const { status, stdout, stderr } = await asRoot(`rlimit apply ${words} --json`);
  expect(stderr).toBe('');
  return { status, report: JSON.parse(stdout) as T };
}

async function held(): Promise<Record<string, string>> {
  return JSON.parse((await asRoot('python3 /opt/rlimit/fixtures/held.py')).stdout);
}

const manifest = async () =>
  (
    await asRoot(
      "{ find /etc -printf '%p %y %m %U:%G %l\\n'; find /etc -type f -exec sha256sum {} +; ls -d /swapfile* /var/lib/rlimit 2>/dev/null; } | sort",
    )
  ).stdout;

if (isWhole) {
  beforeAll(async () => {
    await machine.writeFile('/etc/systemd/system/ollama.service', SERVER, { owner: 'root' });
    await asRoot(
      'mkdir -p /opt/plans; rm -f /etc/systemd/system/earlyoom.service; systemctl daemon-reload; systemctl enable --now ollama earlyoom',
    );
    await machine.writeFile(PLAN, withSmallSwap('ai-services'), { owner: 'root' });
  });

  afterAll(async () => {
    await asRoot(
      'systemctl disable --now ollama; rm -rf /opt/plans /etc/systemd/system/ollama.service; systemctl daemon-reload',
    );
    await asRoot(endKillers);
  });

  it('a plan holds after a boot, and is gone after it was taken back', async () => {
    const [files, before] = [await manifest(), await held()];
    const { report } = await apply(`${PLAN} --yes --force`);
    expect(report).toMatchObject({ outcome: 'applied', verified: { isInForce: true } });
    await machine.reboot();
    expect(await held()).toMatchObject({
      'ollama.service memory.max': String(8 * 2 ** 30),
      'ollama.service cpu.max': '200000 100000',
      'ollama NoNewPrivs': '1',
      'swap /swapfile': '63 MiB, priority 50',
      'vm.swappiness': '10',
      'earlyoom -m': '10,5',
    });
    expect(await apply<CheckReport>(`${PLAN} --check`)).toMatchObject({
      status: 0,
      report: { isApplied: true, isAsPlanned: true },
    });
    const reverted = await apply(`${PLAN} --revert --yes`);
    expect(reverted.report).toMatchObject({ outcome: 'reverted', remarks: [] });
    expect(await manifest()).toBe(files);
    expect(await held()).toMatchObject(before);
  });
}
