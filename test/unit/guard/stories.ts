/** The traces in `traces/`, as they came about. `npx tsx test/unit/guard/stories.ts` writes them anew. */
import { writeFileSync } from 'node:fs';
import type { Scene } from '../../../src/guard/decide/types.js';
import type { MachineSample } from '../../../src/model/index.js';
import { cgroupOf, GiB, MiB, machine, process, run, SCENE, service } from './world.js';

type Story = { scene?: Scene; samples: MachineSample[] };

/** 0, 1, 2 …, or every other one. */
const seconds = (count: number, step = 1) =>
  Array.from({ length: count / step }, (_, at) => at * step);

/** A program loses 1 % of the memory a second, ends at SIGTERM, and memory is there again. */
function slowLeak(): Story {
  const samples = seconds(60, 2).map((second) => {
    const gone = second > 36;
    const available = gone ? 70 : 40 - second;
    const leaky = process(2000, 'leaky', (8 + second * 0.16) * GiB);
    return machine(second * 1000, available, gone ? [] : [leaky, process(2001, 'calm', 2 * GiB)]);
  });
  return { samples };
}

/** Memory wavers about the first threshold for two minutes: one warning, and one after it has been over. */
function flapping(): Story {
  const samples = seconds(120, 2).map((second) => {
    const available = second >= 60 && second < 90 ? 25 : second % 4 === 0 ? 14.5 : 16;
    return machine(second * 1000, available, [process(2000, 'browser', 9 * GiB)]);
  });
  return { samples };
}

/** From plenty to nothing within a second; it does not die of the first SIGKILL at once. */
function hog(): Story {
  const at = [0, 1000, 2000, 2100, 2200, 2300, 3300, 4300, 9300];
  const available = [60, 58, 2, 1.5, 1.2, 1, 64, 65, 65];
  const samples = at.map((ms, index) => {
    const hog_ = process(2000, 'hog', (index < 2 ? 1 : 11) * GiB);
    return machine(ms, available[index] ?? 0, [
      ...(index < 6 ? [hog_] : []),
      process(2001, 'editor', 1 * GiB),
      process(2002, 'python3', 100 * MiB),
    ]);
  });
  return { samples };
}

/** The one that must live is the one that grows; nobody else is worth it. */
function protectedGrows(): Story {
  const samples = seconds(40, 2).map((second) =>
    machine(second * 1000, Math.max(1, 30 - second), [
      process(2000, 'vim', (10 + second * 0.15) * GiB, {
        cgroup: '/user.slice/user-1001.slice/session-4.scope',
      }),
      process(2001, 'small', 90 * MiB),
    ]),
  );
  return { samples };
}

/** earlyoom of root's runs: it ends whom it ends. */
function earlyoom(): Story {
  const other = service(440, 'earlyoom', 2 * MiB, 'earlyoom.service');
  const samples = seconds(12).map((second) =>
    machine(second * 1000, second < 6 ? 4 : 60, [
      other,
      ...(second < 6 ? [process(2000, 'hog', 12 * GiB)] : []),
    ]),
  );
  return { samples };
}

/** A service stands still between memory.high and memory.max; another is busy, and has only files. */
function livelock(): Story {
  const samples = seconds(20).map((second) => {
    const stalled = run('1', 1000 * MiB, {
      unit: 'server.service',
      ours: false,
      cgroup: '/system.slice/server.service',
      use: { memory: 1010 * MiB, anon: 1000 * MiB, swap: 0 },
      limits: { memoryHigh: 1000 * MiB, memoryMax: 2 * GiB, swapMax: 0 },
      pressure: { memory: { some: 99, full: Math.min(80, 30 + 5 * second) } },
      events: { high: 1000 * (second + 1), max: 0, oomKill: 0 },
    });
    const open = { ...stalled, unit: 'open.service', cgroup: '/system.slice/open.service' };
    const endless = {
      ...open,
      limits: { memoryHigh: 1000 * MiB, memoryMax: 'infinity' as const, swapMax: 0 },
    };
    const files = {
      ...stalled,
      unit: 'files.service',
      use: { memory: 1010 * MiB, anon: 200 * MiB, swap: 0 },
    };
    const inside = process(2000, 'server', 900 * MiB, { cgroup: stalled.cgroup });
    return machine(second * 1000, 60, [inside], { units: [stalled, endless, files] });
  });
  return { samples };
}

/** Names that hurt a terminal, and names that claim to be somebody. */
function hostileNames(): Story {
  const samples = seconds(8).map((second) =>
    machine(second * 1000, 4, [
      ...(second < 2 ? [process(2000, 'sshd', 6 * GiB)] : []),
      ...(second < 5 ? [process(2001, 'a\n\u001b[31mroot\u202e', 4 * GiB)] : []),
      process(2002, 'systemd', 2 * GiB),
    ]),
  );
  return { samples };
}

