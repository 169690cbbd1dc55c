/** How `user@.service` is told to give users' managers controllers (systemd.resource-control(5)). */
import { CONTROLLERS } from '../cgroup/index.js';
import type { Controller } from '../model/index.js';

/** The lines of its section [Service]; all controllers where none is named. */
export function delegateLines(controllers: readonly Controller[] = CONTROLLERS): string[] {
  return [`Delegate=${controllers.join(' ')}`];
}
