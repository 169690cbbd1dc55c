import { spawnSync } from 'node:child_process';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { delimiter } from 'node:path';
import { recordDirectory, writeWhole } from '../state/write.js';

/**
 * Major version of the installed systemd (252, 257 …); absent when there is no systemctl. The
 * answer is kept under `$XDG_RUNTIME_DIR/rlimit` for as long as the program file is the same, so
 * that only the first `run` after a login pays for the question.
 */
export function systemdVersion(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const program = findProgram('systemctl', env);
  if (program === undefined) return undefined;
  const directory = recordDirectory(env);
  const known = directory === undefined ? undefined : readCache(directory, program.key);
  if (known !== undefined) return known;
  const { stdout } = spawnSync(program.path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  const version = parseSystemdVersion(stdout ?? '');
  if (version !== undefined && directory !== undefined) {
    writeCache(directory, { key: program.key, version });
  }
  return version;
}

/** Reads the first line of `systemctl --version`: `systemd 257 (257.8-1~deb13u2)`, `systemd 258~rc1`. */
export function parseSystemdVersion(text: string): number | undefined {
  const version = /^systemd (\d{2,5})\b/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}

interface Cache {
  /** The program file: path, time of change and size. */
  key: string;
  version: number;
}

const CACHE = 'systemd-version.json';

function findProgram(
  name: string,
  env: NodeJS.ProcessEnv,
): { path: string; key: string } | undefined {
  for (const directory of (env.PATH ?? '/usr/bin:/bin').split(delimiter)) {
    const path = `${directory}/${name}`;
    const stat = statOf(path);
    if (stat?.isFile()) return { path, key: `${path} ${stat.mtimeMs} ${stat.size}` };
  }
  return undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function readCache(directory: string, key: string): number | undefined {
  try {
    const cache: Partial<Cache> = JSON.parse(readFileSync(`${directory}/${CACHE}`, 'utf8'));
    return cache.key === key && Number.isSafeInteger(cache.version) ? cache.version : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the answer; where that fails, the next run asks again. */
function writeCache(directory: string, cache: Cache): void {
  try {
    writeWhole(directory, CACHE, cache);
  } catch {
    // A full or read-only runtime directory must not stop a run.
  }
}
