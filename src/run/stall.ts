/** Sees a run stall between MemoryHigh and MemoryMax. Loaded only for runs that can. */

import { stalledFinding } from '../inspect/stall.js';
import { monotonicMs } from '../machine/clock.js';
import type { OnStall } from '../model/index.js';
import { renderStall, renderStallBreak } from '../render/run.js';
import { breakStall } from '../watch/break.js';
import { readFreeSwap, readSample } from '../watch/sample.js';
import { StallWatch } from '../watch/stall.js';
import { say } from './output.js';

export interface StallGuardOptions {
  unit: string;
  /** The cgroup with the limits. */
  cgroup: string;
  manager: 'user' | 'system';
  /** What ends a stall; absent where it is only to be told. */
  breaks?: OnStall;
  quiet: boolean;
}

/** Looks every two seconds; says once that the run stalls, and breaks it where that was asked for. */
export function guardAgainstStalls(options: StallGuardOptions): { stop(): void } {
  const { unit, cgroup, manager, breaks, quiet } = options;
  const stalls = new StallWatch();
  let told = false;
  const look = (): void => {
    const freeSwap = readFreeSwap();
    const sample = readSample(cgroup, monotonicMs(), freeSwap === undefined ? {} : { freeSwap });
    const stall = sample && stalls.add(sample);
    if (stall === undefined || told) return;
    told = true;
    if (!quiet) say(renderStall(stalledFinding(stall, { unit }), unit));
    if (breaks !== undefined) void act(breaks);
  };
  const act = async (how: OnStall): Promise<void> => {
    const broken = await breakStall(unit, cgroup, how, { manager });
    if (!quiet) say(renderStallBreak(broken));
    stalls.reset();
    told = false;
  };
  const timer = setInterval(look, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

const LOOK_MS = 2000;
