/** What goes wrong around rlimit apply, on a machine of its own: nothing is left half. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApplyReport, CheckReport } from '../../src/apply/index.js';
import { isWhole, machine } from './machine-under-test.js';
import { Bench, differences } from './plans/bench.js';

const SERVER = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';
/** Writes three drop-ins, makes a swap file, starts a service anew: enough to be cut short in. */
const PLAN = `summary: to be cut short
targets:
  - users: every
    limits: { MemoryMax: 50% of memory }
  - slice: docker.slice
    limits: { MemoryMax: 25% of memory }
  - service: ollama
    limits: { MemoryMax: 128M }
    hardening: model-server
swap:
  file: { path: /swapfile, size: 64M, priority: 50 }
  swappiness: 10
earlyoom: { term: 5%, kill: 3% }
`;
const JOURNAL = '/var/lib/rlimit/apply/cut/journal.json';
const LAST_FILE = '/etc/systemd/system/swap.target.wants/swapfile.swap';

/** When the plan is cut short, as a line of shell that is true from then on. */
const MOMENTS: Readonly<Record<string, string>> = {
  'the journal is there': `[ -e ${JOURNAL} ]`,
  'the first file is there': '[ -e /etc/systemd/system/user-.slice.d/60-rlimit-cut.conf ]',
  'all files are there': `[ -L ${LAST_FILE} ]`,
  'the swap file is used': 'grep -q ^/swapfile /proc/swaps',
  'the service was started anew':
    'grep -q "NoNewPrivs:.*1" /proc/$(systemctl show -p MainPID --value ollama)/status 2>/dev/null',
};

let bench: Bench;
let files = '';
let held: Record<string, string> = {};

/** Applies the plan, and ends it by force as soon as `moment` is true. */
async function cutShort(moment: string, end: string): Promise<void> {
  await bench.must(`rlimit apply /opt/plans/cut.yaml --yes --force >/dev/null 2>&1 & pid=$!
    until ${moment}; do kill -0 $pid 2>/dev/null || { echo too late; exit 1; }; done
    ${end}`);
}

async function expectUntouched(): Promise<void> {
  expect(differences(await bench.manifest(), files)).toEqual([]);
  const { controllers, ...now } = await bench.held();
  const { controllers: _, ...before } = held;
  expect(now).toMatchObject(before);
  expect(now['swap /swapfile']).toBeUndefined();
}

if (isWhole)
  describe('a plan that goes wrong', () => {
    beforeAll(async () => {
      bench = await Bench.boot(
        machine.suite,
        { memory: 1, cores: 2 },
        { 'ollama.service': SERVER, 'llamacpp.service': SERVER },
      );
      await bench.must('mkdir -p /opt/plans; loginctl enable-linger dev');
      await bench.machine.writeFile('/opt/plans/cut.yaml', PLAN, { owner: 'root' });
      files = await bench.manifest();
      held = await bench.held();
    }, 600_000);

    afterAll(() => bench?.close());

    for (const [name, moment] of Object.entries(MOMENTS)) {
      it(`is taken back after it was killed when ${name}`, async () => {
        await cutShort(moment, 'kill -9 $pid; wait $pid || :');
        const check = await bench.apply<CheckReport>('/opt/plans/cut.yaml --check --force');
        expect(check.status).toBe(1);
        const { status, report } = await bench.apply('/opt/plans/cut.yaml --revert --yes');
        expect({ status, remarks: report.remarks }).toEqual({ status: 0, remarks: [] });
        await expectUntouched();
      }, 400_000);
    }

    it('is put right by the next apply as well', async () => {
      await cutShort(MOMENTS['all files are there'] ?? '', 'kill -9 $pid; wait $pid || :');
      const report = await bench.applied('/opt/plans/cut.yaml --force');
      expect(report.recovered).toContain('an apply that did not end was rolled back');
      await bench.apply('/opt/plans/cut.yaml --revert --yes');
      await expectUntouched();
    }, 400_000);

    for (const name of ['the first file is there', 'the swap file is used']) {
      it(`is taken back after power was cut when ${name}`, async () => {
        await cutShort(MOMENTS[name] ?? '', ':');
        await bench.machine.reboot({ cut: true });
        const { status, report } = await bench.apply('/opt/plans/cut.yaml --revert --yes');
        expect({ status, remarks: report.remarks }).toEqual({ status: 0, remarks: [] });
        await expectUntouched();
      }, 600_000);
    }

    it('goes on without a service that is masked, and says so', async () => {
      await bench.must(
        'systemctl stop llamacpp; mv /etc/systemd/system/llamacpp.service /root; systemctl mask llamacpp',
      );
      const { status, report } = await bench.apply<ApplyReport>('ai-services --diff --force');
      expect(status).toBe(0);
      expect(report.notes.join('\n')).toContain('llamacpp.service is masked');
      expect(report.files.map(({ path }) => path).join()).not.toContain('llamacpp');
      await bench.must(
        'systemctl unmask llamacpp; mv /root/llamacpp.service /etc/systemd/system; systemctl daemon-reload; systemctl start llamacpp',
      );
    }, 300_000);

    it('changes nothing where /etc is read-only, and shows the way by a module on NixOS', async () => {
      const readOnly = (before: string) =>
        bench.machine.exec(
          `${before}; unshare --mount sh -c 'mount --bind /etc /etc && mount -o remount,bind,ro /etc && rlimit apply /opt/plans/cut.yaml --yes --force'; status=$?; rm -f /etc/NIXOS; exit $status`,
          { user: 'root' },
        );
      const { status, stderr } = await readOnly(':');
      expect({ status, stderr }).toEqual({
        status: 3,
        stderr: expect.stringMatching(/cannot be written[\s\S]*--root DIR/),
      });
      const nixos = await readOnly('touch /etc/NIXOS');
      expect({ status: nixos.status, stderr: nixos.stderr }).toEqual({
        status: 3,
        stderr: expect.stringContaining('rlimit export nixos'),
      });
      await expectUntouched();
    }, 300_000);
  });
