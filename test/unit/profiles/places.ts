import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Machine } from '../../../src/model/index.js';
import type { Places } from '../../../src/profiles/index.js';
import { parseBytes } from '../../../src/quantity/index.js';

/** A place without any profile file. */
export const nowhere: Places = { cwd: '/nonexistent/project', env: {}, home: '/nonexistent/home' };

/** The machine that the figures of the Coq profiles are given for, with swap. */
export const reference: Machine = machineWith({ cores: 36, cpus: 72, memory: '252G', swap: '8G' });

export function machineWith({
  cores,
  cpus = cores,
  memory,
  swap = '8G',
}: {
  cores: number;
  cpus?: number;
  memory: string;
  swap?: string;
}): Machine {
  return { cores, cpus, memory: Number(parseBytes(memory)), swap: Number(parseBytes(swap)) };
}

/** A place of its own for one test, removed with it. */
export interface Sandbox {
  /** The directory that holds it all. */
  root: string;
  places: Places;
  /** Writes `home/.config/rlimit/profiles/NAME.yaml`, and says its path. */
  user(name: string, text: string | Buffer): string;
  /** Writes the project file, and says its path. */
  project(text: string | Buffer): string;
}

export function sandbox(): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'rlimit-test-'));
  onTestFinished(() => {
    chmodSync(root, 0o700);
    rmSync(root, { recursive: true, force: true });
  });
  const cwd = join(root, 'project', 'src', 'deep');
  mkdirSync(cwd, { recursive: true });
  const write = (path: string, text: string | Buffer) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  const home = join(root, 'home');
  return {
    root,
    places: { cwd, env: {}, home },
    user: (name, text) => write(join(home, '.config/rlimit/profiles', `${name}.yaml`), text),
    project: (text) => write(join(root, 'project', '.rlimit.yaml'), text),
  };
}
