import type { MachineSample, UnitSample } from '../../../src/model/index.js';

const GiB = 1024 ** 3;

export function unitSample(more: Partial<UnitSample> = {}): UnitSample {
  return {
    unit: 'rlimit-coq-standard-k3x9q2.scope',
    cgroup: '/user.slice/rlimit-coq-standard-k3x9q2.scope',
    ours: true,
    profile: 'coq-standard',
    started: 1_767_355_445_000,
    use: { memory: 6 * GiB, anon: 5 * GiB, swap: 0, cpuUsec: 90_500_000, cores: 1.5, tasks: 12 },
    limits: { memoryMax: 8 * GiB, memoryHigh: 'infinity', swapMax: GiB, tasksMax: 300, cores: 2 },
    pressure: {
      memory: { some: 1.5, full: 0.5, some60: 3, full60: 1 },
      cpu: { some: 12, some60: 10, full: 0, full60: 0 },
      io: { some: 0, full: 0, some60: 0, full60: 0 },
    },
    events: { high: 0, max: 3, oomKill: 1, periods: 100, throttled: 25, throttledUsec: 1_500_000 },
    ...more,
  };
}

/** A sample in which every figure is told that there is. */
export function machineSample(more: Partial<MachineSample> = {}): MachineSample {
  return {
    atMs: 1000,
    // Local time, so that what is shown does not depend on the zone.
    time: new Date(2026, 0, 2, 13, 4, 5).getTime(),
    memory: {
      total: 16 * GiB,
      available: 4 * GiB,
      free: GiB,
      swapTotal: 4 * GiB,
      swapFree: 3 * GiB,
    },
    cpu: { cpus: 8, busy: 0.4, load: 3.1 },
    disks: [
      { mount: '/', device: '/dev/sda1', total: 100 * GiB, available: 60 * GiB },
      { mount: '/models', device: '/dev/sdb1', total: 500 * GiB, available: 25 * GiB },
    ],
    pressure: {
      memory: { some: 2, full: 1, some60: 3, full60: 1.5 },
      cpu: { some: 10, some60: 12, full: 0, full60: 0 },
      io: { some: 1, full: 0.5, some60: 1, full60: 0.5 },
    },
    gpus: [
      {
        index: 0,
        uuid: 'GPU-1',
        name: 'NVIDIA H200',
        driver: '550.1',
        memoryTotal: 140 * GiB,
        memoryUsed: 70 * GiB,
        utilisation: 0.35,
        temperature: 61,
        processes: [{ pid: 77, name: '/usr/bin/ollama', memory: 60 * GiB }],
      },
    ],
    units: [unitSample()],
    processes: [
      {
        pid: 1234,
        startTicks: 5000,
        ppid: 1,
        comm: 'coqc',
        cgroup: '/user.slice/rlimit-coq-standard-k3x9q2.scope',
        rss: 3 * GiB,
        swap: 1024 ** 2,
        cores: 1,
        growth: 0,
      },
      { pid: 99, startTicks: 4000, ppid: 1, comm: 'make', rss: 3 * 1024 ** 2, cores: 0 },
    ],
    oomKills: 2,
    ...more,
  };
}
