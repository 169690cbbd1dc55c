import { readMemory } from '../../machine/index.js';
import { formatBytes, roughBytes } from '../../quantity/index.js';
import { dropIn, type Fix, remedyOf } from '../fix.js';
import { type Place, readText } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import {
  capOf,
  childrenOf,
  describeTree,
  readTree,
  type Tree,
  topCgroups,
  wholeSize,
} from '../trees.js';
import { unitNamed, unitsOf } from '../units.js';

/** Containers live in docker.slice, which is capped. */
export const docker: CheckSpec = {
  name: 'docker',
  title: 'containers are capped together',
  group: 'caps',
  look: async (place) => judgeDocker(await readDocker(place)),
};

export interface DockerFacts {
  installed: boolean;
  /** docker.slice, where it is there. */
  slice?: Tree;
  /** MemoryMax of docker.slice as systemd would set it, where the slice is not there yet. */
  planned?: string;
  /** Containers outside docker.slice. */
  outside: readonly Tree[];
  /** `cgroup-parent` of /etc/docker/daemon.json. */
  parent?: string;
  /** MemTotal, bytes. */
  memory: number;
}

export async function readDocker(place: Place): Promise<DockerFacts> {
  const units = await unitsOf(place, 'system');
  const top = topCgroups(place);
  // With the systemd driver containers are scopes of system.slice, with the other one /docker/ID.
  const scopes = childrenOf(place, '/system.slice').filter((path) =>
    /\/docker-[^/]*\.scope$/.test(path),
  );
  const outside = [...scopes, ...top.filter((path) => path === '/docker')];
  const planned = unitNamed(units, 'docker.slice')?.MemoryMax;
  const parent = cgroupParent(readText(place, '/etc/docker/daemon.json'));
  return {
    installed: unitNamed(units, 'docker.service') !== undefined || outside.length > 0,
    ...(top.includes('/docker.slice') ? { slice: readTree(place, '/docker.slice') } : {}),
    ...(planned === undefined ? {} : { planned }),
    outside: outside.map((path) => readTree(place, path)),
    ...(parent === undefined ? {} : { parent }),
    memory: readMemory(`${place.root}/`).memory,
  };
}

export function judgeDocker(facts: DockerFacts): Judged {
  const { installed, slice, planned, outside, parent, memory } = facts;
  if (!installed) return { evidence: ['docker is not installed: nothing to cap'], findings: [] };
  const isCapped =
    slice === undefined ? (planned ?? 'infinity') !== 'infinity' : capOf(slice) !== 'infinity';
  const isParent = parent === 'docker.slice';
  const evidence = [
    slice === undefined
      ? `docker.slice: not started, MemoryMax=${planned ?? 'not known'}`
      : describeTree(slice),
    `cgroup-parent in /etc/docker/daemon.json: ${parent ?? 'not set'}`,
    ...outside.map((tree) => `outside docker.slice: ${describeTree(tree)}`),
  ];
  if (isCapped && isParent && outside.every((tree) => capOf(tree) !== 'infinity')) {
    return { evidence, findings: [] };
  }
  const fix = capFix(memory);
  const move =
    'in /etc/docker/daemon.json: "cgroup-parent": "docker.slice"; then, which ends all ' +
    'containers: sudo systemctl restart docker';
  const why = isCapped
    ? 'docker.slice is capped, and containers are started outside it'
    : 'docker.slice has no MemoryMax';
  const remedy = [...(isCapped ? [] : [remedyOf(fix)]), ...(isParent ? [] : [move])].join('\n');
  const finding = found('warning', 'docker-uncapped', {
    unit: 'docker.slice',
    property: 'MemoryMax',
    cause: `${why}: all containers together may take ${roughBytes(memory)}`,
    ...(remedy === '' ? {} : { remedy }),
  });
  return { evidence, findings: [finding], ...(isCapped ? {} : { fixes: [fix] }) };
}

function capFix(memory: number): Fix {
  const cap = formatBytes(wholeSize(memory / 4));
  return {
    trouble: 'docker-uncapped',
    title: `cap docker.slice at ${cap}, without swap`,
    root: true,
    steps: [
      dropIn('docker.slice', 'Slice', [
        `MemoryMax=${cap}`,
        'MemorySwapMax=0',
        'MemoryHigh=infinity',
      ]),
      { reload: ['docker.slice'] },
    ],
  };
}

function cgroupParent(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const parent = (JSON.parse(text) as Record<string, unknown> | null)?.['cgroup-parent'];
    return typeof parent === 'string' ? parent : undefined;
  } catch {
    return 'the file is no JSON';
  }
}
