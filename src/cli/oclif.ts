import { execute } from '@oclif/core';

/** Hands the command line to oclif, which finds the verb, parses its flags and prints help. */
export async function runOclif(): Promise<void> {
  await execute({ dir: import.meta.url });
}
