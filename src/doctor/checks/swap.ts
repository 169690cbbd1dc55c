import { roughBytes } from '../../quantity/index.js';
import { type Fix, remedyOf } from '../fix.js';
import { needText, type Place, readText, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** Swap and zram with their priorities, and swappiness. */
export const swap: CheckSpec = {
  name: 'swap',
  title: 'swap is set up well',
  group: 'memory',
  look: (place) => judgeSwap(readSwap(place)),
};

/** A line of /proc/swaps. */
export interface SwapArea {
  path: string;
  isZram: boolean;
  /** Bytes. */
  size: number;
  used: number;
  priority: number;
}

export interface SwapFacts {
  areas: readonly SwapArea[];
  swappiness?: number;
  /** Whether the kernel accounts swap by cgroup; absent where it cannot be seen. */
  accounted?: boolean;
}

/** @throws {Unknown} */
export function readSwap(place: Place): SwapFacts {
  const areas = parseSwaps(needText(place, '/proc/swaps'));
  const swappiness = readText(place, '/proc/sys/vm/swappiness')?.trim();
  const slice = '/sys/fs/cgroup/system.slice';
  const isControlled = readText(place, `${slice}/memory.max`) !== undefined;
  return {
    areas,
    ...(swappiness !== undefined && /^\d+$/.test(swappiness)
      ? { swappiness: Number(swappiness) }
      : {}),
    ...(isControlled
      ? { accounted: readText(place, `${slice}/memory.swap.max`) !== undefined }
      : {}),
  };
}

/** Reads /proc/swaps (proc(5)): sizes are in KiB, blanks in paths are `\040`. @throws {Unknown} */
export function parseSwaps(text: string): SwapArea[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [path, , ...figures] = line.trim().split(/\s+/);
      const [size, used, priority] = figures.map(Number);
      if (path === undefined || ![size, used, priority].every(Number.isSafeInteger)) {
        throw new Unknown(`/proc/swaps has a line of another kind: ${line}`);
      }
      return {
        path,
        isZram: /^\/dev\/zram\d+$/.test(path),
        size: (size ?? 0) * 1024,
        used: (used ?? 0) * 1024,
        priority: priority ?? 0,
      };
    });
}

/** From here on the kernel leaves programs alone while it can. */
const SWAPPINESS = 10;

export function judgeSwap({ areas, swappiness, accounted }: SwapFacts): Judged {
  const evidence = [
    ...(areas.length === 0 ? ['no swap (/proc/swaps)'] : areas.map(describe)),
    `vm.swappiness ${swappiness ?? 'not known'}`,
  ];
  const findings = [];
  const fixes: Fix[] = [];
  const zram = areas.filter(({ isZram }) => isZram);
  const disks = areas.filter(({ isZram }) => !isZram);
  const first = disks.find((disk) => zram.some(({ priority }) => priority <= disk.priority));
  if (first !== undefined) {
    findings.push(
      found('warning', 'zram-below-disk', {
        cause: `${first.path} has priority ${first.priority}, and ${zram.map(({ path, priority }) => `${path} ${priority}`).join(', ')}`,
        remedy: `sudo swapoff ${zram[0]?.path} && sudo swapon --priority 100 ${zram[0]?.path}; for good: swap-priority = 100 in /etc/systemd/zram-generator.conf`,
      }),
    );
  }
  if (disks.length > 0 && swappiness !== undefined && swappiness > SWAPPINESS) {
    const fix = swappinessFix(swappiness);
    fixes.push(fix);
    findings.push(
      found('warning', 'swappiness-high', {
        property: 'vm.swappiness',
        wanted: String(SWAPPINESS),
        observed: String(swappiness),
        cause: `vm.swappiness is ${swappiness}, with ${disks.map(({ path }) => path).join(', ')} on disk`,
        remedy: remedyOf(fix),
      }),
    );
  }
  if (areas.length > 0 && accounted === false) {
    findings.push(
      found('warning', 'no-swap-accounting', {
        property: 'MemorySwapMax',
        cause: 'there is swap, and cgroups have no memory.swap.max: MemorySwapMax=0 does nothing',
        remedy:
          'boot the kernel with swapaccount=1 (before Linux 6.1), or do without swap: sudo swapoff -a',
      }),
    );
  }
  const unknown =
    swappiness === undefined ? { unknown: '/proc/sys/vm/swappiness is no number' } : {};
  return { evidence, findings, fixes, ...unknown };
}

function describe({ path, isZram, size, used, priority }: SwapArea): string {
  const kind = isZram ? 'compressed memory' : 'disk';
  return `${path} (${kind}): ${roughBytes(size)}, ${roughBytes(used)} used, priority ${priority}`;
}

function swappinessFix(former: number): Fix {
  return {
    trouble: 'swappiness-high',
    title: `set vm.swappiness to ${SWAPPINESS}`,
    root: true,
    steps: [
      { file: '/etc/sysctl.d/50-rlimit.conf', content: `vm.swappiness = ${SWAPPINESS}\n` },
      {
        run: ['sysctl', '-q', '-w', `vm.swappiness=${SWAPPINESS}`],
        undo: ['sysctl', '-q', '-w', `vm.swappiness=${former}`],
      },
    ],
  };
}
