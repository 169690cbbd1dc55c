import { readMemory } from '../../machine/index.js';
import { formatBytes, roughBytes } from '../../quantity/index.js';
import { type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import {
  childrenOf,
  readPeople,
  readTree,
  readUserTrees,
  type Tree,
  topCgroups,
  wholeSize,
} from '../trees.js';
import { unitsOf } from '../units.js';

/** The caps of all trees, summed against the machine. */
export const commitment: CheckSpec = {
  name: 'commitment',
  title: 'the caps together fit into the machine',
  group: 'caps',
  look: async (place) => judgeCommitment(await readCommitment(place)),
};

/** A tree that is capped, and what bounds it from above together with others. */
export interface CommitmentFacts {
  trees: readonly Tree[];
  /** MemTotal, bytes. */
  memory: number;
  /** People who may log in, and have no tree now. */
  absent: readonly string[];
  unasked?: string;
}

export async function readCommitment(place: Place): Promise<CommitmentFacts> {
  const people = readPeople(place);
  const top = topCgroups(place).map((path) => readTree(place, path));
  const asked = await unitsOf(place, 'system').catch((error: unknown) => {
    if (!(error instanceof Unknown)) throw error;
    return error.message;
  });
  const units = typeof asked === 'string' ? [] : asked;
  const own = readUserTrees(place, people, units);
  const services = childrenOf(place, '/system.slice').map((path) => readTree(place, path));
  const trees = new Map([...top, ...services, ...own].map((tree) => [tree.cgroup, tree]));
  const present = new Set(
    own.filter(({ unit }) => unit.endsWith('.slice')).map(({ user }) => user),
  );
  return {
    trees: [...trees.values()],
    memory: readMemory(`${place.root}/`).memory,
    absent: people.filter(({ name }) => !present.has(name)).map(({ name }) => name),
    ...(typeof asked === 'string' ? { unasked: `services are not known: ${asked}` } : {}),
  };
}

/** Pure. A cap above others bounds them together, so that those below it are not counted. */
export function judgeCommitment({ trees, memory, absent, unasked }: CommitmentFacts): Judged {
  const capped = trees.filter(({ max, above }) => typeof max === 'number' && above === undefined);
  const unknown = unasked === undefined ? {} : { unknown: unasked };
  if (capped.length === 0) return { evidence: ['no tree is capped'], findings: [], ...unknown };
  const slices = capped.filter(({ unit }) => /^user-\d+\.slice$/.test(unit));
  const perUser = Math.max(0, ...slices.map(sizeOf));
  const now = capped.reduce((sum, tree) => sum + sizeOf(tree), 0);
  const all = now + absent.length * perUser;
  const [large, small] = [...capped]
    .sort((a, b) => sizeOf(b) - sizeOf(a))
    .reduce(
      ([named, rest], tree): [Tree[], Tree[]] =>
        named.length < MOST_NAMED ? [[...named, tree], rest] : [named, [...rest, tree]],
      [[], []] as [Tree[], Tree[]],
    );
  const terms = [
    ...large.map((tree) => `${tree.unit} ${formatBytes(sizeOf(tree))}`),
    ...(small.length === 0
      ? []
      : [`${small.length} more ${roughBytes(small.reduce((sum, tree) => sum + sizeOf(tree), 0))}`]),
    ...(absent.length === 0 || perUser === 0
      ? []
      : [`${absent.length} users not logged in, ${formatBytes(perUser)} each`]),
  ];
  const evidence = [`${terms.join(' + ')} = ${roughBytes(all)} of ${roughBytes(memory)}`];
  if (all <= memory) return { evidence, findings: [], ...unknown };
  const finding = found('warning', 'sum-of-caps', {
    property: 'MemoryMax',
    wanted: `at most ${roughBytes(memory)}`,
    observed: roughBytes(all),
    cause:
      `over-committed: the caps add up to ${roughBytes(all)} and the machine has ` +
      `${roughBytes(memory)}, ${(all / memory).toFixed(1)} times too much if all are used at once`,
    remedy:
      'lower the caps (systemctl set-property UNIT MemoryMax=…), or cap all users together: ' +
      `sudo systemctl set-property user.slice MemoryMax=${formatBytes(wholeSize(memory * 0.8))}`,
  });
  return { evidence, findings: [finding], ...unknown };
}

/** More trees than this are summed up. */
const MOST_NAMED = 6;

function sizeOf({ max }: Tree): number {
  return typeof max === 'number' ? max : 0;
}
