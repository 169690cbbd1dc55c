/** Which process is ended when the memory of a GPU runs out. Pure. */
import type { GpuProcess, GpuSample } from '../model/machine-sample.js';

/** A process to be ended, and why. */
export interface GpuAction {
  pid: number;
  /** As nvidia-smi names it: hostile until printable(). */
  name: string;
  signal: 'SIGTERM' | 'SIGKILL';
  gpu: Pick<GpuSample, 'index' | 'uuid' | 'name'>;
  /** Bytes on this GPU: of the process, of all, and of the GPU. */
  memory: number;
  used: number;
  total: number;
}

/** A GPU that is too full and nobody can be ended for it; said once while that lasts. */
export interface GpuHelpless {
  gpu: Pick<GpuSample, 'index' | 'uuid' | 'name'>;
  used: number;
  total: number;
  why: 'no-process' | 'no-figures' | 'all-protected' | 'does-not-end';
}

/** What is remembered of a GPU from one reading to the next. */
interface Track {
  /** Readings above the threshold in a row. */
  above: number;
  /** Whom what was sent to, and when. */
  ending?: { pid: number; signal: GpuAction['signal']; atMs: number };
  /** Those that SIGKILL did not end: in an uninterruptible sleep of the driver. */
  stuck: number[];
  told?: GpuHelpless['why'];
}

/** By UUID; holds only GPUs that are above their threshold. */
export type GpuTracks = Readonly<Record<string, Track>>;

export interface GpuRules {
  /** Part of the memory, 0 to 1, at which it is too full. */
  threshold: number;
  /** Nothing is done to these. */
  isProtected: (process: GpuProcess) => boolean;
}

export interface GpuDecision {
  tracks: GpuTracks;
  actions: GpuAction[];
  helpless: GpuHelpless[];
}

/** It is full again only after it was this much below the threshold. */
const HYSTERESIS = 0.05;
/** A single figure may be that of a moment: so many readings in a row make it true. */
const READINGS = 2;
/** After SIGTERM so long until SIGKILL, and after that until it is given up. */
const PATIENCE_MS = 15_000;

/** They show the screen, or hold the memory of others: to end them ends all that they serve. */
const SERVERS =
  /(^|\/)(Xorg|X|Xwayland|gnome-shell|gnome-remote-de\S*|kwin_wayland|kwin_x11|sway|weston|mutter|gamescope|nvidia-cuda-mps-(server|control)|nvidia-persistenced)( |$)/;

/**
 * Decides on each GPU (or part of one) for itself, once for each new reading: the largest process that is
 * not protected and whose figure is known gets SIGTERM, and SIGKILL where that does not help. The next one
 * is chosen when a later reading shows that its end did not. No process is signalled twice for two GPUs.
 */
export function decideGpus(
  gpus: readonly GpuSample[],
  before: GpuTracks,
  rules: GpuRules,
  atMs: number,
): GpuDecision {
  const tracks: Record<string, Track> = {};
  const decision: GpuDecision = { tracks, actions: [], helpless: [] };
  for (const gpu of gpus) {
    const track = followed(gpu, before[gpu.uuid], rules.threshold);
    if (track === undefined) continue;
    tracks[gpu.uuid] = track;
    if (track.above >= READINGS) act(gpu, track, rules, atMs, decision);
  }
  return decision;
}

/** The track of a GPU that is too full; absent for another. */
function followed(
  { memoryUsed: used, memoryTotal: total }: GpuSample,
  before: Track | undefined,
  threshold: number,
): Track | undefined {
  if (used === undefined || total === undefined || total <= 0) return undefined;
  const share = used / total;
  if (share >= threshold) return { stuck: [], ...before, above: (before?.above ?? 0) + 1 };
  // Between the two lines nothing begins, and what has begun is not forgotten.
  return share > threshold - HYSTERESIS && before !== undefined
    ? { ...before, above: 0 }
    : undefined;
}

function act(
  gpu: GpuSample,
  track: Track,
  rules: GpuRules,
  atMs: number,
  { actions, helpless }: GpuDecision,
): void {
  const { memoryUsed: used = 0, memoryTotal: total = 0, processes } = gpu;
  const named = { index: gpu.index, uuid: gpu.uuid, name: gpu.name };
  const end = (victim: GpuProcess, signal: GpuAction['signal']) => {
    const { pid, name, memory = 0 } = victim;
    track.ending = { pid, signal, atMs };
    if (actions.some((action) => action.pid === pid)) return;
    actions.push({ pid, name, signal, gpu: named, memory, used, total });
  };
  const { ending } = track;
  const dying = processes.find(({ pid }) => pid === ending?.pid);
  if (ending !== undefined && dying !== undefined) {
    if (atMs - ending.atMs < PATIENCE_MS) return;
    if (ending.signal === 'SIGTERM') {
      end(dying, 'SIGKILL');
      return;
    }
    track.stuck = [...track.stuck, dying.pid];
  }
  delete track.ending;
  const [victim] = candidates(processes, track, rules);
  if (victim !== undefined) {
    delete track.told;
    end(victim, 'SIGTERM');
    return;
  }
  const why = helplessness(processes, track, rules);
  if (track.told === why) return;
  track.told = why;
  helpless.push({ gpu: named, used, total, why });
}

/** Whose end would help, the largest first; of two as large the younger one, which has lost less. */
function candidates(
  processes: readonly GpuProcess[],
  { stuck }: Track,
  { isProtected }: GpuRules,
): GpuProcess[] {
  return processes
    .filter((process) => (process.memory ?? 0) > 0 && !stuck.includes(process.pid))
    .filter((process) => !isServer(process) && !isProtected(process))
    .sort((a, b) => (b.memory ?? 0) - (a.memory ?? 0) || b.pid - a.pid);
}

function isServer({ name, type }: GpuProcess): boolean {
  return SERVERS.test(name) || type === 'M';
}

function helplessness(
  processes: readonly GpuProcess[],
  { stuck }: Track,
  { isProtected }: GpuRules,
): GpuHelpless['why'] {
  if (processes.length === 0) return 'no-process';
  const open = processes.filter((process) => !isServer(process) && !isProtected(process));
  if (open.length === 0) return 'all-protected';
  return open.some(({ pid }) => stuck.includes(pid)) ? 'does-not-end' : 'no-figures';
}
