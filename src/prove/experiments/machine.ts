import { ioWeightsCount } from '../../inspect/facts.js';
import { parseCpuList } from '../../quantity/index.js';
import {
  EXPECTED_CPUS,
  EXPECTED_QUOTA,
  EXPECTED_TASKS,
  EXPECTED_WEIGHT,
  isSettled,
  judgeCpus,
  judgeForks,
  judgeQuota,
  judgeWeight,
} from '../judges/machine.js';
import { allowedCpus } from '../observe.js';
import { FORKER, SPIN } from '../programs.js';
import type { TrialScope } from '../scope.js';
import type { Experiment } from './experiment.js';

/** Half a CPU: less than most machines give, and enough that what a period loses does not show. */
const QUOTA_PERCENT = 50;
/** The quota is handed out every 100 ms: so many of them blur the edges. */
const WINDOW_MS = 2000;
/** A machine that is busy for a moment gets another chance. */
const MOST_WINDOWS = 5;

export const cpuQuota: Experiment = {
  name: 'cpu-quota',
  title: 'CPUQuota holds CPU time down',
  expected: EXPECTED_QUOTA,
  async run(lab) {
    const scope = await lab.start({
      name: 'cpu-quota',
      properties: { CPUQuota: `${QUOTA_PERCENT}%` },
      script: SPIN,
    });
    const quota = QUOTA_PERCENT * 10_000;
    scope.go();
    let start = await atThrottle(scope, (happened) => lab.until(happened, 1000, 5));
    let seen = { quota, usedUsec: 0, elapsedUsec: 0, throttled: 0 };
    for (let window = 0; window < MOST_WINDOWS && !isSettled(seen); window += 1) {
      await lab.pass(WINDOW_MS);
      const end = await atThrottle(scope, (happened) => lab.until(happened, 300, 5));
      seen = {
        quota,
        usedUsec: end.usedUsec - start.usedUsec,
        elapsedUsec: end.atUsec - start.atUsec,
        throttled: end.throttled - start.throttled,
      };
      start = end;
    }
    scope.look();
    return judgeQuota({ ...seen, findings: scope.findings() });
  },
};

interface CpuLook {
  usedUsec: number;
  throttled: number;
  atUsec: number;
}

/**
 * Looks at the moment at which a period's quota has just run out, so that whole periods are
 * measured; where it never runs out, soon.
 */
async function atThrottle(
  scope: TrialScope,
  waitFor: (happened: () => boolean) => Promise<boolean>,
): Promise<CpuLook> {
  const before = cpuNow(scope).throttled;
  let now = cpuNow(scope);
  await waitFor(() => {
    now = cpuNow(scope);
    return now.throttled > before;
  });
  return now;
}

function cpuNow(scope: TrialScope): CpuLook {
  const { usage_usec: usedUsec = 0 } = scope.counts('cpu.stat');
  const atUsec = performance.now() * 1000;
  return { usedUsec, throttled: scope.own('cpu.stat').nr_throttled ?? 0, atUsec };
}

/** What Node, with which it is tried, needs by itself, and some more. */
const TASKS = 20;
const FORKS_MS = 30_000;

export const tasksMax: Experiment = {
  name: 'tasks-max',
  title: 'TasksMax stops a fork',
  expected: EXPECTED_TASKS,
  async run(lab) {
    const scope = await lab.start({
      name: 'tasks-max',
      properties: { TasksMax: String(TASKS), MemoryMax: '192M' },
      script: 'exec "$1" -e "$2"',
      args: [process.execPath, FORKER],
    });
    scope.go();
    await lab.until(() => scope.hasEnded || scope.heard('forks') !== undefined, FORKS_MS);
    scope.look();
    const [, started = '0', error = 'no answer'] = scope.heard('forks')?.split(' ') ?? [];
    const tasks = scope.count('pids.peak') ?? scope.count('pids.current');
    return judgeForks({
      limit: TASKS,
      started: Number(started),
      error,
      refusals: scope.own('pids.events').max ?? 0,
      findings: scope.findings(),
      ...(tasks === undefined ? {} : { tasks }),
    });
  },
};

export const allowedCpusBind: Experiment = {
  name: 'allowed-cpus',
  title: 'AllowedCPUs binds the processes inside',
  expected: EXPECTED_CPUS,
  async run(lab) {
    const ours = parseCpuList(allowedCpus('self'));
    const wanted = ours.slice(-1);
    const scope = await lab.start({
      name: 'allowed-cpus',
      properties: { AllowedCPUs: wanted.join() },
      script: 'exec sleep 60',
    });
    const allowed = parseCpuList(allowedCpus(scope.pid));
    return judgeCpus({ ours, wanted, allowed, findings: scope.findings() });
  },
};

const WEIGHT = 50;

export const ioWeight: Experiment = {
  name: 'io-weight',
  title: 'IOWeight is held, and a device goes by it',
  expected: EXPECTED_WEIGHT,
  async run(lab) {
    const scope = await lab.start({
      name: 'io-weight',
      properties: { IOWeight: String(WEIGHT) },
      script: 'exec sleep 60',
    });
    const held = scope.read('io.weight') ?? scope.read('io.bfq.weight');
    const honoured = ioWeightsCount();
    return judgeWeight({
      wanted: WEIGHT,
      findings: scope.findings(),
      ...(held === undefined ? {} : { held }),
      ...(honoured === undefined ? {} : { honoured }),
    });
  },
};
