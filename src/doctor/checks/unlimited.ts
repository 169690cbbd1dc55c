import { readCgroupFile } from '../../cgroup/index.js';
import { readMemory } from '../../machine/index.js';
import { formatBytes, roughBytes } from '../../quantity/index.js';
import { shellQuote } from '../../text/index.js';
import type { Place } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import {
  capOf,
  childrenOf,
  isPopulatedCgroup,
  readTree,
  type Tree,
  topCgroups,
  wholeSize,
} from '../trees.js';

/** Trees of the system that nothing bounds: virtual machines, pods, services that have grown. */
export const unlimited: CheckSpec = {
  name: 'unlimited',
  title: 'no other tree without a cap',
  group: 'caps',
  look: (place) => judgeUnlimited(readUnlimited(place)),
};

export interface UnlimitedFacts {
  /** Trees at the top besides those of users, of the system and of containers. */
  tops: readonly Tree[];
  /** Services of the system, with their memory.current in bytes. */
  services: readonly (Tree & { current: number })[];
  /** MemTotal, bytes. */
  memory: number;
}

/** Others look after these. */
const ELSEWHERE = ['/init.scope', '/system.slice', '/user.slice', '/docker.slice', '/docker'];

export function readUnlimited(place: Place): UnlimitedFacts {
  const tops = topCgroups(place)
    .filter((path) => !ELSEWHERE.includes(path) && !path.endsWith('.mount'))
    .filter((path) => isPopulatedCgroup(place, path));
  const services = childrenOf(place, '/system.slice').map((path) => {
    const text = readCgroupFile(path, 'memory.current', `${place.root}/sys/fs/cgroup`) ?? '';
    return { ...readTree(place, path), current: Number(text) || 0 };
  });
  return {
    tops: tops.map((path) => readTree(place, path)),
    services,
    memory: readMemory(`${place.root}/`).memory,
  };
}

/** A service of this part of the memory is one that a cap should be thought of for. */
const LARGE = 0.1;

export function judgeUnlimited({ tops, services, memory }: UnlimitedFacts): Judged {
  const isOpen = (tree: Tree) => capOf(tree) === 'infinity';
  const large = services.filter((tree) => isOpen(tree) && tree.current > memory * LARGE);
  const open = [
    ...tops.filter(isOpen).map(({ unit }) => ({ unit, now: '' })),
    ...large.map(({ unit, current }) => ({
      unit,
      now: `, which uses ${roughBytes(current)} now,`,
    })),
  ];
  const count = services.filter(isOpen).length;
  const evidence = [
    ...tops.map(({ unit, max }) => `${unit}: memory.max ${formatBytes(max ?? 'infinity')}`),
    `system.slice: ${count} of ${services.length} services without MemoryMax, ` +
      `${large.length} of them above 10% of the memory`,
  ];
  const findings = open.map(({ unit, now }) =>
    found('warning', 'tree-uncapped', {
      unit,
      property: 'MemoryMax',
      cause: `${unit}${now} may take all ${roughBytes(memory)} of the machine`,
      remedy:
        `sudo systemctl set-property ${shellQuote(unit)} ` +
        `MemoryMax=${formatBytes(wholeSize(memory / 4))} MemorySwapMax=0`,
    }),
  );
  return { evidence, findings };
}
