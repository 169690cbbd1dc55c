/** Percentages of memory: what they are of, and what became of them. Pure. */
import type { Finding } from '../model/index.js';
import type { PropertyName } from '../properties/index.js';
import { parsePercent, roughBytes } from '../quantity/index.js';
import type { AncestorLimit } from './ancestors.js';
import type { KernelContext } from './context.js';
import { type Meaning, tolerant, type Value } from './meaning.js';
import { percentOfMachine } from './overrides.js';

interface State {
  name: PropertyName;
  meaning: Meaning;
  systemd?: { value: Value | undefined };
  above?: AncestorLimit;
}

const OF_MEMORY: readonly string[] = ['MemoryMin', 'MemoryLow', 'MemoryHigh', 'MemoryMax'];

/** How far systemd's figure may be from ours: it counts in pages, and in parts of 2^32. */
const TOLERANCE = 65_536;

/** `60% of 1.93G installed`, where a file of the unit says it so and systemd did take it so. */
export function percentRule(state: State, context: KernelContext): string | undefined {
  const found = percentOf(state, context);
  return found && `${found.percent} of ${roughBytes(found.memory)} installed`;
}

/** A percentage that can never be reached, because it is not of what the unit may have. */
export function percentFinding(state: State, context: KernelContext): Finding[] {
  const { name, meaning, above } = state;
  const found = percentOf(state, context);
  if (found === undefined || above === undefined || above.amount >= found.held) return [];
  const held = meaning.text(found.held);
  const asked = { name, text: found.percent, value: found.held };
  return [percentOfMachine(asked, { ...found, held, above }, context)];
}

function percentOf(
  { name, systemd }: State,
  { settings, memory }: KernelContext,
): { percent: string; memory: number; held: number } | undefined {
  const percent = settings?.[name]?.text.trim();
  const held = systemd?.value;
  if (memory === undefined || typeof held !== 'number' || !OF_MEMORY.includes(name))
    return undefined;
  const permyriad = tolerant(() => parsePercent(percent ?? ''));
  if (permyriad === undefined || percent === undefined) return undefined;
  // systemd.resource-control(5): relative to the installed physical memory.
  if (Math.abs((memory * permyriad) / 10_000 - held) > TOLERANCE) return undefined;
  return { percent: percent.replace(/\.0+%$/, '%'), memory, held };
}
