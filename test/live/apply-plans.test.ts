/**
 * Each ready plan on a machine of the size that it was written for: applied, in force in the kernel, in
 * force after a boot, drift told, and taken back without a trace.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { isWhole, machine } from './machine-under-test.js';
import { Bench, differences, expectAsBefore, type Size } from './plans/bench.js';

const GiB = 2 ** 30;
const bytes = (gibibytes: number) => String(gibibytes * GiB);

/** A stand-in that really runs. */
const server = (more = '') =>
  `[Service]\nExecStart=/bin/sleep infinity\n${more}\n[Install]\nWantedBy=multi-user.target\n`;
const inSlice = (slice: string) => server(`Slice=${slice}`);

/** zram-tools, where they are, take no algorithm from the image's kernel by another name. */
const zram = (gibibytes: number) => ({
  'swap /dev/zram0': `${gibibytes * 1024 - (gibibytes === 0 ? 0 : 1)} MiB, priority 100`,
});

interface Case extends Size {
  plan: string;
  units: Readonly<Record<string, string>>;
  /** Done by hand once the plan is applied, and again after each boot. */
  begin?: string;
  held: Readonly<Record<string, string>>;
  /** What somebody does to it, and what `--check` names then. */
  touched: readonly (readonly [string, string])[];
  /** Whether its caps are more than the machine has, so that it is refused without --force. */
  isOver?: true;
}

const CASES: readonly Case[] = [
  {
    plan: 'workstation-16g',
    memory: 16,
    cores: 8,
    units: { 'k3s.service': server(), 'box.service': inSlice('machine.slice') },
    begin: 'systemctl start nix-daemon',
    held: {
      'nix-daemon.service memory.max': bytes(8),
      'nix-daemon.service memory.high': bytes(6),
      'nix-daemon.service cpu.max': '400000 100000',
      'nix-daemon.service pids.max': '4096',
      'nix-daemon oom_score_adj': '500',
      'nix max-jobs': '4',
      'nix cores': '1',
      'nix timeout': '21600',
      'k3s.service memory.swap.max': '0',
      'k3s.service oomd_avoid': '1',
      'machine.slice memory.swap.max': '0',
      'machine.slice oomd_avoid': '1',
      'oomd user-1000.slice': '80.00%',
      'swap /swapfile': '4095 MiB, priority 50',
      ...zram(4),
      'vm.swappiness': '10',
      'earlyoom -m': '5,3',
    },
    touched: [
      [
        'systemctl set-property --runtime nix-daemon.service TasksMax=99',
        'nix-daemon.service TasksMax',
      ],
      [
        'echo 9G >/sys/fs/cgroup/system.slice/nix-daemon.service/memory.max',
        'nix-daemon.service MemoryMax',
      ],
      ['sysctl -q -w vm.swappiness=60', 'swappiness'],
      ['swapoff /swapfile', 'swap'],
      ['sed -i "s/^max-jobs.*/max-jobs = 64/" /etc/nix/nix.conf', '/etc/nix/nix.conf'],
    ],
  },
  {
    plan: 'shared-host',
    isOver: true,
    memory: 32,
    cores: 4,
    units: {
      't3-serve@.service': server(),
      'docker.service': server(),
      'container.service': inSlice('docker.slice'),
    },
    held: {
      'user-1000.slice memory.max': bytes(16),
      'user-1000.slice memory.swap.max': '0',
      'user-1000.slice memory.high': 'max',
      'user-1001.slice memory.max': bytes(16),
      'user-1001.slice memory.swap.max': '0',
      't3-serve@dev.service memory.max': bytes(16),
      't3-serve@dev.service memory.swap.max': '0',
      'user.slice memory.max': bytes(19),
      'user.slice cpu.weight': '100',
      'user.slice io.weight': 'default 100',
      'docker.slice memory.max': bytes(8),
      'docker.slice memory.swap.max': '0',
      'docker.slice cpu.weight': '100',
      'system.slice cpu.weight': '200',
      'system.slice io.weight': 'default 200',
      'earlyoom -m': '5,3',
    },
    touched: [
      [
        'systemctl set-property --runtime user-1001.slice MemoryMax=20G',
        'user-1001.slice MemoryMax',
      ],
      [
        'echo max >/sys/fs/cgroup/user.slice/user-1000.slice/memory.max',
        'user-1000.slice MemoryMax',
      ],
      ['echo 1G >/sys/fs/cgroup/docker.slice/memory.swap.max', 'docker.slice MemorySwapMax'],
      ["echo '{}' >/etc/docker/daemon.json", '/etc/docker/daemon.json'],
    ],
  },
  {
    plan: 'ai-services',
    memory: 20,
    cores: 12,
    units: {
      'ollama.service': server(),
      'llamacpp.service': server(),
      'local-llm-proxy.service': server(),
    },
    held: {
      'ollama.service memory.max': bytes(8),
      'ollama.service memory.high': bytes(7),
      'ollama.service cpu.max': '200000 100000',
      'ollama.service cpuset.cpus': '0-7',
      'ollama Cpus_allowed_list': '0-7',
      'ollama.service io.weight': 'default 100',
      'ollama NoNewPrivs': '1',
      'ollama CapBnd': '0000000000000000',
      'llamacpp.service memory.max': bytes(6),
      'llamacpp.service memory.high': bytes(5.25),
      'llamacpp.service cpu.max': '150000 100000',
      'llamacpp.service cpuset.cpus': '8-11',
      'llamacpp.service io.weight': 'default 80',
      'local-llm-proxy.service memory.max': bytes(1),
      'local-llm-proxy.service memory.high': bytes(0.875),
      'local-llm-proxy.service cpu.max': '50000 100000',
      'local-llm-proxy.service io.weight': 'default 50',
      'local-llm-proxy NoNewPrivs': '1',
      'swap /swapfile': '16383 MiB, priority 50',
      ...zram(8),
      zram0: 'lz4',
      'vm.swappiness': '10',
      'earlyoom -m': '10,5',
    },
    touched: [
      ['systemctl set-property --runtime ollama.service CPUQuota=900%', 'ollama.service CPUQuota'],
      [
        'echo max >/sys/fs/cgroup/system.slice/llamacpp.service/memory.high',
        'llamacpp.service MemoryHigh',
      ],
      [
        'echo 0-11 >/sys/fs/cgroup/system.slice/ollama.service/cpuset.cpus',
        'ollama.service AllowedCPUs',
      ],
      ['systemctl stop earlyoom', 'earlyoom'],
      [
        'sed -i s/^MemoryMax.*/MemoryMax=99G/ /etc/systemd/system/ollama.service.d/60-rlimit-ai-services.conf',
        '/etc/systemd/system/ollama.service.d/60-rlimit-ai-services.conf',
      ],
    ],
  },
];

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

