import type { KernelFiles } from '../cgroup/index.js';
import { UnavailableError, UsageError } from '../errors/index.js';
import { meaningOf, tolerant } from '../inspect/meaning.js';
import { observe } from '../inspect/observe.js';
import type { Observation, UnitRecord } from '../model/index.js';
import type { PropertyName } from '../properties/index.js';
import type { ManagerKind } from '../systemd/client.js';
import { findNamedUnits } from '../systemd/find.js';
import { shellLine } from '../text/index.js';

/** A running unit: one with a cgroup of its own, and so with limits. */
export type Target = Observation & { cgroup: string; manager: ManagerKind };

/**
 * The unit to change.
 * @throws {UsageError} for one that does not run, or has no limits
 * @throws {UnknownNameError} for one that does not exist
 * @throws {UnavailableError} without a manager, or for a unit of the system without being root
 */
export async function findTarget(
  unit: string,
  properties: Readonly<Record<string, string>>,
  records: readonly UnitRecord[],
): Promise<Target> {
  const [found] = await findNamedUnits([unit], records);
  const observed = found && observe(found);
  if (observed?.cgroup === undefined || observed.activeState !== 'active') {
    throw new UsageError(`${unit} is not running`, {
      why: 'Only limits of a running unit can be changed.',
      remedy: 'rlimit inspect shows what runs',
    });
  }
  const { cgroup, manager } = observed;
  if (manager === 'none') {
    throw new UsageError(`${unit} is a run without systemd, whose limits are not changed`, {
      remedy: `as its owner, write to the files in /sys/fs/cgroup${cgroup}`,
    });
  }
  if (cgroup === '/') throw new UsageError(`${unit} is the whole system: it has no limits`);
  if (manager === 'system' && process.getuid?.() !== 0) {
    const words = Object.entries(properties).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
    throw new UnavailableError(`${unit} is a unit of the system, and you are not root`, {
      why: 'Your own service manager holds only your own units.',
      remedy: shellLine(['sudo', 'rlimit', 'tune', unit, ...words]),
    });
  }
  return { ...observed, cgroup, manager };
}

/** The memory limits that the kernel holds of a unit, in systemd's syntax. */
export function heldBy({ kernel }: Target): Record<string, string> {
  const held: Record<string, string> = {};
  for (const name of ['MemoryMax', 'MemoryHigh', 'MemorySwapMax'] as const) {
    const text = heldText(name, '', kernel, {});
    if (text !== undefined) held[name] = text;
  }
  return held;
}

/** What the kernel holds of one property, in systemd's syntax; absent where it has no such file. */
export function heldText(
  name: PropertyName,
  wanted: string,
  kernel: KernelFiles,
  devices: Readonly<Record<string, string>>,
): string | undefined {
  const meaning = meaningOf(name);
  const value = meaning.kernel?.(
    kernel,
    tolerant(() => meaning.asked(wanted)),
    devices,
  );
  return value === undefined ? undefined : meaning.text(value);
}
