import type { MachineSample } from '../model/index.js';
import { Sampler } from '../sampler/index.js';
import { decide } from './decide/decide.js';
import { type Decision, initialState } from './decide/types.js';
import { readScene } from './scene.js';
import type { GuardSettings } from './settings/settings.js';

/** What a guard would do at this moment, were it started: nothing is touched. */
export interface Preview {
  dryRun: true;
  uid: number;
  /** Bytes. */
  memory: MachineSample['memory'];
  actions: Decision['actions'];
  why: string[];
}

/** @throws {UnavailableError} where /proc/meminfo cannot be read */
export function previewGuard(settings: GuardSettings, env = process.env): Preview {
  const scene = readScene();
  const sampler = new Sampler({ env, details: Number.POSITIVE_INFINITY });
  const sample = sampler.sample();
  sampler.close();
  const { actions, why } = decide(initialState(scene), sample, settings);
  return { dryRun: true, uid: scene.uid, memory: sample.memory, actions, why };
}
