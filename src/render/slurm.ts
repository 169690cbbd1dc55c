/** What `run --on slurm` says besides what every run says. */
import type { Machine } from '../model/index.js';
import { counted } from '../text/counted.js';
import { printable } from '../text/safe.js';
import { humanBytes } from './figures.js';
import { wrap } from './run.js';

/** For which node shares became figures. */
export function renderSizedFor(
  name: string | undefined,
  { cpus, memory }: Machine,
  partition: string | undefined,
): string {
  const has = `${counted(cpus, 'CPU')}, ${humanBytes(memory)}`;
  if (name === undefined) return wrap(`rlimit: note: sized for a node with ${has}`);
  const where = printable(`${name} (${has}), the smallest node of partition ${partition}`);
  return wrap(`rlimit: note: sized for ${where}`);
}

/** The name of a run together with its place: `rlimit-x (step 12.0 of Slurm on n1)`. */
export function renderPlaceOf(name: string, step: string, node: string | undefined): string {
  return printable(`${name} (step ${step} of Slurm${node === undefined ? '' : ` on ${node}`})`);
}

/** Said when a signal came before the command was started. */
export function renderNeverStarted(signal: string): string {
  return `rlimit: not started: ${signal} came while Slurm had not started it yet`;
}
