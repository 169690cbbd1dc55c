/** Options that several verbs share. */
import { Flags } from '@oclif/core';
import { readMachine } from '../machine/index.js';
import type { Machine } from '../model/index.js';
import { parseMachineOverride } from '../profiles/index.js';

export const machineFlag = Flags.string({
  description: 'answer for another machine, such as cores=36,memory=252G',
  helpValue: 'KEYS',
});

export const projectFlag = Flags.boolean({
  description: "the project's file (.rlimit.yaml) instead of your own",
});

/** This machine, or the one that `--machine` describes. */
export function machineFor(override: string | undefined): Machine {
  const here = readMachine();
  return override === undefined ? here : parseMachineOverride(override, here);
}
