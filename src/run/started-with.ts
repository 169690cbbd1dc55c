/**
 * What this process was started with, before a shell and Node changed it. `bin/run.js` begins as a
 * shell script that notes it in one variable: Node raises the soft limit of open files, sets all
 * signals to their defaults and marks inherited descriptors close-on-exec, and the shell drops
 * variables whose names it does not understand.
 */

/** The variable in which bin/run.js passes it on. */
const VARIABLE = 'RLIMIT_STARTED_WITH';

export interface StartedWith {
  /** Soft RLIMIT_NOFILE, as `ulimit -Sn` takes it. */
  noFile?: string;
  /** Soft RLIMIT_CORE in 1024-byte units or `unlimited`, as `ulimit -Sc` takes it. */
  core?: string;
  /** Numbers of the signals that were ignored. */
  ignoredSignals: number[];
  /** Open file descriptors above 2 that a child is meant to inherit. */
  descriptors: number[];
  /** The environment as the caller gave it. */
  env: NodeJS.ProcessEnv;
}

/** Reads the note and removes it from the environment, so that no command ever sees it. */
export function takeStartedWith(env: NodeJS.ProcessEnv): StartedWith {
  const note = env[VARIABLE];
  delete env[VARIABLE];
  const [noFile, core, ignored, descriptors, environ] = (note ?? '').split(' ');
  return {
    ...(noFile ? { noFile } : {}),
    ...(core ? { core: blocksOfCore(core) } : {}),
    ignoredSignals: signalsOfMask(ignored || '0'),
    descriptors: (descriptors ?? '').split(',').filter(Boolean).map(Number),
    env: environ ? parseEnviron(Buffer.from(environ, 'base64').toString()) : env,
  };
}

/** /proc/PID/environ: `NAME=value` entries, each ended by a NUL. The first of a name counts. */
function parseEnviron(text: string): NodeJS.ProcessEnv {
  const entries = text.split('\0').filter((entry) => entry.includes('='));
  const pairs = entries.map((entry): [string, string] => {
    const equals = entry.indexOf('=');
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs.reverse());
}

/** /proc/self/limits counts bytes, `ulimit -c` of dash 512-byte blocks. */
function blocksOfCore(bytes: string): string {
  return bytes === 'unlimited' ? bytes : String(Math.ceil(Number(bytes) / 512));
}

/** Bit n-1 of the mask in /proc/PID/status is signal n. */
function signalsOfMask(hex: string): number[] {
  const mask = BigInt(`0x${hex}`);
  return Array.from({ length: 64 }, (_, bit) => bit + 1).filter(
    (signal) => (mask >> BigInt(signal - 1)) & 1n,
  );
}
