import { readMemory } from '../../machine/index.js';
import { shellLine } from '../../text/index.js';
import { type Fix, remedyOf } from '../fix.js';
import { namesIn, type Place, readText } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import { leastSwap, readPeople, readUserTrees } from '../trees.js';
import { unitNamed, unitsOf } from '../units.js';
import { canOomdAct, readOomd } from './oomd.js';

/** Whether something acts before the kernel has to: earlyoom, with thresholds it can reach. */
export const earlyoom: CheckSpec = {
  name: 'earlyoom',
  title: 'something acts before memory is out',
  group: 'memory',
  look: async (place) => judgeEarlyoom(await readEarlyoom(place)),
};

export interface EarlyoomFacts {
  /** LoadState and ActiveState of the service; absent where it is not installed. */
  load?: string;
  active?: string;
  /** Its options: those of the running process, else those of /etc/default/earlyoom. */
  argv?: readonly string[];
  /** SwapTotal, bytes. */
  swap: number;
  /** Trees of users that may not swap. */
  withoutSwap: readonly string[];
  /** Whether systemd-oomd runs and can act. */
  oomdActs: boolean;
}

const CONFIGURATION = '/etc/default/earlyoom';

/** @throws {Unknown} where the system's manager does not answer */
export async function readEarlyoom(place: Place): Promise<EarlyoomFacts> {
  const units = await unitsOf(place, 'system');
  const service = unitNamed(units, 'earlyoom.service');
  const argv = runningArguments(place) ?? configured(readText(place, CONFIGURATION));
  const trees = readUserTrees(place, readPeople(place), units);
  return {
    ...(service?.LoadState === undefined ? {} : { load: service.LoadState }),
    ...(service?.ActiveState === undefined ? {} : { active: service.ActiveState }),
    ...(argv === undefined ? {} : { argv }),
    swap: readMemory(`${place.root}/`).swap,
    withoutSwap: trees
      .filter((tree) => leastSwap(place, tree.cgroup) === 0)
      .map(({ unit }) => unit),
    oomdActs: canOomdAct(await readOomd(place)),
  };
}

/** When earlyoom acts: percent of memory and of swap that are free, for SIGTERM and SIGKILL. */
export interface Thresholds {
  memory: { term: number; kill: number };
  swap: { term: number; kill: number };
}

/** Reads `-m 5,3 -s 100`; what is not said is 10, and half of it for SIGKILL (earlyoom(1)). */
export function thresholdsOf(argv: readonly string[]): Thresholds {
  const pair = (option: string) => {
    const at = argv.lastIndexOf(option);
    const attached = argv.findLast((word) => word.startsWith(option) && /^-\w\d/.test(word));
    const text = at < 0 ? (attached?.slice(option.length) ?? '') : (argv[at + 1] ?? '');
    const [term = 10, kill = term / 2] = text === '' ? [] : text.split(',').map(Number);
    return { term, kill };
  };
  return { memory: pair('-m'), swap: pair('-s') };
}

export function judgeEarlyoom(facts: EarlyoomFacts): Judged {
  const { load, active, argv = [], swap, withoutSwap, oomdActs } = facts;
  if (active === 'active') return judgeRunning({ argv, swap, withoutSwap });
  const state = load === undefined ? 'not installed' : load === 'masked' ? 'masked' : `${active}`;
  const evidence = [`earlyoom is ${state}`];
  if (oomdActs) return { evidence: [...evidence, 'systemd-oomd runs and can act'], findings: [] };
  const cause = `nothing acts before the kernel’s OOM killer: earlyoom is ${state}, and systemd-oomd does not run or cannot act`;
  if (load === undefined) {
    const remedy = 'sudo apt install earlyoom (or dnf, pacman), then: rlimit doctor earlyoom --fix';
    return { evidence, findings: [found('warning', 'no-backstop', { cause, remedy })] };
  }
  const remedy = remedyOf(FIX);
  return { evidence, findings: [found('warning', 'no-backstop', { cause, remedy })], fixes: [FIX] };
}

function judgeRunning({
  argv,
  swap,
  withoutSwap,
}: Pick<EarlyoomFacts, 'swap' | 'withoutSwap'> & { argv: readonly string[] }): Judged {
  const { memory, swap: free } = thresholdsOf(argv);
  const evidence = [
    `earlyoom runs: SIGTERM at ${memory.term}% of memory and ${free.term}% of swap free, ` +
      `SIGKILL at ${memory.kill}% and ${free.kill}%`,
    ...(argv.length === 0 ? [] : [`its options: ${shellLine(argv)}`]),
  ];
  const figures = [memory.term, memory.kill, free.term, free.kill];
  if (figures.some((figure) => !Number.isFinite(figure))) {
    return { evidence, findings: [], unknown: 'its options are not understood' };
  }
  // Without swap it takes none as free, and goes by memory alone.
  if (swap === 0 || withoutSwap.length === 0 || free.kill >= 100) return { evidence, findings: [] };
  const signal = free.term >= 100 ? 'SIGKILL' : 'both signals';
  const part = free.term >= 100 ? free.kill : free.term;
  const finding = found(free.term >= 100 ? 'warning' : 'problem', 'earlyoom-waits-for-swap', {
    unit: 'earlyoom.service',
    wanted: '-s 100,100',
    observed: `-s ${free.term},${free.kill}`,
    cause: `${withoutSwap.join(', ')} may not swap, and earlyoom waits with ${signal} until at most ${part}% of swap are free`,
    remedy: remedyOf(FIX),
  });
  return { evidence, findings: [finding], fixes: [FIX] };
}

/**
 * SIGTERM at 5 % of memory free, SIGKILL at 3 %, swap left out of account: `-s 100` alone means 50
 * for SIGKILL (seen, 1.7 and 1.8). The way in (sshd, tmux, systemd, containers) is left alone.
 */
const ARGUMENTS = [
  ...['-m', '5,3', '-s', '100,100', '-r', '3600'],
  ...['--avoid', '^(sshd.*|systemd.*|dockerd|containerd.*|tmux.*|earlyoom)$'],
  ...['--prefer', '^(python3.*|node|chrome.*)$'],
];

const FIX: Fix = {
  trouble: 'no-backstop',
  title: 'run earlyoom at 5% (SIGTERM) and 3% (SIGKILL) of free memory',
  root: true,
  steps: [
    { tryOut: ['earlyoom', '--dryrun', ...ARGUMENTS] },
    {
      file: CONFIGURATION,
      content: `# Free memory alone decides: work that may not swap leaves swap free.\nEARLYOOM_ARGS="${shellLine(ARGUMENTS)}"\n`,
    },
    { units: ['earlyoom.service'], state: 'on' },
  ],
};

/** Options of the running process, by its exact name. */
function runningArguments(place: Place): string[] | undefined {
  for (const pid of namesIn(place, '/proc').filter((name) => /^\d+$/.test(name))) {
    if (readText(place, `/proc/${pid}/comm`)?.trim() !== 'earlyoom') continue;
    return readText(place, `/proc/${pid}/cmdline`)?.split('\0').slice(1, -1);
  }
  return undefined;
}

/** Words of EARLYOOM_ARGS="…", split as systemd splits them: at blanks, quotes kept together. */
function configured(text: string | undefined): string[] | undefined {
  const value = /^\s*EARLYOOM_ARGS="(.*)"\s*$/m.exec(text ?? '')?.[1];
  return value?.match(/'[^']*'|\S+/g)?.map((word) => word.replace(/^'(.*)'$/, '$1'));
}
