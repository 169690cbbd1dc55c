/** Asking nvidia-smi, once or at its own pace. */
import type { GpuSample } from '../model/machine-sample.js';
import { failureOf, parseGpus } from './parse.js';
import { type AskProgram, askProgram } from './program.js';

/** What is known of the GPUs. */
export type GpuReading =
  /** No nvidia-smi, or no GPU of NVIDIA's: nothing to watch, and nothing wrong. */
  | { kind: 'none' }
  /** There is an nvidia-smi, and it does not answer, with its own words on why. */
  | { kind: 'silent'; reason: string }
  | { kind: 'read'; gpus: GpuSample[]; driver?: string };

/**
 * One call tells all, of every driver since 2012, and besides the programs that compute those that draw,
 * which `--query-compute-apps` leaves out. A field that a driver does not know fails a whole
 * `--query-gpu`; here it is only not there.
 */
const LINE = ['nvidia-smi', '-q', '-x'];

/** Status with which nvidia-smi says that there is no GPU (nvidia-smi(1), RETURN VALUE). */
const NO_DEVICE = 6;

/** Asks once. Never throws: that there is no answer is a reading. */
export async function readGpus(
  ask: AskProgram = askProgram,
  limitMs?: number,
): Promise<GpuReading> {
  const answer = await ask(LINE, limitMs);
  if (answer.kind === 'absent') return { kind: 'none' };
  if (answer.kind === 'silent') return answer;
  const { status, out, err } = answer;
  if (status === NO_DEVICE) return { kind: 'none' };
  if (status !== 0) return { kind: 'silent', reason: failureOf(`${out}\n${err}`) };
  const parsed = parseGpus(out);
  return 'reason' in parsed ? { kind: 'silent', ...parsed } : { kind: 'read', ...parsed };
}

export interface PollerOptions {
  /** Least time between two questions, in milliseconds. */
  periodMs?: number;
  ask?: AskProgram;
}

/** See `pollGpus`. */
export interface GpuPoller {
  /** The last reading; absent before the first. */
  latest(): GpuReading | undefined;
  stop(): void;
}

const PERIOD_MS = 5000;
/** nvidia-smi may work for so much of the time at most: 5 %. Some drivers take seconds to answer. */
const WORK_SHARE = 20;
const LONGEST_MS = 60_000;
/** Where there is no GPU, one may be plugged in or a driver loaded. */
const NOTHING_MS = 300_000;

/**
 * Asks again and again, at a pace of its own: nobody waits for it. The timer keeps no process alive.
 */
export function pollGpus({
  periodMs = PERIOD_MS,
  ask = askProgram,
}: PollerOptions = {}): GpuPoller {
  let latest: GpuReading | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const began = performance.now();
    latest = await readGpus(ask);
    if (stopped) return;
    timer = setTimeout(look, pauseAfter(latest, performance.now() - began, periodMs));
    timer.unref();
  };
  void look();
  return {
    latest: () => latest,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Milliseconds until the next question. Pure. */
export function pauseAfter(reading: GpuReading, tookMs: number, periodMs = PERIOD_MS): number {
  if (reading.kind === 'none') return NOTHING_MS;
  if (reading.kind === 'silent') return LONGEST_MS;
  return Math.min(LONGEST_MS, Math.max(periodMs, tookMs * WORK_SHARE));
}
