/**
 * Units that stand still between memory.high and memory.max, judged as `inspect --watch` judges them
 * (src/watch/stall.ts), from the samples of the whole machine. Pure.
 */
import type { Amount, MachineSample, UnitSample } from '../model/index.js';
import { roughBytes } from '../quantity/index.js';
import { present } from '../watch/present.js';
import type { Sample } from '../watch/sample.js';
import { canStall, type Stall, StallWatch } from '../watch/stall.js';
import { percent, topInside } from './figures.js';
import { ofUnit, type Reading, unitFacts } from './readings.js';

/** One watch a unit that can stall at all; those of units that are gone are dropped. */
export class StallWatches {
  #watches = new Map<string, StallWatch>();

  get size(): number {
    return this.#watches.size;
  }

  /** The stalls of a sample, by cgroup; absent for units that cannot stall. */
  see(sample: MachineSample): Map<UnitSample, Stall | undefined> {
    const watches = new Map<string, StallWatch>();
    const stalls = new Map<UnitSample, Stall | undefined>();
    for (const unit of sample.units) {
      const seen = sampleOfUnit(unit, sample);
      if (!canStall(seen) || unit.frozen) continue;
      const watch = this.#watches.get(unit.cgroup) ?? new StallWatch();
      watches.set(unit.cgroup, watch);
      stalls.set(unit, watch.add(seen));
    }
    this.#watches = watches;
    return stalls;
  }
}

/** 1 for a unit that stands still, 0 for one that does not. */
export function livelockReadings(watches: StallWatches, sample: MachineSample): Reading[] {
  return [...watches.see(sample)].map(([unit, stall]) => ({
    ...ofUnit(unit),
    value: stall === undefined ? 0 : 1,
    tell: () => ({
      says: wording(unit, stall),
      facts: [`rlimit inspect --break-stall ${unit.unit} breaks it`, ...unitFacts(unit, sample)],
      ...topInside(unit, sample),
    }),
  }));
}

function wording({ unit, limits }: UnitSample, stall: Stall | undefined): string {
  const part = stall?.part === undefined ? '' : ` for ${percent(stall.part)} of the time`;
  const { memoryHigh: high = 'infinity', memoryMax: max = 'infinity' } = limits;
  return `${unit} stands still${part} between MemoryHigh ${amount(high)} and MemoryMax ${amount(max)}, without swap: the kernel slows it down and never ends it`;
}

function amount(bytes: Amount): string {
  return bytes === 'infinity' ? bytes : roughBytes(bytes);
}

function sampleOfUnit(unit: UnitSample, { atMs, memory }: MachineSample): Sample {
  const { use, limits, events, pressure } = unit;
  const full = pressure.memory?.full;
  return {
    atMs,
    usage: present({ memoryCurrent: use.memory, cpuUsec: use.cpuUsec, memoryAnon: use.anon }),
    limits,
    ...present({ pageCache: use.pageCache, stalledPart: full === undefined ? full : full / 100 }),
    swapRoom: swapRoom(unit, memory.swapFree),
    events: present({ high: events.high, max: events.max, oomKill: events.oomKill }),
    pressure: {},
  };
}

function swapRoom({ limits, use }: UnitSample, free: number): Amount {
  const { swapMax = 'infinity' } = limits;
  return swapMax === 'infinity' ? free : Math.min(free, Math.max(0, swapMax - (use.swap ?? 0)));
}
