/** What timers are made of where nothing else is said. */

import { stateFile } from '../state/index.js';
import type { ManagerKind } from '../systemd/client.js';
import type { TimerName, TimerOptions } from './units.js';

/** Choices of the user; those that are not made are as usual. */
export interface TimerChoices {
  verifyAt?: string;
  metricsAt?: string;
  textfile?: string;
}

/** When to verify and to collect, where it is not said (systemd.time(7), calendar events). */
export const USUAL_TIMES = { verifyAt: 'daily', metricsAt: 'minutely' } as const;

/** What is set up where nothing is named: metrics need somebody who reads them. */
export function usualTimers(textfile: string | undefined): TimerName[] {
  return textfile === undefined ? ['verify', 'alerts'] : ['verify', 'alerts', 'metrics'];
}

/**
 * The options of units that start this very rlimit.
 * @param program how it is started: absolute paths of node and of its script
 */
export function timerOptions(
  manager: ManagerKind,
  { verifyAt, metricsAt, textfile }: TimerChoices,
  {
    env = process.env,
    program = [process.execPath, process.argv[1] ?? ''],
  }: { env?: NodeJS.ProcessEnv; program?: readonly string[] } = {},
): TimerOptions {
  return {
    program,
    verifyAt: verifyAt ?? USUAL_TIMES.verifyAt,
    metricsAt: metricsAt ?? USUAL_TIMES.metricsAt,
    textfile:
      textfile ??
      (manager === 'system' ? '/var/lib/prometheus/node-exporter' : stateFile('metrics')),
    system: manager === 'system',
    environment: placesOf(env),
  };
}

/** Where settings and logs are, where somebody has them elsewhere: the manager may not know. */
function placesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['XDG_CONFIG_HOME', 'XDG_STATE_HOME'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name] ?? '';
      return value.startsWith('/') ? [[name, value]] : [];
    }),
  );
}
