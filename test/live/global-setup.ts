import type { TestProject } from 'vitest/node';
import { ensureHostPackages } from '../setup/host.js';
import { bootMachine } from './machine.js';
import type { Suite } from './suites.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Debian release under test. */
    suite: Suite;
    /** Where the agent of the booted machine is to be reached. */
    machineSocket: string;
  }
}

/** Boot the machine of one suite for all its test files. A failure here fails the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensureHostPackages();
  const { suite } = project.getProvidedContext();
  const machine = await bootMachine(suite);
  // One process at a time can talk to the machine, and now it is the turn of the test files.
  machine.disconnect();
  project.provide('machineSocket', machine.socketPath);
  return () => machine.close();
}
