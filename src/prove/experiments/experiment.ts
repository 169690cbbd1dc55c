import type { Lab } from '../lab.js';
import type { ExperimentName, Judgement } from '../types.js';

/** One experiment: what it claims, and how it is tried. */
export interface Experiment {
  name: ExperimentName;
  title: string;
  expected: string;
  /**
   * @param patient whether it was asked for by name, so that it may take its time
   * @throws {ExperimentError} when it cannot be carried out
   */
  run(lab: Lab, options: { patient: boolean }): Promise<Judgement>;
}
