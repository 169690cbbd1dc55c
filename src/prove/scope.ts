import { type ChildProcess, spawn } from 'node:child_process';
import {
  cgroupOf,
  type KernelFiles,
  killAtOnce,
  parseFlatKeyed,
  processesIn,
  readCgroupFile,
  readLimitFiles,
  tolerantly,
} from '../cgroup/index.js';
import { filesToVerify, type KernelContext, verifyKernel } from '../inspect/index.js';
import type { Finding } from '../model/index.js';
import { BEAT, READY } from './programs.js';
import { until } from './until.js';

/** What stands in the way of an experiment; the experiment tells it, and the others go on. */
export class ExperimentError extends Error {
  override name = 'ExperimentError';
}

/** How long a scope may take to come into being: emulated machines are slow. */
const START_MS = 20_000;
/** Of what a program says on stderr, as much is kept. */
const MOST_SAID = 2000;

export interface ScopeStart {
  unit: string;
  /** The systemd-run line with the program in it. */
  argv: readonly string[];
  /** systemd property name → value, as asked for. */
  properties: Readonly<Record<string, string>>;
  env: NodeJS.ProcessEnv;
  contextFor(cgroup: string): KernelContext;
  signal: AbortSignal;
}

/** A scope in a slice of its own, with a program that waits for `go`. */
export class TrialScope {
  readonly unit: string;
  readonly #asked: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;
  readonly #contextFor: ScopeStart['contextFor'];
  /** Lines of the program, with when they came (performance.now()). */
  readonly #lines: { text: string; atMs: number }[] = [];
  #said = '';
  #failure: string | undefined;
  #hasEnded = false;
  #cgroup = '';
  /** What the kernel held when last looked at. */
  #files: KernelFiles = {};

  /**
   * Starts it and waits until its program is at the gate.
   * @throws {ExperimentError} when there is no such scope in time
   */
  static async start(start: ScopeStart): Promise<TrialScope> {
    const scope = new TrialScope(start);
    const isThere = () => scope.#hasEnded || scope.heard(READY) !== undefined;
    try {
      await until(isThere, { timeoutMs: START_MS, signal: start.signal });
      if (scope.heard(READY) === undefined) throw new ExperimentError(scope.#whyNot());
    } catch (error) {
      // Without its process systemd makes no scope any more.
      scope.kill();
      throw error;
    }
    scope.#cgroup = cgroupOf(scope.pid) ?? '';
    if (!scope.#cgroup.endsWith(`/${scope.unit}`)) {
      scope.kill();
      throw new ExperimentError(`its program is in ${scope.#cgroup || 'no cgroup'}`);
    }
    scope.look();
    return scope;
  }

  private constructor({ unit, argv, properties, env, contextFor }: ScopeStart) {
    this.unit = unit;
    this.#asked = properties;
    this.#contextFor = contextFor;
    const [program = '', ...args] = argv;
    // A process group of its own: Ctrl-C reaches rlimit alone, which then ends all this.
    this.#child = spawn(program, args, { env, stdio: 'pipe', detached: true });
    this.#child.once('error', (error) => this.#end(error.message));
    this.#child.once('close', () => this.#end());
    // It may be killed while it is being written to.
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(0, MOST_SAID);
    });
    let open = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (open + text).split('\n');
      open = lines.pop() ?? '';
      const atMs = performance.now();
      this.#lines.push(...lines.map((line) => ({ text: line, atMs })));
    });
  }

  /** PID of the program; systemd-run becomes it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether the program and all that had its stdout have ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Path of the scope's cgroup. */
  get cgroup(): string {
    return this.#cgroup;
  }

  /** Path of the slice's cgroup, which keeps the counts when the scope has gone. */
  get top(): string {
    return this.#cgroup.slice(0, this.#cgroup.lastIndexOf('/'));
  }

  /** Lets the program begin, or take its next step. */
  go(): void {
    this.#child.stdin?.write('go\n');
  }

  /** When the signs of life came. */
  get beats(): number[] {
    return this.#lines.filter(({ text }) => text === BEAT).map(({ atMs }) => atMs);
  }

  /** The first line that begins so. */
  heard(beginning: string): string | undefined {
    return this.#lines.find(({ text }) => text.startsWith(beginning))?.text;
  }

  /** A file of the slice: counts of the scope, and they stay. */
  counts(file: string): Record<string, number> {
    return keyed(readCgroupFile(this.top, file), file);
  }

  /** Counts of the scope itself: what a limit did is counted where the limit is. */
  own(file: string): Record<string, number> {
    return keyed(this.read(file), file);
  }

  /** One number of the slice; absent where the kernel has no such file. */
  count(file: string): number | undefined {
    const content = readCgroupFile(this.top, file)?.trim();
    return content !== undefined && /^\d+$/.test(content) ? Number(content) : undefined;
  }

  /** A file of the scope itself. */
  read(file: string): string | undefined {
    return readCgroupFile(this.#cgroup, file);
  }

  /** Looks at the limits again, while the scope is there. */
  look(): void {
    const now = readLimitFiles(this.#cgroup, filesToVerify(this.#asked));
    if (Object.keys(now).length > 0) this.#files = now;
  }

  /** What of the asked properties the kernel does not hold, by the last look. */
  findings(): Finding[] {
    return this.findingsOn(this.#asked);
  }

  /** The same of properties that were not asked for: why they could not be. */
  findingsOn(properties: Readonly<Record<string, string>>): Finding[] {
    const context = { ...this.#contextFor(this.#cgroup), unit: this.unit };
    return verifyKernel(properties, this.#files, context);
  }

  /** Whether processes of it are alive. */
  isPopulated(): boolean {
    return this.counts('cgroup.events').populated === 1;
  }

  /** Ends all of it at once. */
  kill(): void {
    if (!this.#cgroup.endsWith(`/${this.unit}`)) {
      this.#child.kill('SIGKILL');
      return;
    }
    if (killAtOnce(this.#cgroup)) return;
    // Before Linux 5.14. Each is in our own cgroup at this moment.
    for (const pid of processesIn(this.#cgroup)) process.kill(pid, 'SIGKILL');
  }

  #end(failure?: string): void {
    this.#failure ??= failure;
    this.#hasEnded = true;
  }

  #whyNot(): string {
    const said = this.#failure ?? this.#said.trim().split('\n')[0];
    if (said) return `${this.unit} did not start: ${said}`;
    return `${this.unit} did not start within ${START_MS / 1000} s`;
  }
}

/** A file that is gone, or makes no sense, has no counts. */
function keyed(content: string | undefined, file: string): Record<string, number> {
  return tolerantly(() => parseFlatKeyed(content ?? '', file)) ?? {};
}
