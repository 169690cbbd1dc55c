/** The daemon: the loop around a guard, its signals, and its settings file. */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { AlertSettings } from '../alerts/settings.js';
import { readStart } from '../cgroup/process.js';
import { isRlimitError, UnavailableError } from '../errors/index.js';
import { monotonicMs } from '../machine/clock.js';
import type { MachineSample } from '../model/index.js';
import { Sampler } from '../sampler/index.js';
import { Actor } from './act/actor.js';
import { type RunProgram, runProgram } from './act/program.js';
import { Beside } from './beside/beside.js';
import type { DataAction } from './collect/index.js';
import { type Action, initialState } from './decide/types.js';
import { DeedBook } from './deeds.js';
import type { GuardEvent } from './events.js';
import { Glance } from './glance.js';
import { Guard } from './guard.js';
import { Journal, readJournal } from './journal.js';
import { takeGuardLock } from './lock.js';
import { Notifier } from './notify.js';
import { depthOf, pauseMs, sampleEveryMs } from './pace.js';
import { guardDirectory } from './places.js';
import { readScene } from './scene.js';
import { settingsFile } from './settings/places.js';
import { DEFAULT_SETTINGS, type GuardSettings } from './settings/settings.js';
import { type ReadAlertSettings, Teller } from './tell/teller.js';

export interface RunOptions {
  /** A settings file other than the usual one. */
  config?: string;
  /** Where every sample is written, for `guard replay`. */
  trace?: string;
  tell(event: GuardEvent, settings: GuardSettings): void;
  /** Reads a settings file; see `loadSettings`. */
  read?: (file: string) => Promise<GuardSettings>;
  /** Reads the settings of alerts; see `loadAlertSettings`. */
  readAlerts?: ReadAlertSettings;
  env?: NodeJS.ProcessEnv;
  run?: RunProgram;
}

/** How a daemon came to its end. `held`: another guard has the lock. */
export type GuardEnd = { ended: 'told' } | { ended: 'held'; holder?: number };

/**
 * Guards until it is told to end (SIGTERM, SIGINT), and puts everything back then. SIGHUP has the settings
 * read again; a file that is wrong leaves the old ones in force.
 * @throws {SettingsFileError} when the file is wrong at the start
 * @throws {UnavailableError} where there is no directory for the journal, or no flock(1)
 */
export async function runGuard({
  config,
  trace,
  tell,
  read = loadSettings,
  readAlerts = loadAlertSettings,
  env = process.env,
  run = runProgram,
}: RunOptions): Promise<GuardEnd> {
  const scene = readScene();
  const directory = guardDirectory(scene.uid, env);
  if (directory === undefined) {
    throw new UnavailableError('there is no directory where the guard could keep its journal', {
      why: 'XDG_RUNTIME_DIR is not set, and the directory below /tmp is not yours alone.',
    });
  }
  const load = async () => {
    const file = settingsFile(config);
    return file === undefined ? DEFAULT_SETTINGS : read(file);
  };
  const settings = await load();
  const lock = takeGuardLock(directory, scene.uid);
  if (!('release' in lock)) return { ended: 'held', ...lock };
  const ways = { tell, load, readAlerts, env, run };
  const daemon = new Daemon({ config, trace, ...ways, scene, directory, settings });
  try {
    await daemon.run();
  } finally {
    lock.release();
  }
  return { ended: 'told' };
}

/**
 * The settings of a file, or the defaults where there is none. The parser is loaded only for a file.
 * @throws {SettingsFileError}
 */
export async function loadSettings(file: string | undefined): Promise<GuardSettings> {
  if (file === undefined) return DEFAULT_SETTINGS;
  const { readSettingsFile } = await import('./settings/file.js');
  return readSettingsFile(file);
}

/** The settings of alerts; the parser is loaded only for a file. */
async function loadAlertSettings(file: string): Promise<AlertSettings> {
  const { readAlertSettings } = await import('../alerts/settings-file.js');
  return readAlertSettings(file);
}

