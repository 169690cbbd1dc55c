/** Who was killed for lack of memory, and by whom: from counters and from what the journal says. Pure. */
import type {
  Alert,
  AlertSeverity,
  AlertSubject,
  MachineSample,
  MemoryKill,
  UnitSample,
} from '../model/index.js';
import { roughBytes } from '../quantity/index.js';
import { counted } from '../text/index.js';
import { present } from '../watch/present.js';
import { momentary } from './alert.js';
import type { RuleSettings } from './settings.js';

/** Kills of one kind, in one place. */
interface Group {
  by: MemoryKill['by'];
  inUnit?: boolean;
  unit?: string;
  count: number;
  /** Those that are known by name. */
  named: MemoryKill[];
}

/** What was told of a kind of kills, and what waits to be told. */
interface Told {
  atMs: number;
  waiting?: Group;
}

/** Names of victims in one alert. */
const MOST_NAMES = 5;

/** Turns kills into alerts: the first at once, those that follow shortly after together. */
export class KillRule {
  readonly #settings: Pick<RuleSettings, 'quietMs'>;
  readonly #told = new Map<string, Told>();
  #counts = new Map<string, number>();
  #machine: number | undefined;
  /** Kills that were told by their count alone: their names may come later, and are not told again. */
  #nameless = 0;
  /** Names that came before their count. */
  #early: MemoryKill[] = [];

  constructor(settings: Pick<RuleSettings, 'quietMs'>) {
    this.#settings = settings;
  }

  get remembered(): number {
    return this.#told.size + this.#counts.size;
  }

  /** The alerts of one look. */
  see(sample: MachineSample, kills: readonly MemoryKill[]): Alert[] {
    const groups = this.#groups(sample, kills);
    for (const [key, told] of this.#told) {
      const isQuiet = sample.atMs >= told.atMs && sample.atMs - told.atMs < this.#settings.quietMs;
      const group = groups.get(key);
      const all = told.waiting && group ? joined(told.waiting, group) : (group ?? told.waiting);
      groups.delete(key);
      if (isQuiet) {
        if (all !== undefined) told.waiting = all;
        continue;
      }
      this.#told.delete(key);
      if (all !== undefined) groups.set(key, all);
    }
    for (const key of groups.keys()) this.#told.set(key, { atMs: sample.atMs });
    return [...groups.values()].map((group) => alertOf(group, sample));
  }