async function boot(size: Size, units: Readonly<Record<string, string>>): Promise<Bench> {
  const bench = await Bench.boot(machine.suite, size, units);
  benches.push(bench);
  return bench;
}

if (isWhole)
  describe.each(CASES)('$plan', ({ plan, units, begin = ':', held, touched, isOver, ...size }) => {
    it('is in force, also after a boot; drift is told; and it goes without a trace', async () => {
      const bench = await boot(size, units);
      await bench.must(`useradd --create-home --uid 1001 guest; touch /var/lib/systemd/linger/guest
        mkdir -p /etc/docker; echo '{ "log-level": "warn" }' >/etc/docker/daemon.json; chmod 600 /etc/docker/daemon.json
        systemctl start user@1001; ${begin}; modprobe zram`);
      // What a first boot makes anew is there before the manifest is.
      const files = await bench.manifest();
      const before = await bench.held();

      // The caps of two people in two trees each are more than the machine: that is to be meant.
      if (isOver) {
        const refused = await bench.machine.exec(`rlimit apply ${plan} --yes`, { user: 'root' });
        expect(refused.stderr).toContain('over-committed');
      }
      await bench.applied(isOver ? `${plan} --force` : plan);
      const { 'swap /dev/zram0': _, zram0: _later, ...atOnce } = held;
      expect(await bench.held()).toMatchObject(atOnce);

      await bench.machine.reboot();
      await bench.must(begin);
      expect(await bench.held()).toMatchObject(held);
      expect(await bench.check(plan)).toMatchObject({ status: 0, report: { files: [] } });

      for (const [command] of touched) await bench.must(command);
      const drift = await bench.check(plan);
      expect(drift.status).toBe(1);
      expect(drift.named).toEqual(expect.arrayContaining(touched.map(([, name]) => name)));

      // What somebody has written is not overwritten in silence, and kept where it is.
      const edited = touched.map(([, name]) => name).filter((name) => name.startsWith('/etc'));
      expect(
        (await bench.machine.exec(`rlimit apply ${plan} --revert --yes`, { user: 'root' })).status,
      ).toBe(2);
      const reverted = await bench.apply(`${plan} --revert --yes --force`);
      expect(reverted.report).toMatchObject({ outcome: 'reverted' });
      expect(reverted.report.remarks).toHaveLength(edited.length);
      await bench.must(`rm ${edited.map((path) => `${path}.rlimit-kept`).join(' ')}`);
      // Nobody is to take back what was set beside the plan.
      await bench.must(
        'rm -rf /run/systemd/system.control; systemctl daemon-reload; systemctl start earlyoom',
      );
      expect(differences(await bench.manifest(), files)).toEqual([]);

      await bench.machine.reboot();
      await bench.must(begin);
      expectAsBefore(await bench.held(), before);
      expect(differences(await bench.manifest(), files)).toEqual([]);
    }, 1_500_000);
  });

