import { parseFlatKeyed, readCgroupFile } from '../../cgroup/index.js';
import { shellQuote } from '../../text/index.js';
import { needText, type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import { topCgroups } from '../trees.js';
import { unitsOf } from '../units.js';

/** What the kernel and systemd remember of processes killed for lack of memory. */
export const kills: CheckSpec = {
  name: 'oom-kills',
  title: 'nothing was killed for lack of memory',
  group: 'memory',
  look: async (place) => judgeKills(await readKills(place)),
};

export interface KillFacts {
  /** oom_kill of /proc/vmstat: all since the boot. */
  total: number;
  /** Of the trees at the top: kills in them, and how often one of their limits was hit. */
  trees: readonly { cgroup: string; kills: number; atLimits: number; groups: number }[];
  /** Units that ended so, by their manager. */
  units: readonly string[];
  /** Lines `oom-kill:…` of the kernel's log; absent where it may not be read. */
  log?: readonly string[];
  unasked?: string;
}

export async function readKills(place: Place): Promise<KillFacts> {
  const total = parseFlatKeyed(needText(place, '/proc/vmstat').trim(), '/proc/vmstat').oom_kill;
  if (total === undefined) throw new Unknown('/proc/vmstat has no oom_kill (Linux 4.13)');
  const trees = topCgroups(place).flatMap((cgroup) => {
    const text = readCgroupFile(cgroup, 'memory.events', `${place.root}/sys/fs/cgroup`);
    if (text === undefined) return [];
    const { oom_kill = 0, oom = 0, oom_group_kill = 0 } = parseFlatKeyed(text, 'memory.events');
    return [{ cgroup, kills: oom_kill, atLimits: oom, groups: oom_group_kill }];
  });
  const managers = place.uid === 0 ? (['system'] as const) : (['system', 'user'] as const);
  const asked = await Promise.all(managers.map((manager) => endedIn(place, manager)));
  const unasked = asked.filter((answer) => typeof answer === 'string');
  const log = total === 0 ? undefined : await kernelLog(place);
  return {
    total,
    trees,
    units: asked.flatMap((answer) => (typeof answer === 'string' ? [] : answer)),
    ...(log === undefined ? {} : { log }),
    ...(unasked[0] === undefined ? {} : { unasked: unasked[0] }),
  };
}

export function judgeKills({ total, trees, units, log = [], unasked }: KillFacts): Judged {
  const evidence = [
    `${total} processes killed since the boot (/proc/vmstat)`,
    ...trees
      .filter(({ kills: count }) => count > 0)
      .map(({ cgroup, kills: count, atLimits }) => {
        return `${cgroup}: ${count} killed, limits hit ${atLimits} times (memory.events)`;
      }),
    ...log.slice(-MOST_LINES),
  ];
  const findings = [];
  const atMachine = log.filter((line) => line.includes('constraint=CONSTRAINT_NONE'));
  const atLimits = trees.reduce((sum, tree) => sum + tree.atLimits, 0);
  // A limit that was hit may kill a whole group: then the counts do not tell how many it was.
  const hasGroups = trees.some(({ groups }) => groups > 0);
  const unexplained = hasGroups && atLimits > 0 ? 0 : Math.max(0, total - atLimits);
  if (atMachine.length > 0 || unexplained > 0) {
    const victims = atMachine.map((line) => /,task=([^,]*)/.exec(line)?.[1] ?? '?');
    const who = victims.length === 0 ? '' : `: ${[...new Set(victims)].slice(0, 5).join(', ')}`;
    findings.push(
      found('warning', 'machine-oom', {
        cause: `the machine ran out of memory since its boot; ${atMachine.length || unexplained} processes were killed and no limit of a cgroup was hit${who}`,
        remedy:
          'sudo journalctl --dmesg --boot --grep=oom-kill; and cap what grew: rlimit doctor users',
      }),
    );
  }
  for (const unit of units) {
    findings.push(
      found('warning', 'unit-oom-killed', {
        unit,
        cause: `${unit} ended for lack of memory (Result=oom-kill)`,
        remedy: `raise its MemoryMax or start it with less to do; rlimit inspect ${shellQuote(unit)} shows its limits`,
      }),
    );
  }
  return { evidence, findings, ...(unasked === undefined ? {} : { unknown: unasked }) };
}

const MOST_LINES = 5;

/** Runs of rlimit are left out: one that dies at its limit does so as it was meant to. */
async function endedIn(place: Place, manager: 'system' | 'user'): Promise<string[] | string> {
  try {
    const units = await unitsOf(place, manager);
    return units
      .filter(({ Result, Id = '' }) => Result === 'oom-kill' && !/^rlimit-.*\.scope$/.test(Id))
      .map(({ Id = '' }) => Id);
  } catch (error) {
    if (error instanceof Unknown) return `units that ended so are not known: ${error.message}`;
    throw error;
  }
}

/** Members of adm and systemd-journal may read it; for others there is nothing in it. */
async function kernelLog(place: Place): Promise<string[] | undefined> {
  try {
    const argv = ['journalctl', '--dmesg', '--boot', '--quiet', '--no-pager', '--output=cat'];
    const answer = await place.ask([...argv, '--lines=20', '--grep=^oom-kill:']);
    const lines = (answer?.out ?? '').split('\n').filter((line) => line.startsWith('oom-kill:'));
    return lines.length === 0 ? undefined : lines;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}
