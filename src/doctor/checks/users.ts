import { livelock } from '../../inspect/causes.js';
import { readMemory } from '../../machine/index.js';
import type { Amount, Finding } from '../../model/index.js';
import { formatBytes, roughBytes } from '../../quantity/index.js';
import { dropIn, type Fix, remedyOf } from '../fix.js';
import { type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import {
  capOf,
  describeTree,
  type Person,
  readPeople,
  readUserTrees,
  suggestedCap,
  type Tree,
} from '../trees.js';
import { unitNamed, unitsOf } from '../units.js';

/** Every tree of every user capped, and capped so that a runaway dies in it. */
export const users: CheckSpec = {
  name: 'users',
  title: 'every tree of every user is capped',
  group: 'caps',
  look: async (place) => judgeUsers(await readUsers(place)),
};

export interface UserFacts {
  people: readonly Person[];
  trees: readonly Tree[];
  /** MemTotal and SwapTotal, bytes. */
  memory: number;
  swap: number;
  hasContainers: boolean;
  /** Why services that run for users could not be looked for. */
  unasked?: string;
}

export async function readUsers(place: Place): Promise<UserFacts> {
  const people = readPeople(place);
  const { memory, swap } = readMemory(`${place.root}/`);
  try {
    const units = await unitsOf(place, 'system');
    const hasContainers = unitNamed(units, 'docker.service') !== undefined;
    return { people, trees: readUserTrees(place, people, units), memory, swap, hasContainers };
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    const unasked = `services that run for users are not known: ${error.message}`;
    const trees = readUserTrees(place, people, []);
    return { people, trees, memory, swap, hasContainers: false, unasked };
  }
}

/** Pure. Services are there for whoever has a slice as well: a user's trees count together. */
export function judgeUsers(facts: UserFacts): Judged {
  const { trees, people, unasked } = facts;
  const evidence = trees.map(describeTree);
  if (trees.length === 0) evidence.push(`no work of users runs (${people.length} may log in)`);
  const fix = capsFix(facts);
  const findings = [...new Set(trees.map(({ user }) => user))].flatMap((user) =>
    judgeUser(
      trees.filter((tree) => tree.user === user),
      facts,
      fix,
    ),
  );
  return {
    evidence,
    findings,
    ...(unasked === undefined ? {} : { unknown: unasked }),
    ...(findings.length === 0 || fix === undefined ? {} : { fixes: [fix] }),
  };
}

function judgeUser(trees: readonly Tree[], facts: UserFacts, fix: Fix | undefined): Finding[] {
  const open = trees.filter((tree) => capOf(tree) === 'infinity');
  const capped = trees.filter((tree) => capOf(tree) !== 'infinity');
  const mend = fix === undefined ? {} : { remedy: remedyOf(fix) };
  const findings: Finding[] = [];
  const names = open.map(({ unit }) => unit).join(', ');
  const user = trees[0]?.user ?? '';
  if (open.length > 0 && capped.length > 0) {
    findings.push(
      found('problem', 'cap-on-one-tree', {
        unit: open[0]?.unit ?? '',
        property: 'MemoryMax',
        cause: `${user} is capped in ${capped.map(({ unit }) => unit).join(', ')} and not in ${names}`,
        ...mend,
      }),
    );
  } else if (open.length > 0) {
    // Alone on a machine, one mostly harms oneself.
    findings.push(
      found(facts.people.length > 1 ? 'problem' : 'warning', 'user-tree-uncapped', {
        unit: open[0]?.unit ?? '',
        property: 'MemoryMax',
        cause: `${names} of ${user} may take all ${roughBytes(facts.memory)} of the machine`,
        ...mend,
      }),
    );
  }
  for (const tree of capped) findings.push(...judgeCapped(tree, facts, mend));
  return findings;
}

function judgeCapped(tree: Tree, { swap }: UserFacts, mend: { remedy?: string }): Finding[] {
  const { unit, swapMax, high = 'infinity' } = tree;
  const cap = capOf(tree);
  if (swap > 0 && swapMax !== 0) {
    const allowed = swapMax === undefined ? 'not accounted' : formatBytes(swapMax);
    return [
      found('warning', 'capped-with-swap', {
        unit,
        property: 'MemorySwapMax',
        observed: allowed,
        cause: `${unit} is capped at ${formatBytes(cap)}, and its swap is ${allowed}`,
        ...mend,
      }),
    ];
  }
  if (!isBelow(high, cap)) return [];
  return [livelock({ high: formatBytes(high), max: formatBytes(cap) }, { unit, system: true })];
}

function isBelow(high: Amount, max: Amount): boolean {
  return high !== 'infinity' && (max === 'infinity' || high < max);
}

/** One drop-in for the slices of all users, and one for each service that runs for one. */
function capsFix({ trees, people, memory, hasContainers }: UserFacts): Fix | undefined {
  if (trees.length === 0) return undefined;
  const slices = trees.filter(({ unit }) => unit.endsWith('.slice'));
  const services = trees.filter(({ unit }) => unit.endsWith('.service'));
  const count = Math.max(people.length, slices.length) + services.length;
  const cap = suggestedCap(memory, count, hasContainers);
  const steps = [
    dropIn('user-.slice', 'Slice', capLines(slices, cap)),
    ...[...new Set(services.map(({ unit }) => fileNameOf(unit)))].map((name) =>
      dropIn(name, 'Service', [
        ...capLines(
          services.filter(({ unit }) => fileNameOf(unit) === name),
          cap,
        ),
        // A server outlives a child that was killed.
        'OOMPolicy=continue',
      ]),
    ),
    { reload: ['user-*.slice', ...new Set(services.map(({ unit }) => unit))] },
  ];
  const title = `cap every tree of every user at ${formatBytes(cap)}, without swap`;
  return { trouble: 'user-tree-uncapped', title, root: true, steps };
}

/** What is capped already keeps its cap. */
function capLines(trees: readonly Tree[], suggested: number): string[] {
  const own = trees.flatMap(({ max }) => (typeof max === 'number' ? [max] : []));
  const all = own.length === trees.length && own.length > 0;
  const cap = all ? Math.max(...own) : suggested;
  return [`MemoryMax=${formatBytes(cap)}`, 'MemorySwapMax=0', 'MemoryHigh=infinity'];
}

/** The unit file of an instance is its template. */
function fileNameOf(unit: string): string {
  return unit.replace(/@.+\.service$/, '@.service');
}
