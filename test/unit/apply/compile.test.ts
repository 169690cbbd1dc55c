import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../../src/apply/compile/index.js';
import { escapePath } from '../../../src/apply/compile/memory.js';
import type { Compiled } from '../../../src/apply/compile/types.js';
import { findPlan, listPlans } from '../../../src/apply/read-plan.js';
import { machineWith } from '../profiles/places.js';
import { facts, planOf } from './world.js';

const env = { HOME: '/nonexistent/home' };

/** All of it as a person would read it. */
function told({ files, actions, sums, notes, left }: Compiled): string {
  return [
    ...files.map(({ path, content, link }) => `==> ${path}\n${link ? `-> ${content}\n` : content}`),
    ...actions.map((action) => `$ ${JSON.stringify(action)}`),
    ...sums.terms.map(({ what, bytes }) => `cap ${what}: ${bytes / 2 ** 30}G`),
    ...[...sums.notes, ...notes].map((note) => `note: ${note}`),
    ...left.map(
      ({ what, run, ends }) => `left: ${what}: ${run}${ends === undefined ? '' : ` ends ${ends}`}`,
    ),
  ].join('\n');
}

const contentOf = ({ files }: Compiled, path: string) =>
  files.find((file) => file.path === path)?.content;

describe('the ready plans, each on its machine', () => {
  const MACHINES = {
    'workstation-16g': facts(),
    'shared-host': facts({
      machine: machineWith({ cores: 16, memory: '32G' }),
      people: ['a', 'b', 'c'].map((name, at) => ({ name, uid: 1000 + at })),
      texts: { '/etc/docker/daemon.json': '{\n    "log-driver": "journald"\n}\n' },
    }),
    'ai-services': facts({ machine: machineWith({ cores: 12, memory: '20G', swap: '0' }) }),
    'proof-host': facts({ machine: machineWith({ cores: 36, cpus: 72, memory: '252G' }) }),
  };

  it('are these', () => {
    expect(listPlans().map(({ name }) => name)).toEqual(Object.keys(MACHINES).sort());
  });

  for (const [name, here] of Object.entries(MACHINES)) {
    it(`${name} is written so`, async () => {
      const compiled = await compilePlan(findPlan(name), here, { env });
      expect(told(compiled)).toMatchSnapshot();
      expect(compiled.sums.isOver).toBe(false);
      for (const { path } of compiled.files) expect(path).toMatch(/^\/(etc|root\/\.config)\//);
    });
  }

  it('have the figures that they are known for', async () => {
    const box = await compilePlan(findPlan('workstation-16g'), MACHINES['workstation-16g'], {
      env,
    });
    const daemon = contentOf(
      box,
      '/etc/systemd/system/nix-daemon.service.d/60-rlimit-workstation-16g.conf',
    );
    expect(daemon).toMatch(/^MemoryHigh=6G\nMemoryMax=8G\nCPUQuota=400%\nTasksMax=4096$/m);
    expect(contentOf(box, '/etc/nix/nix.conf')).toBe('max-jobs = 4\ncores = 1\ntimeout = 21600\n');
    expect(box.sums.notes.join()).toContain('11G of daily use and 8G of caps are 19G');
    const shared = await compilePlan(findPlan('shared-host'), MACHINES['shared-host'], { env });
    expect(
      contentOf(shared, '/etc/systemd/system/user-.slice.d/60-rlimit-shared-host.conf'),
    ).toMatch(/^\[Slice\]\nMemoryHigh=infinity\nMemoryMax=16G\nMemorySwapMax=0$/m);
    expect(contentOf(shared, '/etc/docker/daemon.json')).toBe(
      '{\n    "log-driver": "journald",\n    "cgroup-parent": "docker.slice",\n' +
        '    "exec-opts": [\n        "native.cgroupdriver=systemd"\n    ]\n}\n',
    );
    expect(shared.tryOut?.slice(0, 6)).toEqual([
      'earlyoom',
      '--dryrun',
      '-m',
      '5,3',
      '-s',
      '100,100',
    ]);
  });
});

describe('the sums of a plan', () => {
  const plan = planOf(`
summary: trees
targets:
  - users: every
    limits: { MemoryMax: 16G, MemorySwapMax: 0 }
  - service: t3-serve@*
    limits: { MemoryMax: 16G, MemorySwapMax: 0 }
`);
  const here = facts({
    machine: machineWith({ cores: 8, memory: '32G' }),
    people: ['a', 'b', 'c'].map((name, at) => ({ name, uid: 1000 + at })),
    units: {
      't3-serve@.service': { path: '/etc/systemd/system/t3-serve@.service', masked: false },
    },
    instances: { 't3-serve@.service': ['t3-serve@a.service'] },
  });

  it('count each tree of each person', async () => {
    const { sums } = await compilePlan(plan, here, { env });
    expect(sums.caps).toBe(96 * 2 ** 30);
    expect(sums.isOver).toBe(true);
    expect(sums.notes[0]).toContain(
      'over-committed: the caps add up to 96G and the machine has 32G, 3.0 times',
    );
  });

  it('are bounded by a cap above', async () => {
    const bounded = planOf(`
summary: bounded
targets:
  - users: every
    limits: { MemoryMax: 16G, CPUQuota: 200% }
  - slice: user.slice
    limits: { MemoryMax: 20G }
`);
    const { sums } = await compilePlan(bounded, here, { env });
    expect(sums.caps).toBe(20 * 2 ** 30);
    expect(sums.isOver).toBe(false);
    // A quota wastes an idle machine, and a weight does not.
    expect(sums.notes.join()).toContain('user-.slice: CPUQuota=200% holds also while');
  });
});

describe('what is not there', () => {
  const plan = planOf(`
summary: services
targets:
  - service: [gone, masked]
    limits: { MemoryMax: 1G }
earlyoom: { term: 5%, kill: 3% }
swap: { zram: { size: 4G, priority: 100, algorithm: lz4 } }
nix: { max-jobs: 50% of cores, cores: 1 }
containers: docker.slice
`);
  const here = facts({
    units: {
      'masked.service': { path: '/etc/systemd/system/masked.service', masked: true },
      'earlyoom.service': { path: '/etc/systemd/system/earlyoom.service', masked: true },
    },
    has: { docker: false, nix: false, zramGenerator: false, zramTools: false, oomd: false },
  });

  it('is left out and said', async () => {
    const compiled = await compilePlan(plan, here, { env });
    expect(compiled.files).toEqual([]);
    expect(compiled.notes).toHaveLength(5);
    expect(compiled.left.map(({ run }) => run)).toEqual([
      'apt install systemd-zram-generator && rlimit apply mine',
      'systemctl unmask earlyoom.service && rlimit apply mine',
    ]);
  });

  it('zram-tools are used where they are', async () => {
    const tools = facts({
      has: { ...here.has, zramTools: true },
      texts: { '/etc/default/zramswap': '# how much\nPERCENT=50\nALGO=zstd\n#PRIORITY=1\n' },
    });
    const compiled = await compilePlan(plan, tools, { env });
    expect(contentOf(compiled, '/etc/default/zramswap')).toBe(
      '# how much\nALGO=lz4\nSIZE=4096\nPRIORITY=100\n#PRIORITY=1\n',
    );
  });
});

describe('files of others', () => {
  it('keep what is not the plan’s', async () => {
    const plan = findPlan('workstation-16g');
    const texts = {
      '/etc/nix/nix.conf': '# mine\nmax-jobs = auto\nsubstituters = a b\ncores=0\n',
      '/etc/systemd/zram-generator.conf':
        '[zram0]\nfs-type = swap\nzram-size = 1\n\n[zram1]\nmount-point = /x\n',
    };
    const compiled = await compilePlan(plan, facts({ texts }), { env });
    expect(contentOf(compiled, '/etc/nix/nix.conf')).toBe(
      '# mine\nmax-jobs = 4\ncores = 1\ntimeout = 21600\nsubstituters = a b\n',
    );
    expect(contentOf(compiled, '/etc/systemd/zram-generator.conf')).toBe(
      '[zram0]\nzram-size = 4096\nswap-priority = 100\nfs-type = swap\n\n[zram1]\nmount-point = /x\n',
    );
  });

  it.each(['[1]', '{ "a": ', '{"exec-opts": "x"}'])(
    'refuses a daemon.json such as %s',
    async (text) => {
      const here = facts({ texts: { '/etc/docker/daemon.json': text } });
      await expect(compilePlan(findPlan('shared-host'), here, { env })).rejects.toThrow(
        'cannot be merged with',
      );
    },
  );
});

describe('a trial until the next boot', () => {
  it('has limits below /run, and starts nothing anew', async () => {
    const { files, actions, notes } = await compilePlan(
      findPlan('ai-services'),
      facts({ isBare: true }),
      {
        env,
        runtime: true,
        force: true,
      },
    );
    for (const { path } of files) expect(path).toMatch(/^\/run\/systemd\/.*-trial\.conf$/);
    expect(files.map(({ content }) => content).join()).not.toContain('NoNewPrivileges');
    expect(actions.map((action) => action.do)).toEqual(['sysctl', 'reload']);
    expect(notes.at(-1)).toContain('swap, earlyoom, timers, hardening are left as they are');
  });
});

describe('limits that harm', () => {
  it('are refused as in a profile: MemoryHigh below MemoryMax without swap', async () => {
    const trap = planOf(
      'summary: t\ntargets:\n  - service: ollama\n    limits: { MemoryHigh: 1G, MemoryMax: 2G, MemorySwapMax: 0 }\n',
    );
    await expect(compilePlan(trap, facts(), { env })).rejects.toThrow('is a trap');
    expect((await compilePlan(trap, facts(), { env, force: true })).files).toHaveLength(1);
  });
});

it('escapes paths as systemd-escape --path does', () => {
  expect(escapePath('/swapfile')).toBe('swapfile');
  expect(escapePath('/var/swap-1/a.b')).toBe('var-swap\\x2d1-a.b');
});
