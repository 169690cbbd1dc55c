/** Options that several verbs share. */
import { Flags } from '@oclif/core';
import { readMachine } from '../machine/index.js';
import { readSwapMedium } from '../machine/swap.js';
import type { Machine } from '../model/index.js';
import { parseMachineOverride } from '../profiles/machine-override.js';
import { systemdVersion } from '../systemd/version.js';

export const machineFlag = Flags.string({
  description: 'answer for another machine, such as cores=36,memory=252G',
  helpValue: 'KEYS',
});

export const projectFlag = Flags.boolean({
  description: "the project's file (.rlimit.yaml) instead of your own",
});

/** This machine, or the one that `--machine` describes. */
export function machineFor(override: string | undefined): Machine {
  return overridden(readMachine(), override);
}

/** The same with what lints want to know besides: systemd's version, and what swap lies on. */
export function lintFactsFor(override: string | undefined): { machine: Machine; uid: number } {
  const systemd = systemdVersion();
  const swapOn = readSwapMedium();
  const here = {
    ...readMachine(),
    ...(systemd === undefined ? {} : { systemd }),
    ...(swapOn === undefined ? {} : { swapOn }),
  };
  return { machine: overridden(here, override), uid: process.getuid?.() ?? 0 };
}

function overridden(here: Machine, override: string | undefined): Machine {
  return override === undefined ? here : parseMachineOverride(override, here);
}
