import type { Finding } from '../model/index.js';
import type { ManagerKind } from '../systemd/client.js';

/** The experiments, in the order in which they are made. */
export const EXPERIMENTS = [
  'memory-max',
  'memory-swap-max',
  'bystander',
  'oom-policy',
  'memory-high',
  'cpu-quota',
  'tasks-max',
  'allowed-cpus',
  'io-weight',
  'systemd-oomd',
  'earlyoom',
] as const;

export type ExperimentName = (typeof EXPERIMENTS)[number];

/**
 * How an experiment ended. `held`: the kernel was seen to enforce it. `failed`: it was seen not to.
 * `inert`: the kernel has nothing that could enforce it here. `not-applicable`: this machine has
 * nothing to try it on. `refused`: it was not tried, since it could harm or could not be set up.
 */
export type ProofVerdict = 'held' | 'failed' | 'inert' | 'not-applicable' | 'refused';

/** What was seen, and what follows from it. */
export interface Judgement {
  verdict: ProofVerdict;
  /** The figures, as a phrase. */
  measured: string;
  findings: Finding[];
}

/** One experiment and its end. */
export interface Proof extends Judgement {
  name: ExperimentName;
  /** What is claimed, as a phrase. */
  title: string;
  /** What had to be seen for the claim to hold. */
  expected: string;
}

/** The machine that the experiments were made on. */
export interface Host {
  name: string;
  /** Release of the running kernel. */
  kernel: string;
  systemd?: number;
  /** MemTotal, MemAvailable at the beginning, SwapTotal in bytes. */
  memory: number;
  available?: number;
  swap: number;
  cpus: number;
}

/** All experiments of one call. */
export interface ProofReport {
  /** ISO 8601. */
  date: string;
  host: Host;
  /** Whose service manager the scopes were made by. */
  manager: ManagerKind;
  proofs: Proof[];
  /** Units of ours that could not be removed. */
  left: string[];
}
