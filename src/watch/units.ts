/** Which units there are to watch: systemd is asked once, and afterwards the files are. */
import { readdirSync, statSync } from 'node:fs';
import { CGROUP_ROOT, isGone, readCgroupFile } from '../cgroup/index.js';
import type { UnitKind, UnitRecord } from '../model/index.js';
import { readRecords, recordDirectory } from '../state/index.js';
import { type ManagerKind, systemctl } from '../systemd/client.js';
import { type Ask, type FoundUnit, findNamedUnits, findOurUnits } from '../systemd/find.js';
import { kindOf, parseShow, showArgs } from '../systemd/show.js';
import { Pacer } from './pacer.js';

/** A unit to watch. */
export interface WatchedUnit {
  unit: string;
  kind: UnitKind;
  manager: ManagerKind;
  /** Path below the cgroup root; absent while it has none (a service between two starts). */
  cgroup?: string;
  record?: UnitRecord;
}

/** A unit that has ended, in systemd's words. */
export interface EndedUnit {
  unit: string;
  /** ActiveState: `inactive`, `failed`; `gone` where systemd has forgotten the unit. */
  state: string;
  /** `success`, `oom-kill` … */
  result?: string;
}

export interface FinderOptions {
  /** Names as of `inspect`; none means every unit of ours, those that come later too. */
  names: readonly string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  root?: string;
  ask?: Ask;
}

/** systemd is asked again for units that the files do not show, at most this often, and thrice. */
const LEAST_ASK_MS = 5000;
const MOST_ASKS = 3;
/** How soon systemd is asked again for a unit whose end it has not noticed yet. */
const SOON_MS = 1000;
/** And at least this often, for what nobody thought of. */
const REFRESH_MS = 60_000;

/** States of a unit that has no cgroup at the moment, and is not at its end. */
const GOING_ON = ['active', 'activating', 'reloading', 'deactivating', 'maintenance'];

const askSystemctl: Ask = (args, manager) => systemctl(args, { manager });

