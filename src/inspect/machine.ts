import { readMachine } from '../machine/index.js';
import type { Machine } from '../model/index.js';
import { systemdVersion } from '../systemd/version.js';

/** This machine with the version of its systemd, where one is found. */
export function machineOf(env: NodeJS.ProcessEnv): Machine {
  const systemd = systemdVersion(env);
  return { ...readMachine(), ...(systemd === undefined ? {} : { systemd }) };
}
