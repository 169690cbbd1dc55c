import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { cgroupOf, startGuard } from '../../cgroup/index.js';
import { CannotRunError } from '../../errors/index.js';
import { JobCensus, JobLooker, type JobSource } from '../../jobs/index.js';
import {
  availableOn,
  type Decision,
  FifoTransport,
  Freezer,
  PipeTransport,
  Policy,
  RunSight,
  roomReader,
  Server,
  type Sight,
} from '../../jobserver/index.js';
import {
  renderBeyond,
  renderJobserverEnd,
  renderTooLarge,
  renderTrouble,
} from '../../render/jobserver.js';
import { readRecord } from '../../state/read.js';
import { makeRecordDirectory, recordDirectory } from '../../state/write.js';
import { type JobsSeen, jobSource, seenBy } from '../jobs.js';
import { type Meter, memoryMaxOf, type RunProcesses } from '../launcher.js';
import { say } from '../output.js';
import type { JobserverPlaces } from './places.js';
import type { JobserverPlan } from './plan.js';
import { sharingOf } from './sharing.js';

export interface RunningJobserver {
  /** Descriptors that the command gets: its number, and ours. */
  readonly inherited: readonly (readonly [theirs: number, ours: number])[];
  /** The command has its descriptors. */
  started(): void;
  /** Gives out the first tokens and goes on by itself. @param pid the command, at its gate */
  begin(pid: number, meter: Meter): void;
  /** A signal came: for a while no job is kept from hearing it. */
  release(): void;
  /** What it saw and did, at the end; every job goes on. */
  stop(): JobsSeen;
  /** The line to end with; absent before the end. */
  says(): string | undefined;
  /** Clears up, whether it had begun or not. */
  close(): void;
}

/**
 * Makes what tools get their tokens through.
 * @throws {CannotRunError}
 */
export function openJobserver(places: JobserverPlaces): RunningJobserver {
  const { plan } = places;
  makeDirectory(plan.directory);
  const transport = openTransport(plan);
  let session: Session | undefined;
  return {
    inherited: transport.inherited,
    started: () => transport.started(),
    begin: (pid, meter) => {
      session = new Session(transport, places, { pid, meter });
    },
    release: () => session?.server.release(),
    stop: () => session?.stop() ?? {},
    says: () => session?.says(),
    close: () => {
      session?.stop();
      transport.close();
      rmSync(plan.directory, { recursive: true, force: true });
    },
  };
}

type AnyTransport = PipeTransport | FifoTransport;

/** @throws {CannotRunError} */
function openTransport({ auth, directory }: JobserverPlan): AnyTransport {
  if ('fifo' in auth) return new FifoTransport({ path: auth.fifo });
  return new PipeTransport({ directory, descriptors: [auth.read, auth.write] });
}

/** @throws {CannotRunError} */
function makeDirectory(directory: string): void {
  try {
    makeRecordDirectory(dirname(directory));
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw new CannotRunError(`the jobserver cannot be made in ${directory}`, {
      why: `${(error as Error).message}.`,
      remedy: 'rlimit run without --jobs auto needs none',
    });
  }
}

/** From the start of the command to its end. */
class Session {
  readonly server: Server;
  readonly #census = new JobCensus();
  readonly #looker: JobLooker;
  readonly #places: JobserverPlaces;
  readonly #told = new Set<string>();
  #seen: JobsSeen | undefined;

  constructor(
    transport: AnyTransport,
    places: JobserverPlaces,
    { pid, meter }: { pid: number; meter: Meter },
  ) {
    const { plan, names } = places;
    this.#places = places;
    this.#looker = new JobLooker({ source: freshSource(meter.processes), names });
    const sight = new RunSight({
      looker: this.#looker,
      census: this.#census,
      ...this.#room(pid),
      tokens: () => this.server.out,
    });
    // It passes tokens on as well when rlimit is gone, so for pipes it is there from the beginning.
    const policy = new Policy({ ...plan, style: transport.style });
    const share = sharingOf(places, policy);
    const guard = 'handover' in transport ? startGuard(transport.handover) : undefined;
    const freezer = new Freezer({
      membersOf: (key) => sight.membersOf(key),
      startGuard: () => guard ?? startGuard(),
    });
    this.server = new Server({
      transport,
      freezer,
      policy,
      see: () => sight.see(),
      cap: plan.cap,
      ...(share === undefined ? {} : { share }),
      mayFreeze: () => !this.#isEnding(),
      onLook: (decision, seen) => this.#tell(decision, seen),
      onTrouble: (says) => this.#say(renderTrouble(says)),
    });
    this.server.start();
  }

  says(): string | undefined {
    const figures = this.#seen?.jobserver;
    return figures && renderJobserverEnd(figures);
  }

  stop(): JobsSeen {
    if (this.#seen !== undefined) return this.#seen;
    const jobserver = this.server.stop();
    this.#looker.close();
    this.#seen = { jobserver, ...seenBy(this.#census) };
    return this.#seen;
  }

  /** Where no cgroup holds the run, the kernel counts no memory of it: the processes' own counts. */
  #room(pid: number): Pick<ConstructorParameters<typeof RunSight>[0], 'readRoom' | 'otherwise'> {
    const { launcher, request } = this.#places;
    const limit = memoryMaxOf(request.properties);
    const cgroup = launcher.kind === 'watched' ? undefined : cgroupOf(pid);
    return {
      readRoom: cgroup === undefined ? () => undefined : roomReader(cgroup),
      otherwise: () => ({ limit, free: 'infinity', ...availableOn() }),
    };
  }

  /** Whether `rlimit kill` has noted that it ends the run: what it sends has to be heard. */
  #isEnding(): boolean {
    const { env, request } = this.#places;
    const directory = recordDirectory(env);
    return directory !== undefined && readRecord(directory, request.unit)?.killed !== undefined;
  }

  #tell({ tooLarge, beyond }: Decision, seen: Sight): void {
    if (tooLarge !== undefined) {
      const comm = seen.jobs.find(({ key }) => key === tooLarge.key)?.comm ?? '';
      this.#say(renderTooLarge({ comm, ...tooLarge, limit: seen.limit }), 'large');
    }
    if (beyond > 0) this.#say(renderBeyond(beyond), 'beyond');
  }

  #say(text: string, once = text): void {
    if (this.#places.quiet || this.#told.has(once)) return;
    this.#told.add(once);
    say(text);
  }
}

/** What was true a moment ago is too old to decide who is frozen. */
function freshSource(processes: RunProcesses): JobSource {
  if ('cgroup' in processes) return jobSource(processes);
  return jobSource({ ...processes, members: processes.look });
}
