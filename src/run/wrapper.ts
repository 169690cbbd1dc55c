import type { StartedWith } from './started-with.js';

/** The word that lets a command waiting at the gate start. */
export const GO = 'go';

/**
 * The command line that runs inside the new scope. A shell waits at the gate until the limits of
 * its cgroup have been read back, puts back what Node changed, and becomes the command: same PID,
 * and nothing of ours stays behind.
 * @param gate descriptor (3 to 9) of a socket to rlimit
 * @param env the environment the command is to have
 */
export function wrapCommand(
  command: readonly string[],
  {
    gate,
    startedWith,
    env,
    cwd,
  }: {
    gate: number;
    startedWith: StartedWith;
    env: NodeJS.ProcessEnv;
    cwd: string;
  },
): string[] {
  const script = [
    // Whoever reads the gate learns that the scope exists; without an answer nothing is started.
    `printf . >&${gate}`,
    `read -r RLIMIT_GATE <&${gate} && [ "$RLIMIT_GATE" = ${GO} ] || exit 125`,
    `exec ${gate}>&-`,
    'unset RLIMIT_GATE',
    ...putBack(startedWith),
    'exec "$@"',
  ].join('\n');
  return ['/bin/sh', '-c', script, 'sh', ...throughEnv(env, cwd), ...command];
}

/** Lines of a shell that put back what Node changed. */
export function putBack({ ignoredSignals, noFile, core }: StartedWith): string[] {
  return [
    ...(ignoredSignals.length > 0 ? [`trap '' ${ignoredSignals.join(' ')}`] : []),
    ...(noFile === undefined ? [] : [`ulimit -Sn ${noFile}`]),
    ...(core === undefined ? [] : [`ulimit -Sc ${core}`]),
  ];
}

/** Variables that a shell sets for itself, whatever the environment says (dash, bash). */
const SET_BY_SHELLS = new Set(['IFS', 'OPTIND', 'PPID']);

/**
 * A shell does not hand on its environment unchanged: dash drops variables whose names are no
 * shell names (bash's exported functions are such), and shells set some themselves and correct
 * PWD. Where that would show, env(1) sets things right after the shell.
 */
export function throughEnv(env: NodeJS.ProcessEnv, cwd: string): string[] {
  const restored = Object.entries(env)
    .filter(([name, value]) => !survivesShell(name) || (name === 'PWD' && value !== cwd))
    .map(([name, value]) => `${name}=${value}`);
  const unset = env.PWD === undefined ? ['-u', 'PWD'] : [];
  if (restored.length + unset.length === 0) return [];
  return ['/usr/bin/env', ...unset, ...restored];
}

function survivesShell(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !SET_BY_SHELLS.has(name);
}
