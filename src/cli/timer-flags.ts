/** Options that the verbs on timers share. */
import { Flags } from '@oclif/core';
import type { ManagerKind } from '../systemd/client.js';

export const managerFlags = {
  user: Flags.boolean({
    default: false,
    description: 'units of your own service manager (the default)',
    exclusive: ['system'],
  }),
  system: Flags.boolean({ default: false, description: 'units of the system, as root' }),
};

export function managerOf({ system }: { system: boolean }): ManagerKind {
  return system ? 'system' : 'user';
}
