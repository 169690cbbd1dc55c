/** One step, from srun's start to its end. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CannotRunError } from '../../errors/index.js';
import { monotonicMs } from '../../machine/clock.js';
import { type Begun, type Ended, isOfSlurm, parseReport, wrapStep } from '../../slurm/index.js';
import type { Received } from '../../verdict/index.js';
import type { RunContext } from '../context.js';
import type { Ending } from '../launch.js';
import type { Log } from '../log.js';
import { writeAll } from '../output.js';
import { Signals } from '../signals.js';
import { putBack, throughEnv } from '../wrapper.js';
import { ReportFilter } from './filter.js';
import type { SlurmPlan } from './plan.js';

/** What was seen of a step from here. */
export interface StepSeen {
  /** How srun ended. */
  srun: Ending;
  begun?: Begun;
  ended?: Ended;
  /** From the report of the step to its end. */
  elapsedMs: number;
  /** Lines that srun and slurmstepd wrote, the latest. */
  words: string[];
  received: readonly Received[];
}

interface StepOptions {
  context: RunContext;
  strict: boolean;
  log: Log | undefined;
  /** Called when the step has told what holds it, before the command's first output. */
  onBegun(begun: Begun): void;
}

/** The line of srun, around the command. */
export function srunArgv({ options }: SlurmPlan, command: readonly string[]): string[] {
  return ['srun', ...options, '--', ...command];
}

/** @throws {CannotRunError} when srun cannot be started */
export async function runStep(plan: SlurmPlan, stepOptions: StepOptions): Promise<StepSeen> {
  const { context, strict, log, onBegun } = stepOptions;
  const word = `rlimit-${randomBytes(12).toString('hex')}`;
  const { memory, cpus } = plan.asked;
  const env = environmentOf(plan, context.env);
  const through = throughEnv(env, context.cwd);
  const wrapped = wrapStep([...through, ...plan.command], {
    word,
    wanted: {
      strict,
      ...(memory === undefined ? {} : { memory }),
      ...(cpus === undefined ? {} : { cpus }),
    },
  });
  // srun hands limits and signal dispositions of its own on to the step: it gets those of the caller.
  const script = [...putBack(context.startedWith), 'exec "$@"'].join('\n');
  const child = spawn(
    '/bin/sh',
    ['-c', script, 'sh', ...through, ...srunArgv(plan, wrapped)],
    // Nothing is taken out of stdout, and what Node has not looked at stays as it is.
    { env, cwd: context.cwd, stdio: ['inherit', log === undefined ? 'inherit' : 'pipe', 'pipe'] },
  );
  const signals = new Signals(child);
  const closed = new Promise<Ending>((resolve, reject) => {
    child.once('error', (cause) => reject(notStarted(cause)));
    child.once('close', (status, signal) => {
      resolve(signal === null ? { status: status ?? 0 } : { signal });
    });
  });
  const seen: Pick<StepSeen, 'begun' | 'ended'> = {};
  let begunMs = monotonicMs();
  const words: string[] = [];
  if (child.stdout !== null) log?.copy(child.stdout, 1);
  const copied = copyStderr(child.stderr as Readable, {
    word,
    log,
    words,
    onReport: (line) => {
      const report = parseReport(line);
      if (report === undefined) return;
      if ('end' in report) seen.ended = report.end;
      else {
        seen.begun = report.begin;
        begunMs = monotonicMs();
        onBegun(report.begin);
      }
    },
  });
  const srun = await closed;
  copied();
  const elapsedMs = Math.round(monotonicMs() - begunMs);
  return { srun, ...seen, elapsedMs, words, received: signals.received };
}

/** Memory that a surrounding job names per CPU would contradict the profile's (srun(1)). */
const CONTRADICTING = ['SLURM_MEM_PER_CPU', 'SLURM_MEM_PER_GPU', 'SLURM_MEM_PER_NODE'];

function environmentOf({ environment, asked }: SlurmPlan, env: NodeJS.ProcessEnv) {
  const merged = { ...env, ...environment };
  if (asked.properties.MemoryMax !== undefined) {
    for (const name of CONTRADICTING) delete merged[name];
  }
  return merged;
}

/** How many lines of srun are kept, and of how many bytes each. */
const WORDS_KEPT = 30;
const WORD_BYTES = 1000;

/**
 * Hands stderr on without the report.
 * @returns to be called at the end of the stream
 */
function copyStderr(
  from: Readable,
  {
    word,
    log,
    words,
    onReport,
  }: { word: string; log: Log | undefined; words: string[]; onReport(line: string): void },
): () => void {
  const filter = new ReportFilter(word);
  let line = '';
  const handOn = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    log?.keep(bytes);
    pass(bytes, from);
  };
  const note = (bytes: Buffer): void => {
    const lines = (line + bytes.toString('latin1')).split('\n');
    line = (lines.pop() ?? '').slice(0, WORD_BYTES);
    words.push(...lines.filter(isOfSlurm));
    words.splice(0, Math.max(0, words.length - WORDS_KEPT));
  };
  from.on('data', (bytes: Buffer) => {
    const { pass: rest, reports } = filter.push(bytes);
    for (const report of reports) onReport(report);
    note(rest);
    handOn(rest);
  });
  return () => handOn(filter.flush());
}

/** A reader that went away is told to srun as it would be without us. */
function pass(bytes: Buffer, from: Readable): void {
  try {
    writeAll(2, bytes);
  } catch {
    from.destroy();
  }
}

function notStarted(cause: Error): CannotRunError {
  return new CannotRunError('srun could not be started', { why: cause.message });
}