interface DaemonOptions {
  config: string | undefined;
  trace: string | undefined;
  tell: RunOptions['tell'];
  load(): Promise<GuardSettings>;
  readAlerts: ReadAlertSettings;
  env: NodeJS.ProcessEnv;
  run: RunProgram;
  scene: ReturnType<typeof readScene>;
  directory: string;
  settings: GuardSettings;
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #guard: Guard;
  readonly #journal: Journal;
  readonly #deeds: DeedBook;
  readonly #teller: Teller;
  readonly #sampler: Sampler;
  readonly #glance = new Glance();
  readonly #notifier: Notifier;
  readonly #actor: Actor;
  readonly #resumed: boolean;
  /** The slice of an earlier guard, where that had another name. */
  readonly #oldSlice: string | undefined;
  #beside: Beside | undefined;
  /** Told since the last sample, for the data. */
  #data: DataAction[] = [];
  #sampledMs = Number.NEGATIVE_INFINITY;
  /** How many thresholds were crossed at the last glance, and what the last look took. */
  #depth = 0;
  #costMs = 0;
  #wake: (() => void) | undefined;
  #isOver = false;
  #isReloading = false;

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { directory, scene, settings, env, run } = options;
    const before = readJournal(directory);
    const file = settingsFile(options.config);
    this.#resumed = before !== undefined;
    this.#oldSlice = before?.slice === settings.cgroup_settings.name ? undefined : before?.slice;
    const self = scene.self;
    const guard = { pid: self, startTicks: readStart(self)?.startTicks ?? 0, uid: scene.uid };
    this.#deeds = new DeedBook(directory, guard, { atMs: monotonicMs, time: Date.now });
    this.#journal = new Journal(directory, {
      guard,
      started: Date.now(),
      ...(file === undefined ? {} : { settings: file }),
      state: initialState(scene),
    });
    this.#actor = new Actor({ directory, uid: scene.uid, run });
    this.#notifier = new Notifier(env, run);
    this.#teller = new Teller({
      ...{ read: options.readAlerts, env, uid: scene.uid },
      onTrouble: (why) => this.#tell({ time: Date.now(), event: 'remark', why }),
      onSettings: (tells) => this.#deeds.setTells(tells),
    });
    // Who may be touched hangs on the user and the cgroup of every process.
    this.#sampler = new Sampler({ env, details: Number.POSITIVE_INFINITY });
    this.#guard = new Guard({
      actor: this.#actor,
      journal: this.#journal,
      deeds: this.#deeds,
      settings,
      // What an earlier one has left is gone on with: it is put back as soon as it is not wanted.
      state: { ...initialState(scene), ...before?.state, scene },
      time: Date.now,
      tell: (event) => this.#tell(event),
    });
  }

  async run(): Promise<void> {
    const { scene, trace, config } = this.#options;
    const end = () => this.#end();
    const reload = () => this.#reload();
    process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', reload);
    if (trace !== undefined) writeFileSync(trace, `${JSON.stringify({ scene })}\n`);
    const file = settingsFile(config);
    this.#tell({
      time: Date.now(),
      event: 'started',
      pid: scene.self,
      uid: scene.uid,
      ...(file === undefined ? {} : { settings: file }),
      resumed: this.#resumed,
    });
    if (this.#oldSlice !== undefined) await this.#actor.removeSlice(this.#oldSlice);
    // Memory may be short already, and systemd slow: the slice is not waited for.
    const begun = this.#guard.begin();
    this.#beside = this.#besides();
    void this.#teller.load();
    this.#notifier.ready('guarding');
    while (!this.#isOver) await this.#turn();
    this.#notifier.stopping();
    await begun;
    await this.#beside.stop();
    await this.#guard.end(() => this.#sampler.sample());
    await this.#teller.close();
    if (scene.uid !== 0 && this.#deeds.isEmpty) this.#deeds.clear();
    this.#sampler.close();
    this.#glance.close();
    process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', reload);
  }

  /** One glance, the sample that it may ask for, and the wait for the next. */
  async #turn(): Promise<void> {
    const now = monotonicMs();
    const { settings } = this.#guard;
    const seen = this.#glance.read();
    const costMs = this.#costMs;
    const everyMs = seen === undefined ? 1000 : sampleEveryMs(seen, { settings, costMs });
    const depth = seen === undefined ? 0 : depthOf(seen, settings);
    let memory = seen;
    if (now - this.#sampledMs >= everyMs || depth > this.#depth) {
      this.#sampledMs = now;
      memory = depth > 0 ? this.#lookMeasured().memory : this.#look().memory;
    }
    this.#depth = depth;
    this.#notifier.alive(now);
    const untilDue = this.#sampledMs + everyMs - monotonicMs();
    const pause = memory === undefined ? 1000 : pauseMs(memory, settings);
    await this.#sleep(Math.max(1, Math.min(pause, untilDue)));
  }

  /** What a look took decides how often one is due where memory is short; asking takes a tenth of it. */
  #lookMeasured(): MachineSample {
    const before = process.cpuUsage();
    const sample = this.#look();
    const { user, system } = process.cpuUsage(before);
    this.#costMs = (user + system) / 1000;
    return sample;
  }

  /** A sample and what follows from it. */
  #look(): MachineSample {
    const sample = this.#sampler.sample();
    this.#trace(sample);
    this.#teller.look(sample);
    this.#guard.step(sample);
    this.#teller.settle(this.#guard.state.rung > 0);
    this.#beside?.step(sample, this.#guard.state, this.#data.splice(0));
    return sample;
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async #reload(): Promise<void> {
    if (this.#isReloading) return;
    this.#isReloading = true;
    try {
      const file = settingsFile(this.#options.config);
      await this.#guard.change(await this.#options.load());
      await this.#beside?.change(this.#guard.settings);
      await this.#teller.load();
      const named = file === undefined ? {} : { settings: file };
      this.#tell({ time: Date.now(), event: 'settings', ...named });
    } catch (error) {
      if (!isRlimitError(error)) throw error;
      const problem = [error.message, error.why].filter(Boolean).join('. ');
      this.#tell({ time: Date.now(), event: 'settings', problem });
    } finally {
      this.#isReloading = false;
      this.#notifier.ready('guarding');
    }
  }

  #trace(sample: MachineSample): void {
    const { trace } = this.#options;
    if (trace === undefined) return;
    try {
      appendFileSync(trace, `${JSON.stringify(sample)}\n`);
    } catch (error) {
      this.#options.trace = undefined;
      const why = `the trace ends here: ${(error as Error).message}`;
      this.#tell({ time: Date.now(), event: 'remark', why });
    }
  }

  #besides(): Beside {
    const { scene, directory, settings } = this.#options;
    return new Beside({
      settings,
      uid: scene.uid,
      directory,
      tell: (note) => this.#tell({ time: Date.now(), event: 'note', note }),
    });
  }

  #tell(event: GuardEvent): void {
    if (event.event === 'action' && event.result === 'done') this.#data.push(dataOf(event.action));
    if (event.event === 'note') this.#deeds.note(event.note);
    this.#teller.see(event);
    this.#options.tell(event, this.#guard.settings);
  }
}

function dataOf(action: Action): DataAction {
  const detail = 'why' in action ? action.why : '';
  if (!('process' in action)) return { event: action.do, detail };
  const { pid, comm } = action.process;
  return { event: action.do, pid, name: comm, detail };
}