if (isWhole)
  describe('proof-host', () => {
    it('gives every run its controllers, and all runs together a budget', async () => {
      const bench = await boot({ memory: 252, cores: 36 }, {});
      const files = await bench.manifest();
      const before = await bench.held();
      expect(before.controllers).toBe('cpu memory pids');
      for (const user of ['root', 'dev'] as const) await bench.applied('proof-host', user);
      await bench.machine.reboot();
      const run = await bench.machine.spawn(
        'exec rlimit run coq-standard -p AllowedCPUs=3 -- sleep 600',
      );
      await bench.must('until pgrep -u dev -x sleep; do sleep 0.2; done');
      expect(await bench.held()).toMatchObject({
        controllers: 'cpuset cpu io memory pids',
        'app-rlimit.slice memory.max': bytes(200),
        'app-rlimit.slice cpu.weight': '50',
        'earlyoom -m': '5,3',
      });
      // What did nothing before does something now.
      const seen = `pid=$(pgrep -u dev -x sleep); cd /sys/fs/cgroup$(sed s/^0::// /proc/$pid/cgroup)
        cat memory.max cpu.max io.weight pids.max; grep Cpus_allowed_list /proc/$pid/status | cut -f 2`;
      expect((await bench.must(seen)).trim().split('\n')).toEqual([
        bytes(150),
        '2700000 100000',
        'default 50',
        '300',
        '3',
      ]);
      for (const user of ['root', 'dev'] as const) {
        expect(await bench.check('proof-host', user)).toMatchObject({ status: 0 });
      }
      await bench.must(`systemctl --user -M dev@ set-property --runtime app-rlimit.slice MemoryMax=240G
        sed -i s/1/2/ /etc/default/earlyoom; systemctl stop earlyoom`);
      expect(await bench.check('proof-host', 'dev')).toMatchObject({
        status: 1,
        named: expect.arrayContaining(['app-rlimit.slice MemoryMax']),
      });
      const drift = await bench.check('proof-host');
      expect(drift.status).toBe(1);
      expect(drift.named).toEqual(expect.arrayContaining(['earlyoom', '/etc/default/earlyoom']));
      await run.destroy();
      await bench.must(
        'sed -i s/2/1/ /etc/default/earlyoom; systemctl start earlyoom; systemctl --user -M dev@ revert app-rlimit.slice',
      );
      for (const user of ['dev', 'root'] as const) {
        const { status, report } = await bench.apply('proof-host --revert --yes', user);
        expect({ user, status, remarks: report.remarks }).toEqual({ user, status: 0, remarks: [] });
      }
      expect(differences(await bench.manifest(), files)).toEqual([]);
      expect(
        await bench.must(
          'find /home/dev/.config /home/dev/.local -name "*rlimit*" -path "*systemd*" 2>/dev/null || :',
        ),
      ).toBe('');
      await bench.machine.reboot();
      expectAsBefore(await bench.held(), before);
      expect(differences(await bench.manifest(), files)).toEqual([]);
    }, 1_500_000);
  });
