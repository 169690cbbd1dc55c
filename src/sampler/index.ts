/** Samples of the whole machine: what `monitor` shows and exports, and `guard` acts upon. */
export { Sampler, type SamplerOptions } from './sampler.js';
