/** All checks, in the order in which they are told. */
import type { CheckSpec } from '../spec.js';
import { cgroup } from './cgroup.js';
import { commitment } from './commitment.js';
import { cpus } from './cpus.js';
import { delegation } from './delegation.js';
import { docker } from './docker.js';
import { earlyoom } from './earlyoom.js';
import { files } from './files.js';
import { kills } from './kills.js';
import { bus, linger, manager } from './manager.js';
import { nix } from './nix.js';
import { notifications } from './notifications.js';
import { nvidia } from './nvidia.js';
import { oomd } from './oomd.js';
import { ownUnits } from './own-units.js';
import { pressure } from './pressure.js';
import { swap } from './swap.js';
import { unlimited } from './unlimited.js';
import { users } from './users.js';
import { versions } from './versions.js';

export const CHECKS: readonly CheckSpec[] = [
  ...[cgroup, versions, pressure],
  ...[manager, bus, linger, delegation, files],
  ...[swap, oomd, earlyoom, kills],
  ...[users, docker, unlimited, commitment],
  ...[nix, cpus, ownUnits, notifications, nvidia],
];
