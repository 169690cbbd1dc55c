/** Nix multiplies: each of `max-jobs` builds has `cores` threads. */
import { JOBS } from '../profiles/body.js';
import { adviseJobs } from '../profiles/jobs.js';
import { jobMemory } from '../profiles/resolve.js';
import type { Lint, Subject } from './subject.js';

/** `all`: every CPU of the machine. */
export type NixCount = number | 'all';

/** Nix's own values where nothing is set: nix.conf(5). */
const NIX_DEFAULTS = { 'max-jobs': 1, cores: 'all' } as const;

/** `max-jobs` and `cores` as NIX_CONFIG or nix.conf says them; the last line of a name wins. */
export function nixSettings(config: string): { 'max-jobs'?: NixCount; cores?: NixCount } {
  const settings: { 'max-jobs'?: NixCount; cores?: NixCount } = {};
  for (const line of config.split('\n')) {
    const [, name, value = ''] =
      /^\s*(max-jobs|cores)\s*=\s*(auto|\d{1,5})\s*(?:#|$)/.exec(line) ?? [];
    if (name === 'max-jobs') settings[name] = value === 'auto' ? 'all' : Number(value);
    else if (name === 'cores' && value !== 'auto') {
      settings.cores = Number(value) === 0 ? 'all' : Number(value);
    }
  }
  return settings;
}

/** More threads than CPUs, by what a profile says in NIX_CONFIG. */
export function lintNix({ profile, limits, machine }: Subject): Lint[] {
  const { jobs: model, environment } = profile;
  const pick = model ? adviseJobs(model, machine, jobMemory(limits, machine)).pick : 1;
  const written = environment.NIX_CONFIG?.replaceAll(JOBS, String(pick));
  const settings = nixSettings(written ?? '');
  if (Object.keys(settings).length === 0) return [];
  const { 'max-jobs': most, cores } = { ...NIX_DEFAULTS, ...settings };
  const number = (count: NixCount) => (count === 'all' ? machine.cpus : count);
  const threads = number(most) * number(cores);
  if (threads <= machine.cpus) return [];
  return [
    {
      id: 'nix-jobs-times-cores',
      severity: 'warning',
      key: 'environment.NIX_CONFIG',
      message:
        `max-jobs (${told(most, machine.cpus)}) × cores (${told(cores, machine.cpus)}) are ` +
        `${threads} threads, and this machine has ${machine.cpus} CPUs`,
      why: 'Each build takes memory for all of its threads, and nothing is left for anything else.',
      remedy: `max-jobs = ${Math.max(1, Math.floor(machine.cores / 2))} and cores = 1`,
    },
  ];
}

function told(count: NixCount, cpus: number): string {
  return count === 'all' ? `all ${cpus}` : String(count);
}