/** Finds units and notices when they end. */
export class UnitFinder {
  readonly #named: boolean;
  readonly #names: readonly string[];
  readonly #directory: string | undefined;
  readonly #root: string;
  /** The slice that holds our scopes, or the slices of our scopes. */
  readonly #slice: string;
  readonly #ask: Ask;
  readonly #units = new Map<string, WatchedUnit>();
  readonly #asking = new Pacer();
  readonly #askingForEnds = new Pacer();
  /** Recorded units that were not found, and how often they were asked for. */
  readonly #missed = new Map<string, number>();
  #records: UnitRecord[] = [];
  #recordsStamp: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor({
    names,
    env = process.env,
    uid = process.getuid?.() ?? 0,
    root = CGROUP_ROOT,
    ask = askSystemctl,
  }: FinderOptions) {
    this.#names = names;
    this.#named = names.length > 0;
    this.#directory = recordDirectory(env);
    this.#root = root;
    this.#slice = `/user.slice/user-${uid}.slice/user@${uid}.service/app.slice/app-rlimit.slice`;
    this.#ask = ask;
  }

  /**
   * Asks systemd which units there are.
   * @throws {UnavailableError} when there is no user manager
   * @throws {UnknownNameError} for a name that stands for no unit
   */
  async start(nowMs: number): Promise<void> {
    this.#readRecords();
    const found = this.#named
      ? await findNamedUnits(this.#names, this.#records, this.#ask)
      : await findOurUnits(this.#records, this.#ask);
    this.#take(found);
    this.#askedMs = nowMs;
    this.#asking.took(0, nowMs, LEAST_ASK_MS);
  }

  /** What is there to watch now, in the order in which it was found. */
  get units(): WatchedUnit[] {
    return [...this.#units.values()];
  }

  /**
   * Looks for units that came (not where some were named) and for those that have ended, which are
   * given back and forgotten.
   */
  async refresh(nowMs: number): Promise<EndedUnit[]> {
    this.#readRecords();
    if (!this.#named) {
      this.#takeFromTree();
      if (this.#mustAsk(nowMs)) await this.#askForAll(nowMs);
    }
    return this.#forgetEnded(nowMs);
  }

  /** The directory changes whenever a record comes or goes, for each is put there by a rename. */
  #readRecords(): void {
    if (this.#directory === undefined) return;
    const stamp = statSync(this.#directory, { throwIfNoEntry: false })?.mtimeMs;
    if (stamp === this.#recordsStamp) return;
    this.#recordsStamp = stamp;
    this.#records = readRecords(this.#directory).records;
    for (const unit of this.#units.values()) {
      const record = this.#recordOf(unit.unit);
      if (record !== undefined) unit.record = record;
    }
  }

  #recordOf(unit: string): UnitRecord | undefined {
    return this.#records.find((record) => record.unit === unit);
  }

  #take(found: readonly FoundUnit[]): void {
    for (const { manager, shown } of found) {
      const { Id: unit = '', ControlGroup: cgroup } = shown;
      const kind = kindOf(unit);
      // A failed scope stays loaded until somebody has looked at it; it has no cgroup.
      if (kind === undefined || manager === 'none' || (!this.#named && !cgroup)) continue;
      this.#add({ unit, kind, manager, ...(cgroup ? { cgroup } : {}) });
    }
  }

  #add(unit: WatchedUnit): void {
    if (this.#units.has(unit.unit)) return;
    const record = this.#recordOf(unit.unit);
    this.#units.set(unit.unit, { ...unit, ...(record === undefined ? {} : { record }) });
  }

  #takeFromTree(): void {
    for (const cgroup of scopesBelow(this.#slice, this.#root)) {
      const unit = cgroup.slice(cgroup.lastIndexOf('/') + 1);
      if (!/^rlimit-.*\.scope$/.test(unit) && this.#recordOf(unit) === undefined) continue;
      this.#add({ unit, kind: 'scope', manager: 'user', cgroup });
    }
  }

  /** Recorded units that are not where ours usually are have to be asked for. */
  #mustAsk(nowMs: number): boolean {
    if (nowMs - this.#askedMs >= REFRESH_MS) return true;
    if (!this.#asking.isDue(nowMs)) return false;
    return this.#records.some(
      ({ unit }) => !this.#units.has(unit) && (this.#missed.get(unit) ?? 0) < MOST_ASKS,
    );
  }

  async #askForAll(nowMs: number): Promise<void> {
    this.#askedMs = nowMs;
    const { answer = [], costMs } = await timed(() => findOurUnits(this.#records, this.#ask));
    this.#asking.took(costMs, nowMs, LEAST_ASK_MS);
    this.#take(answer);
    for (const { unit } of this.#records) {
      if (!this.#units.has(unit)) this.#missed.set(unit, (this.#missed.get(unit) ?? 0) + 1);
    }
  }

  async #forgetEnded(nowMs: number): Promise<EndedUnit[]> {
    const ended: EndedUnit[] = [];
    for (const unit of this.#units.values()) {
      if (unit.cgroup !== undefined && this.#isThere(unit.cgroup)) continue;
      const end = await this.#endOf(unit, nowMs);
      if (end === undefined) continue;
      this.#units.delete(unit.unit);
      ended.push(end);
    }
    return ended;
  }

  #isThere(cgroup: string): boolean {
    return readCgroupFile(cgroup, 'cgroup.events', this.#root) !== undefined;
  }

  /** How a unit without cgroup has ended; absent when it has not, or that is still to be asked. */
  async #endOf(
    { unit, kind, manager }: WatchedUnit,
    nowMs: number,
  ): Promise<EndedUnit | undefined> {
    const gone = { unit, state: 'gone' };
    if (!this.#askingForEnds.isDue(nowMs)) return this.#named ? undefined : gone;
    const { answer, costMs } = await timed(() => this.#ask(showArgs([unit]), manager));
    const shown = answer === undefined ? undefined : parseShow(answer)[0];
    if (!shown || shown.LoadState === 'not-found') return gone;
    const { ActiveState: state = 'gone', Result: result, ControlGroup: cgroup } = shown;
    if (!GOING_ON.includes(state)) return { unit, state, ...(result ? { result } : {}) };
    const known = this.#units.get(unit);
    if (cgroup && known) known.cgroup = cgroup;
    // A service is waited for between two starts; a scope is about to go.
    this.#askingForEnds.took(kind === 'scope' ? 0 : costMs, nowMs, SOON_MS);
    return this.#named ? undefined : gone;
  }
}

/** Asks systemd. Its work counts as well, so the time of the call is the cost. */
async function timed<T>(call: () => Promise<T>): Promise<{ answer?: T; costMs: number }> {
  const begun = performance.now();
  try {
    const answer = await call();
    return { answer, costMs: performance.now() - begun };
  } catch {
    // systemd may be restarting; what the files say goes on being shown.
    return { costMs: performance.now() - begun };
  }
}

/** The scopes in a slice and in the slices below it. Scopes themselves are not looked into. */
function scopesBelow(slice: string, root: string): string[] {
  const names = directoriesIn(`${root}${slice}`);
  return names.flatMap((name) => {
    if (name.endsWith('.scope')) return [`${slice}/${name}`];
    return name.endsWith('.slice') ? scopesBelow(`${slice}/${name}`, root) : [];
  });
}

function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => /\.(scope|slice)$/.test(name));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
