/** Asks the journal who was killed, when there is reason to. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineSample, MemoryKill } from '../model/index.js';
import { KILL_FIELDS, KILL_MATCHES, killsIn, lastCursor, parseEntries } from './journal.js';

/** Runs journalctl; absent where it is not there or does not answer. */
export type AskJournal = (args: readonly string[]) => Promise<string | undefined>;

/** Where somebody else may kill, whom no counter shows, the journal is read so often. */
const KILLERS_MS = 30_000;
const KILLERS = ['earlyoom', 'systemd-oomd'];

/** journald may be behind the kernel. */
const TRIES = 4;
const TRY_MS = 250;

/** Bytes of the journal that are read at once, and how long that may take. */
const MOST_BYTES = 16 * 1024 ** 2;
const JOURNAL_MS = 10_000;

/** Reads on in the journal from where it stood at its first look. */
export class KillReader {
  readonly #ask: AskJournal;
  #cursor: string | undefined;
  /** Whether the logs of the system can be read; absent before the first look. */
  #sees: boolean | undefined;
  #askedMs = 0;
  #counts: string | undefined;
  #machine = 0;

  constructor(ask: AskJournal = askJournal) {
    this.#ask = ask;
  }

  /** Kills since the last time; none where nothing suggests that there are any. */
  async read(sample: MachineSample): Promise<MemoryKill[]> {
    const risen = this.#risen(sample);
    if (this.#sees === undefined) {
      await this.#begin(sample.atMs);
      return [];
    }
    const isDue = Math.abs(sample.atMs - this.#askedMs) >= KILLERS_MS;
    if (risen === 0 && !(isDue && hasKillers(sample))) return [];
    this.#askedMs = sample.atMs;
    const kills: MemoryKill[] = [];
    for (let count = 1; ; count += 1) {
      kills.push(...(await this.#readOn(this.#sees)));
      const named = kills.filter(({ by }) => by === 'kernel').length;
      if (named >= risen || count === TRIES) return kills;
      await sleep(TRY_MS);
    }
  }

  /** How far counters rose; at least 1 where any changed. */
  #risen({ oomKills = 0, units }: MachineSample): number {
    const counts = units.map(({ cgroup, events }) => `${cgroup} ${events.oomKill ?? 0}`);
    const killed = counts
      .filter((text) => !text.endsWith(' 0'))
      .sort()
      .join('\n');
    const machine = Math.max(0, oomKills - this.#machine);
    const isFirst = this.#counts === undefined;
    const known = new Set(this.#counts?.split('\n'));
    const isNew = killed !== '' && killed.split('\n').some((each) => !known.has(each));
    this.#counts = killed;
    this.#machine = oomKills;
    return isFirst ? 0 : Math.max(machine, isNew ? 1 : 0);
  }

  async #begin(atMs: number): Promise<void> {
    this.#askedMs = atMs;
    const kernel = await this.#ask([
      '--output=json',
      '--output-fields=_PID',
      '--lines=1',
      '_TRANSPORT=kernel',
    ]);
    this.#sees = parseEntries(kernel ?? '').length > 0;
    const last = await this.#ask(['--output=json', '--output-fields=_PID', '--lines=1']);
    this.#cursor = lastCursor(parseEntries(last ?? ''));
  }

  async #readOn(sees: boolean): Promise<MemoryKill[]> {
    const since = this.#cursor === undefined ? ['--lines=500'] : [`--after-cursor=${this.#cursor}`];
    const options = ['--output=json', `--output-fields=${KILL_FIELDS.join()}`, '--boot'];
    const text = await this.#ask([...options, ...since, ...KILL_MATCHES]);
    const entries = parseEntries(text ?? '');
    this.#cursor = lastCursor(entries) ?? this.#cursor;
    return killsIn(entries, sees);
  }
}

function hasKillers({ processes }: MachineSample): boolean {
  return processes.some(({ comm }) => KILLERS.includes(comm));
}

function askJournal(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('journalctl', ['--quiet', '--no-pager', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: JOURNAL_MS,
      killSignal: 'SIGKILL',
    });
    const pieces: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= MOST_BYTES) pieces.push(piece);
    });
    child.on('error', () => resolve(undefined));
    child.on('close', () => resolve(Buffer.concat(pieces).toString()));
  });
}