/** Everything that must never be ended is huge, and there is nothing else. */
function assassin(): Story {
  const large = 12 * GiB;
  const admin = '/user.slice/user-1000.slice';
  const samples = seconds(10).map((second) => ({
    ...machine(second * 1000, 1, []),
    processes: [
      process(1, 'systemd', large, { ppid: 0, uid: 0, cgroup: '/init.scope' }),
      service(300, 'systemd-journal', large, 'systemd-journald.service'),
      service(301, 'systemd-resolve', large, 'systemd-resolved.service', { uid: 101 }),
      service(400, 'sshd', large, 'ssh.service'),
      service(420, 'dbus-daemon', large, 'dbus.service', { uid: 100 }),
      service(430, 'dockerd', large, 'docker.service'),
      service(431, 'containerd', large, 'containerd.service'),
      service(432, 'containerd-shim', large, 'docker.service'),
      process(500, 'sshd', large, { ppid: 400, uid: 0, cgroup: `${admin}/session-1.scope` }),
      // The process of an ordinary user's session.
      process(501, 'sshd-session', large, { ppid: 400, uid: 1001 }),
      process(510, 'systemd', large, {
        ...{ ppid: 1, uid: 1001 },
        cgroup: '/user.slice/user-1001.slice/user@1001.service/init.scope',
      }),
      process(511, 'dbus-daemon', large, {
        ...{ ppid: 510, uid: 1001 },
        cgroup: '/user.slice/user-1001.slice/user@1001.service/session.slice/dbus.service',
      }),
      process(600, 'tmux: server', large, {
        ppid: 1,
        uid: 1000,
        cgroup: `${admin}/session-1.scope`,
      }),
      process(601, 'SCREEN', large, { ppid: 1, uid: 0 }),
      process(700, 'bash', large, { ppid: 500, uid: 1000, argv0: '-bash' }),
      process(701, 'zsh', large, { ppid: 600, uid: 1000 }),
      process(702, 'sh', large, { ppid: 1, uid: 0, argv0: '-sh' }),
      // The guard, what it was started by, and what it has started.
      process(890, 'make', large, { ppid: 700, uid: 1000 }),
      process(900, 'node', large, { ppid: 890, uid: 0 }),
      process(901, 'systemd-notify', large, { ppid: 900, uid: 0 }),
      process(902, 'nvidia-smi', large, { ppid: 900, uid: 0 }),
      // The administrator's own wish.
      process(910, 'database', large, { uid: 0, oomScoreAdj: -1000 }),
      // Of whom nothing but a name is known.
      { pid: 920, startTicks: 5, ppid: 1, comm: 'sshd', rss: large },
      process(930, 'kworker/0:1', large, { ppid: 2, uid: 0, kernel: true }),
      process(940, 'vim', large),
    ],
  }));
  return { samples };
}

/** Two builds: the younger stands still, goes on, and is ended as a whole when it is the largest. */
function builds(): Story {
  const old = (held: number) => run('old', held, { started: 1 });
  const young = (held: number, frozen = false) => run('young', held, { started: 2, frozen });
  const inside = (unit: string, pid: number, held: number) =>
    process(pid, 'coqc', held, { cgroup: cgroupOf(`rlimit-coq-standard-${unit}.scope`) });
  const available = [
    ...[30, 13, 11, 7, 7, 7, 9, 10, 12, 12, 12, 13],
    ...[20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32],
    ...[7, 6, 4, 4, 4, 4, 4, 2, 40, 40],
  ];
  const samples = available.map((percent, second) => {
    const large = second < 25 ? 3 : 6;
    const isThere = second < 33;
    return machine(
      second * 1000,
      percent,
      [
        inside('old', 2000, 4 * GiB),
        ...(isThere ? [inside('young', 2001, large * GiB), inside('young', 2002, GiB / 2)] : []),
        process(2003, 'other', 5 * GiB),
      ],
      { units: [old(4 * GiB), ...(isThere ? [young((large + 0.5) * GiB)] : [])] },
    );
  });
  return { samples };
}

export const STORIES: Readonly<Record<string, () => Story>> = {
  assassin,
  builds,
  earlyoom,
  flapping,
  'hostile-names': hostileNames,
  hog,
  livelock,
  'protected-grows': protectedGrows,
  'slow-leak': slowLeak,
};

/** The text of a trace, as `guard run --trace` writes it. */
export function traceOf({ scene = SCENE, samples }: Story): string {
  return `${[{ scene }, ...samples].map((line) => JSON.stringify(line)).join('\n')}\n`;
}

if (import.meta.filename === globalThis.process.argv[1]) {
  for (const [name, story] of Object.entries(STORIES)) {
    writeFileSync(`${import.meta.dirname}/traces/${name}.jsonl`, traceOf(story()));
  }
}
