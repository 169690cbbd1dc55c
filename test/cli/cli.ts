import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';

const executable = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface CliResult {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

/** A home and a project of their own for one test. */
export interface Desk {
  project: string;
  profiles: string;
  /** Runs rlimit in the project. */
  rlimit(args: readonly string[], env?: Record<string, string>): Promise<CliResult>;
  /** Writes a file below the desk and says its path. */
  write(path: string, text: string): string;
}

export function desk(): Desk {
  const root = mkdtempSync(join(tmpdir(), 'rlimit-cli-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const project = join(root, 'project');
  mkdirSync(project);
  return {
    project,
    profiles: join(root, 'config/rlimit/profiles'),
    rlimit: async (args, env = {}) => {
      const { exitCode, stdout, stderr } = await execa(executable, args, {
        cwd: project,
        reject: false,
        env: {
          HOME: root,
          XDG_CONFIG_HOME: join(root, 'config'),
          XDG_STATE_HOME: join(root, 'state'),
          NO_COLOR: '1',
          ...env,
        },
      });
      return { status: exitCode, stdout, stderr };
    },
    write: (path, text) => {
      const full = join(root, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, text);
      return full;
    },
  };
}

/** The shape of a JSON value: what a program that reads it relies on. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const entries = Object.entries(value).map(([key, each]) => [key, shapeOf(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}
