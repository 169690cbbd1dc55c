/**
 * NVIDIA's performance settings: "prefer maximum performance" while the guard runs, and as before after it.
 */
import { type AskProgram, askProgram } from './program.js';

/** How a GPU is set. */
export interface GpuMode {
  index: number;
  uuid: string;
  /** Whether the driver stays loaded without a client; absent where it is not told. */
  persistent?: boolean;
  /** Application clocks in MHz; absent where the GPU has none, or the driver has given them up (580). */
  clocks?: Clocks;
  /** The highest pair that it takes. */
  best?: Clocks;
  /** PowerMizer: 0 adaptive, 1 prefer maximum performance, 2 auto; absent without an X server. */
  powerMizer?: number;
}

export interface Clocks {
  memory: number;
  graphics: number;
}

/** A change of one setting, with the way back. */
export interface PerformanceStep {
  says: string;
  argv: string[];
  undo: string[];
}

export interface PerformancePlan {
  steps: PerformanceStep[];
  /** What cannot be set here, and why. */
  notes: string[];
}

/** What was done, in words, and the lines that take it back, last first. */
export interface PerformanceResult {
  done: string[];
  failed: string[];
  notes: string[];
  undo: string[][];
}

const MAXIMUM = 1;

/**
 * What has to change. PowerMizer's mode is the setting that is meant, and belongs to an X server. Without
 * one there are two that come near: the driver stays loaded, and applications get the highest clocks.
 * Pure.
 */
export function planPerformance(modes: readonly GpuMode[]): PerformancePlan {
  const plan: PerformancePlan = { steps: [], notes: [] };
  for (const mode of modes) {
    if (mode.powerMizer !== undefined) planPowerMizer(mode, plan);
    else planHeadless(mode, plan);
  }
  return plan;
}

function planPowerMizer({ index, powerMizer = 0 }: GpuMode, { steps }: PerformancePlan): void {
  if (powerMizer === MAXIMUM) return;
  const line = (to: number) => ['nvidia-settings', '-a', `[gpu:${index}]/GPUPowerMizerMode=${to}`];
  steps.push({
    says: `GPU ${index}: PowerMizer prefers maximum performance (was mode ${powerMizer})`,
    argv: line(MAXIMUM),
    undo: line(powerMizer),
  });
}

function planHeadless(mode: GpuMode, { steps, notes }: PerformancePlan): void {
  const { index, uuid, persistent, clocks, best } = mode;
  const smi = (...args: string[]) => ['nvidia-smi', '-i', uuid, ...args];
  if (persistent === false) {
    steps.push({
      says: `GPU ${index}: the driver stays loaded (persistence mode)`,
      argv: smi('-pm', '1'),
      undo: smi('-pm', '0'),
    });
  }
  if (clocks === undefined || best === undefined) {
    notes.push(
      `GPU ${index}: PowerMizer is set through an X server and there is none here, and the GPU takes no application clocks: it chooses its clocks itself`,
    );
    return;
  }
  if (clocks.memory === best.memory && clocks.graphics === best.graphics) return;
  const at = ({ memory, graphics }: Clocks) => `${memory},${graphics}`;
  steps.push({
    says: `GPU ${index}: application clocks ${at(best)} MHz (memory, graphics; were ${at(clocks)})`,
    argv: smi('-ac', at(best)),
    undo: smi('-ac', at(clocks)),
  });
}

const FIELDS = [
  ...['index', 'uuid', 'persistence_mode'],
  ...['clocks.applications.memory', 'clocks.applications.graphics'],
].join(',');

/** How the GPUs are set; none where nvidia-smi does not tell. */
export async function readModes({
  ask = askProgram,
  env = process.env,
}: {
  ask?: AskProgram;
  env?: NodeJS.ProcessEnv;
} = {}): Promise<GpuMode[]> {
  const rows = await csv(ask, `--query-gpu=${FIELDS}`);
  const modes: GpuMode[] = [];
  for (const [index = '', uuid = '', persistence = '', memory, graphics] of rows) {
    if (!/^\d+$/.test(index) || !/^GPU-[\w-]+$/.test(uuid)) continue;
    const mode: GpuMode = { index: Number(index), uuid };
    if (/^(En|Dis)abled$/.test(persistence)) mode.persistent = persistence === 'Enabled';
    const clocks = clocksOf(memory, graphics);
    if (clocks !== undefined) mode.clocks = clocks;
    const [highest] = await csv(ask, '--query-supported-clocks=mem,gr', '-i', uuid);
    const best = clocksOf(highest?.[0], highest?.[1]);
    if (best !== undefined) mode.best = best;
    const powerMizer = await powerMizerOf(mode.index, ask, env);
    if (powerMizer !== undefined) mode.powerMizer = powerMizer;
    modes.push(mode);
  }
  return modes;
}

async function csv(ask: AskProgram, ...args: string[]): Promise<string[][]> {
  const answer = await ask(['nvidia-smi', ...args, '--format=csv,noheader,nounits']);
  if (answer.kind !== 'answered' || answer.status !== 0) return [];
  const lines = answer.out.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.split(',').map((cell) => cell.trim()));
}

function clocksOf(memory = '', graphics = ''): Clocks | undefined {
  if (![memory, graphics].every((figure) => /^[1-9]\d*$/.test(figure))) return undefined;
  return { memory: Number(memory), graphics: Number(graphics) };
}

async function powerMizerOf(
  index: number,
  ask: AskProgram,
  { DISPLAY }: NodeJS.ProcessEnv,
): Promise<number | undefined> {
  if (!DISPLAY) return undefined;
  const answer = await ask(['nvidia-settings', '-t', '-q', `[gpu:${index}]/GPUPowerMizerMode`]);
  if (answer.kind !== 'answered' || answer.status !== 0) return undefined;
  const mode = answer.out.trim();
  return /^\d$/.test(mode) ? Number(mode) : undefined;
}

/**
 * Carries a plan out; what fails is said and left as it is.
 * @param keep is given the way back before each step: it has to outlive whoever takes the step
 */
export async function setPerformance(
  { steps, notes }: PerformancePlan,
  keep: (undo: string[][]) => void,
  ask: AskProgram = askProgram,
): Promise<PerformanceResult> {
  const result: PerformanceResult = { done: [], failed: [], notes, undo: [] };
  for (const { says, argv, undo } of steps) {
    keep([undo, ...result.undo]);
    const failure = await failureOf(argv, ask);
    if (failure === undefined) {
      result.done.push(says);
      result.undo.unshift(undo);
    } else result.failed.push(`${says}: ${failure}`);
  }
  keep(result.undo);
  return result;
}

/** Takes the changes back. @returns what could not be, with the reason */
export async function restorePerformance(
  undo: readonly (readonly string[])[],
  ask: AskProgram = askProgram,
): Promise<string[]> {
  const failed: string[] = [];
  for (const argv of undo) {
    const failure = await failureOf(argv, ask);
    if (failure !== undefined) failed.push(`${argv.join(' ')}: ${failure}`);
  }
  return failed;
}

async function failureOf(argv: readonly string[], ask: AskProgram): Promise<string | undefined> {
  const answer = await ask(argv);
  if (answer.kind === 'absent') return `${argv[0]} is not there`;
  if (answer.kind === 'silent') return answer.reason;
  if (answer.status === 0) return undefined;
  const said = `${answer.err}\n${answer.out}`.trim().split('\n')[0] ?? '';
  return said === '' ? `it ended with ${answer.status}` : said;
}
