import { readMemory } from '../../machine/index.js';
import { MiB } from '../../quantity/index.js';
import { notApplicable, notCarriedOut } from '../conclude.js';
import {
  type BalloonSeen,
  EXPECTED_AT_MAX,
  EXPECTED_OFF_SWAP,
  judgeBalloon,
  judgeSwap,
} from '../judges/memory.js';
import type { Lab } from '../lab.js';
import { killConstraint, swappedOut } from '../observe.js';
import { balloon } from '../programs.js';
import type { TrialScope } from '../scope.js';
import type { Experiment } from './experiment.js';

/** MemoryMax, and what the program wants. It is far above what sh and dd need by themselves. */
const LIMIT_MIB = 32;
const SIZE_MIB = 64;
/** How long the program may take: emulated machines are slow, and so are disks with swap. */
const BALLOON_MS = 20_000;

export const memoryMax: Experiment = {
  name: 'memory-max',
  title: 'a program dies at MemoryMax, and the machine does not swap',
  expected: EXPECTED_AT_MAX,
  async run(lab) {
    return judgeBalloon(await inflate(lab, 'memory-max', '0'));
  },
};

export const memorySwapMax: Experiment = {
  name: 'memory-swap-max',
  title: 'MemorySwapMax=0 keeps a program off the swap',
  expected: EXPECTED_OFF_SWAP,
  async run(lab) {
    const { swap, swapFree = 0 } = readMemory();
    if (swap === 0) return notApplicable('this machine has no swap');
    // The one that may swap takes half of its size there.
    if (swapFree < 2 * SIZE_MIB * MiB) return notCarriedOut('hardly any swap is free');
    const limited = await inflate(lab, 'memory-swap-max', '0');
    const control = await inflate(lab, 'memory-swap-max-control', 'infinity');
    const { ownSwap: controlSwap } = control;
    return judgeSwap({ swap, limited, ...(controlSwap === undefined ? {} : { controlSwap }) });
  },
};

/** Lets a program take more than its MemoryMax, and looks at what comes of it. */
async function inflate(lab: Lab, name: string, swapMax: string): Promise<BalloonSeen> {
  const scope = await lab.start({
    name,
    properties: { MemoryMax: `${LIMIT_MIB}M`, MemorySwapMax: swapMax },
    script: `${balloon(SIZE_MIB)}; echo "ended $?"`,
  });
  const before = swappedOut();
  const swap = new SwapMeter(scope);
  scope.go();
  const isOver = () => {
    swap.look();
    scope.look();
    return scope.hasEnded || scope.heard('ended') !== undefined || killsIn(scope) > 0;
  };
  await lab.until(isOver, BALLOON_MS);
  // The shell may yet say how it ended, and the kernel's log be written.
  await lab.until(() => scope.hasEnded, 500);
  const { oom = 0, oom_kill: oomKills = 0 } = scope.counts('memory.events');
  const status = scope.heard('ended')?.split(' ')[1];
  const peak = scope.count('memory.peak');
  const ownSwap = swap.most();
  const constraint = oomKills > 0 ? killConstraint(scope.unit) : undefined;
  return {
    limit: LIMIT_MIB * MiB,
    size: SIZE_MIB * MiB,
    oomKills,
    oom,
    swappedOut: Math.max(0, swappedOut() - before),
    findings: scope.findings(),
    ...(status === undefined ? {} : { status: Number(status) }),
    ...(peak === undefined ? {} : { peak }),
    ...(ownSwap === undefined ? {} : { ownSwap }),
    ...(constraint === undefined ? {} : { constraint }),
  };
}

/** Kills for lack of memory in a scope so far. */
export function killsIn(scope: TrialScope): number {
  return scope.counts('memory.events').oom_kill ?? 0;
}

/** The most that a scope has in swap: the kernel's own peak (Linux 6.5), or what was seen of it. */
class SwapMeter {
  readonly #scope: TrialScope;
  #most: number | undefined;

  constructor(scope: TrialScope) {
    this.#scope = scope;
  }

  look(): void {
    const now = this.#scope.count('memory.swap.current');
    if (now !== undefined) this.#most = Math.max(this.#most ?? 0, now);
  }

  most(): number | undefined {
    this.look();
    return this.#scope.count('memory.swap.peak') ?? this.#most;
  }
}
