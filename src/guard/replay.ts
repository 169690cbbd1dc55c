/** Recorded samples, decided anew. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../errors/index.js';
import type { MachineSample } from '../model/index.js';
import { isNumber, isObject } from '../state/check.js';
import { decide } from './decide/decide.js';
import { type Action, type GuardState, initialState, type Scene } from './decide/types.js';
import type { GuardSettings } from './settings/settings.js';

/** What one sample led to; samples that lead to nothing are left out. */
export interface ReplayedStep {
  /** Number of the sample, from 1 on, and its time on the machine's own clock. */
  sample: number;
  atMs: number;
  /** Available memory, in percent. */
  available: number;
  actions: Action[];
  why: string[];
}

export interface Replay {
  scene: Scene;
  samples: number;
  steps: ReplayedStep[];
  /** As it is after the last sample. */
  state: GuardState;
}

/**
 * Decides on every sample of a trace as the guard would have.
 * @throws {UsageError} for a file that is no trace
 */
export function replayTrace(file: string, settings: GuardSettings): Replay {
  const lines = readLines(file);
  const scene = sceneOf(parseLine(lines[0] ?? '', file, 1), file);
  let state = initialState(scene);
  const steps: ReplayedStep[] = [];
  for (const [index, line] of lines.slice(1).entries()) {
    const sample = sampleOf(parseLine(line, file, index + 2), file, index + 2);
    const decision = decide(state, sample, settings);
    ({ state } = decision);
    const { actions, why } = decision;
    if (actions.length === 0 && why.length === 0) continue;
    const { total, available } = sample.memory;
    const percent = Math.round((available / total) * 1000) / 10;
    steps.push({ sample: index + 1, atMs: sample.atMs, available: percent, actions, why });
  }
  return { scene, samples: lines.length - 1, steps, state };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    throw new UsageError(`the trace cannot be read: ${(error as Error).message}`);
  }
}

function parseLine(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw notATrace(file, number, 'it is not whole JSON');
  }
}

function sceneOf(data: unknown, file: string): Scene {
  const scene = isObject(data) ? data.scene : undefined;
  if (!isObject(scene) || !isNumber(scene.self) || !isNumber(scene.uid)) {
    throw notATrace(file, 1, 'a trace begins with its scene');
  }
  const admins = Array.isArray(scene.admins) ? scene.admins.filter(isNumber) : [];
  return { self: scene.self, uid: scene.uid, admins };
}

function sampleOf(data: unknown, file: string, number: number): MachineSample {
  const isSample =
    isObject(data) &&
    isNumber(data.atMs) &&
    isObject(data.memory) &&
    isNumber(data.memory.total) &&
    isNumber(data.memory.available) &&
    Array.isArray(data.processes) &&
    Array.isArray(data.units);
  if (!isSample) throw notATrace(file, number, 'it is no sample of a machine');
  return data as unknown as MachineSample;
}

function notATrace(file: string, line: number, why: string): UsageError {
  return new UsageError(`${file}:${line}: ${why}`, {
    why: 'A trace is what `rlimit guard run --trace FILE` writes.',
  });
}
