import { parsePressure, tolerantly } from '../../cgroup/index.js';
import { SCOPE_OOM_POLICY_SINCE } from '../../properties/index.js';
import { breakStall } from '../../watch/index.js';
import {
  EXPECTED_BYSTANDER,
  EXPECTED_POLICY,
  EXPECTED_STALL,
  judgeBystander,
  judgePolicies,
  judgeStall,
  type SiblingSeen,
} from '../judges/living.js';
import type { Lab } from '../lab.js';
import { balloon, HEARTBEAT } from '../programs.js';
import { gapsIn } from '../pulse.js';
import type { TrialScope } from '../scope.js';
import type { Experiment } from './experiment.js';
import { killsIn } from './memory.js';

/** So many signs of life tell how often they come. */
const BEATS = 10;
/** How long they, or a kill, may take: emulated machines are slow. */
const PATIENCE_MS = 20_000;
/** How long the stall is looked at. It is at its full strength within two seconds. */
const STALL_MS = 4000;
/** A bystander that was stalled may have some 2 s of delay left (MEMCG_MAX_HIGH_DELAY_JIFFIES). */
const RECOVERY_MS = 10_000;

export const bystander: Experiment = {
  name: 'bystander',
  title: 'a process outside lives on while a hog dies',
  expected: EXPECTED_BYSTANDER,
  async run(lab) {
    const outside = await lab.start({ name: 'bystander', properties: {}, script: HEARTBEAT });
    const hog = await lab.start({
      name: 'bystander-hog',
      properties: { MemoryMax: '32M' },
      script: balloon(64),
    });
    outside.go();
    const begunMs = await settled(lab, outside);
    const hogMs = performance.now();
    hog.go();
    await lab.until(() => hog.hasEnded || killsIn(hog) > 0, PATIENCE_MS);
    hog.look();
    const killMs = performance.now();
    const beatsAfter = await beatsSince(lab, outside, killMs);
    return judgeBystander({
      before: gapsIn(outside.beats, begunMs, hogMs),
      during: gapsIn(outside.beats, hogMs, performance.now()),
      oomKills: killsIn(hog),
      beatsAfter,
      findings: hog.findings(),
    });
  },
};

export const memoryHigh: Experiment = {
  name: 'memory-high',
  title: 'MemoryHigh without swap stalls its whole cgroup, until it is lifted',
  expected: EXPECTED_STALL,
  async run(lab) {
    const scope = await lab.start({
      name: 'memory-high',
      // What the four take together stays below MemoryMax.
      properties: { MemoryHigh: '16M', MemoryMax: '96M', MemorySwapMax: '0' },
      script: `${HEARTBEAT} &\nread -r word\nfor i in 1 2 3 4; do (${balloon(16)}) & done; wait`,
    });
    scope.go();
    const begunMs = await settled(lab, scope);
    const hogMs = performance.now();
    const waitedUsec = stallOf(scope);
    scope.go();
    await lab.until(() => killsIn(scope) > 0, STALL_MS);
    scope.look();
    const findings = scope.findings();
    const { high = 0, oom_kill: oomKills = 0 } = scope.counts('memory.events');
    const liftMs = performance.now();
    const waiting = partOf(stallOf(scope), waitedUsec, liftMs - hogMs);
    const during = gapsIn(scope.beats, hogMs, liftMs);
    const lift = await breakStall(scope.unit, scope.cgroup, 'raise', { manager: lab.manager });
    const backMs = await recovered(lab, scope, liftMs);
    return judgeStall({
      before: gapsIn(scope.beats, begunMs, hogMs),
      during,
      after: gapsIn(scope.beats, backMs ?? liftMs, performance.now()),
      high,
      oomKills,
      findings,
      ...(backMs === undefined ? {} : { recoveredMs: backMs - liftMs }),
      ...(waiting === undefined ? {} : { waiting }),
      ...(lift.why === undefined ? {} : { notLifted: `not lifted: ${lift.why}` }),
    });
  },
};

export const oomPolicy: Experiment = {
  name: 'oom-policy',
  title: 'OOMPolicy decides what becomes of the others in the scope',
  expected: EXPECTED_POLICY,
  async run(lab) {
    const settable = (lab.systemd ?? 0) >= SCOPE_OOM_POLICY_SINCE;
    if (!settable) return judgePolicies([await killBeside(lab, undefined)]);
    return judgePolicies([await killBeside(lab, 'continue'), await killBeside(lab, 'kill')]);
  },
};

/** Kills a process at MemoryMax, and looks after the one beside it. */
async function killBeside(lab: Lab, policy: SiblingSeen['policy']): Promise<SiblingSeen> {
  const scope = await lab.start({
    name: `oom-policy-${policy ?? 'stop'}`,
    properties: { MemoryMax: '32M', ...(policy === undefined ? {} : { OOMPolicy: policy }) },
    script: `${HEARTBEAT} &\nread -r word\n${balloon(64)}; wait`,
  });
  scope.go();
  await settled(lab, scope);
  scope.go();
  await lab.until(() => scope.hasEnded || killsIn(scope) > 0, PATIENCE_MS);
  scope.look();
  const beatsAfter =
    policy === 'continue'
      ? await beatsSince(lab, scope, performance.now())
      : await silence(lab, scope);
  return {
    ...(policy === undefined ? {} : { policy }),
    oomKills: killsIn(scope),
    beatsAfter,
    empty: !scope.isPopulated(),
    // Where it cannot be told, the others hear why.
    findings: policy === undefined ? scope.findingsOn({ OOMPolicy: 'continue' }) : scope.findings(),
  };
}

/** Waits for the end of a scope that has to end; the signs of life meanwhile do not count. */
async function silence(lab: Lab, scope: TrialScope): Promise<number> {
  await lab.until(() => !scope.isPopulated(), PATIENCE_MS);
  return 0;
}

/** Waits until it is known how often signs of life come, and tells from when on they did. */
async function settled(lab: Lab, scope: TrialScope): Promise<number> {
  await lab.until(() => scope.beats.length > BEATS || scope.hasEnded, PATIENCE_MS);
  return scope.beats[0] ?? performance.now();
}

/** Waits for some signs of life after a moment, and counts them. */
async function beatsSince(lab: Lab, scope: TrialScope, sinceMs: number): Promise<number> {
  const since = () => scope.beats.filter((beat) => beat > sinceMs).length;
  await lab.until(() => since() >= BEATS || scope.hasEnded, PATIENCE_MS);
  return since();
}

/** Waits for signs of life after MemoryHigh was lifted, and tells when the first one came. */
async function recovered(lab: Lab, scope: TrialScope, liftMs: number): Promise<number | undefined> {
  const first = () => scope.beats.find((beat) => beat > liftMs);
  await lab.until(() => first() !== undefined, RECOVERY_MS);
  const back = first();
  if (back !== undefined) await beatsSince(lab, scope, back);
  return back;
}

/** Time in µs for which all tasks waited for memory; absent without PSI. */
function stallOf(scope: TrialScope): number | undefined {
  const text = scope.read('memory.pressure');
  if (text === undefined) return undefined;
  return tolerantly(() => parsePressure(text, 'memory.pressure').full?.total);
}

function partOf(now: number | undefined, before: number | undefined, elapsedMs: number) {
  if (now === undefined || before === undefined || elapsedMs <= 0) return undefined;
  return Math.min(1, (now - before) / (elapsedMs * 1000));
}
