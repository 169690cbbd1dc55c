/** The units that are shown, exported and acted upon: limited ones, and runs of ours. */
import { readCgroupFile } from '../cgroup/index.js';
import type { UnitRecord, UnitSample } from '../model/index.js';
import { present } from '../watch/present.js';
import { figureOf } from './figures.js';
import { type FoundUnit, findLimitedUnits } from './find-units.js';
import type { Descriptors } from './kept-file.js';
import type { RecordReader } from './own-records.js';
import { UnitFiles } from './unit-files.js';

/** The whole tree is looked through at most this often, where nothing tells that it has changed. */
const RESCAN_MS = 10_000;
/** And at least this long apart where it changes all the time. */
const LEAST_MS = 2000;

/** More units are not told of: each is a row, and a family of metrics. */
const MOST_UNITS = 200;

export interface UnitReaderOptions {
  root: string;
  proc: string;
  records: RecordReader;
  descriptors: Descriptors;
  /** Names of units that are wanted without a limit, too. */
  names: readonly string[];
}

interface Watched extends FoundUnit {
  files: UnitFiles;
  record: UnitRecord | undefined;
}

export class UnitReader {
  readonly #options: UnitReaderOptions;
  #units = new Map<string, Watched>();
  #scannedMs = Number.NEGATIVE_INFINITY;
  #descendants: number | undefined;
  #leftOut = 0;

  constructor(options: UnitReaderOptions) {
    this.#options = options;
  }

  /** How many limited units there were too many. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** @param seconds since the reading before */
  read(nowMs: number, seconds: number | undefined): UnitSample[] {
    if (this.#mustScan(nowMs)) this.#scan(nowMs);
    const samples: UnitSample[] = [];
    for (const [cgroup, watched] of this.#units) {
      const read = watched.files.read(seconds);
      if (read === undefined) {
        watched.files.close();
        this.#units.delete(cgroup);
        continue;
      }
      samples.push({ ...namesOf(watched), ...read });
    }
    return samples.sort((a, b) => compare(a.unit, b.unit) || compare(a.cgroup, b.cgroup));
  }

  close(): void {
    for (const { files } of this.#units.values()) files.close();
    this.#units.clear();
  }

  #mustScan(nowMs: number): boolean {
    const { records, root } = this.#options;
    // A run of ours is seen at once.
    if (records.refresh()) return true;
    const passed = nowMs - this.#scannedMs;
    if (passed < LEAST_MS) return false;
    const text = readQuietly(root, 'cgroup.stat');
    const descendants = text === undefined ? undefined : figureOf(text, 'nr_descendants');
    return passed >= RESCAN_MS || descendants !== this.#descendants;
  }

  #scan(nowMs: number): void {
    const { root, descriptors } = this.#options;
    this.#scannedMs = nowMs;
    const text = readQuietly(root, 'cgroup.stat');
    this.#descendants = text === undefined ? undefined : figureOf(text, 'nr_descendants');
    const found = this.#found();
    this.#leftOut = Math.max(0, found.length - MOST_UNITS);
    const before = this.#units;
    this.#units = new Map();
    for (const { unit, cgroup } of found.slice(0, MOST_UNITS)) {
      const files = before.get(cgroup)?.files ?? new UnitFiles(cgroup, { root, descriptors });
      before.delete(cgroup);
      this.#units.set(cgroup, { unit, cgroup, files, record: this.#recordOf(unit, cgroup) });
    }
    for (const { files } of before.values()) files.close();
  }

  /** Runs of ours first: of too many, they are the last to be left out. */
  #found(): FoundUnit[] {
    const { root, proc, records, names } = this.#options;
    const wanted = (unit: string, cgroup: string) =>
      names.includes(unit) || this.#recordOf(unit, cgroup) !== undefined || isNamedByUs(unit);
    const found = findLimitedUnits({ root, proc, isWanted: wanted });
    // The slice of a run carries what its scope carries, where a run was started inside it.
    const shown = found.filter(({ unit }) => !/^app-rlimit-.+\.slice$/.test(unit));
    const own = records.records.flatMap(({ record, uid }) =>
      // Made without systemd, in a cgroup of any name; only for the user whose it is.
      record.cgroup === undefined || uid !== undefined
        ? []
        : [{ unit: record.unit, cgroup: record.cgroup }],
    );
    const isOurs = ({ unit, cgroup }: FoundUnit) => wanted(unit, cgroup);
    const all = [...own, ...shown.filter(isOurs), ...shown.filter((each) => !isOurs(each))];
    return [...new Map(all.map((each) => [each.cgroup, each])).values()];
  }

  #recordOf(unit: string, cgroup: string): UnitRecord | undefined {
    return this.#options.records.of(unit, cgroup);
  }
}

/** As `run` names its scopes; a record can be missing (another user's, or removed). */
function isNamedByUs(unit: string): boolean {
  return /^rlimit-.*\.scope$/.test(unit);
}

function namesOf({
  unit,
  cgroup,
  record,
}: Watched): Pick<UnitSample, 'unit' | 'cgroup' | 'ours' | 'profile' | 'started'> {
  return {
    unit,
    cgroup,
    ours: record !== undefined || isNamedByUs(unit),
    ...present({ profile: record?.profile, started: record?.started }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readQuietly(root: string, file: string): string | undefined {
  try {
    return readCgroupFile('/', file, root);
  } catch {
    return undefined;
  }
}