  #groups(sample: MachineSample, kills: readonly MemoryKill[]): Map<string, Group> {
    const groups = new Map<string, Group>();
    const add = (group: Group) => {
      const key = [group.by, group.inUnit, group.unit].join('\0');
      const known = groups.get(key);
      groups.set(key, known === undefined ? group : joined(known, group));
    };
    const counts = this.#risen(sample);
    const byKernel = this.#fresh(kills, counts.total);
    for (const kill of [...kills.filter(({ by }) => by !== 'kernel'), ...byKernel]) {
      const { by, inUnit, unit } = kill;
      add({ by, ...present({ inUnit, unit }), count: 1, named: [kill] });
    }
    // What the counters say and nobody named.
    const unused = new Set(byKernel);
    let rest = counts.total - byKernel.length;
    for (const [unit, count] of counts.units) {
      const named = [...unused].filter((kill) => isIn(kill, unit)).slice(0, count);
      for (const kill of named) unused.delete(kill);
      const nameless = Math.min(rest, count - named.length);
      if (nameless <= 0) continue;
      add({ by: 'kernel', inUnit: true, unit: unit.unit, count: nameless, named: [] });
      rest -= nameless;
      this.#nameless += nameless;
    }
    if (rest > 0) {
      add({ by: 'kernel', count: rest, named: [] });
      this.#nameless += rest;
    }
    return groups;
  }

  /**
   * Kernel kills to tell now. The journal and the counters are not read at the same moment: names of
   * what was told as a mere count are passed over, and names that no counter has yet wait for one look.
   */
  #fresh(kills: readonly MemoryKill[], counted: number): MemoryKill[] {
    const byKernel = kills.filter(({ by }) => by === 'kernel');
    const late = Math.min(this.#nameless, Math.max(0, byKernel.length - counted));
    // What has not been named by the next look is not named any more.
    this.#nameless = 0;
    const all = [...this.#early, ...byKernel.slice(late)];
    const now = Math.max(counted, this.#early.length);
    this.#early = all.slice(now);
    return all.slice(0, now);
  }

  /** How far the counters rose: of each unit without those below it, and of the machine. */
  #risen({ units, oomKills }: MachineSample): { units: [UnitSample, number][]; total: number } {
    const isFirst = this.#machine === undefined && this.#counts.size === 0;
    const machine = rise(this.#machine, oomKills) ?? 0;
    const counts = new Map<string, number>();
    const own: [UnitSample, number][] = [];
    const deepestFirst = units.toSorted((a, b) => b.cgroup.length - a.cgroup.length);
    for (const unit of deepestFirst) {
      const { oomKill } = unit.events;
      if (oomKill === undefined) continue;
      counts.set(unit.cgroup, oomKill);
      const before = this.#counts.get(unit.cgroup);
      // Of a unit that is new here the machine's count tells whether its kills are.
      const risen =
        before === undefined ? (isFirst ? 0 : Math.min(oomKill, machine)) : rise(before, oomKill);
      const below = own
        .filter(([{ cgroup }]) => cgroup.startsWith(`${unit.cgroup}/`))
        .reduce((sum, [, count]) => sum + count, 0);
      if (risen !== undefined && risen > below) own.push([unit, risen - below]);
    }
    this.#counts = counts;
    this.#machine = oomKills ?? this.#machine;
    const inUnits = own.reduce((sum, [, count]) => sum + count, 0);
    return { units: own, total: Math.max(machine, inUnits) };
  }
}

/** Absent where a counter went backwards: another cgroup of the same name, or another boot. */
function rise(before: number | undefined, now: number | undefined): number | undefined {
  if (before === undefined || now === undefined || now < before) return undefined;
  return now - before;
}

function isIn({ unit, cgroup }: MemoryKill, within: UnitSample): boolean {
  if (cgroup === undefined) return unit === within.unit;
  return cgroup === within.cgroup || cgroup.startsWith(`${within.cgroup}/`);
}

function joined(first: Group, second: Group): Group {
  return {
    ...first,
    count: first.count + second.count,
    named: [...first.named, ...second.named].slice(0, MOST_NAMES),
  };
}

function alertOf(group: Group, sample: MachineSample): Alert {
  const { unit, count, named, by } = group;
  const subject: AlertSubject =
    unit === undefined ? { kind: 'machine', name: '' } : { kind: 'unit', name: unit };
  const [first] = named.toSorted((a, b) => (b.memory ?? 0) - (a.memory ?? 0));
  return momentary(
    {
      rule: 'killed',
      severity: severityOf(group),
      subject,
      value: count,
      threshold: 1,
      says: `${victims(group)}${unit === undefined ? '' : ` in ${unit}`} ${count === 1 ? 'was' : 'were'} ended for lack of memory by ${killer(group)}`,
      facts: factsOf(group),
      ...(first?.pid === undefined || first.comm === undefined
        ? {}
        : {
            top: {
              pid: first.pid,
              comm: first.comm,
              ...(first.memory === undefined ? {} : { bytes: first.memory }),
            },
          }),
      since: sample.time,
    },
    [by, unit].join('\0'),
  );
}

/** At its own limit a unit only harms itself. */
function severityOf({ by, inUnit }: Group): AlertSeverity {
  return by === 'kernel' && inUnit !== false ? 'WARNING' : 'CRITICAL';
}

function victims({ count, named }: Group): string {
  const names = named.flatMap(({ comm, pid }) =>
    comm === undefined ? [] : [`${comm} (PID ${pid})`],
  );
  const [name] = names;
  if (name === undefined) return counted(count, 'process', 'processes');
  return count === 1 ? name : `${name} and ${count - 1} more`;
}

function killer({ by, inUnit }: Group): string {
  if (by === 'guard') return "rlimit's guard";
  if (by !== 'kernel') return by;
  const killer = "the kernel's OOM killer";
  if (inUnit === undefined) return `${killer}, for the machine or for a cgroup that is not watched`;
  return inUnit
    ? `${killer}, at the unit's limit or one above it`
    : `${killer}: the machine's memory was full`;
}

function factsOf({ named }: Group): string[] {
  return named.flatMap(({ comm, pid, memory }) =>
    comm === undefined || memory === undefined
      ? []
      : [`${comm} (PID ${pid}) had ${roughBytes(memory)}`],
  );
}
