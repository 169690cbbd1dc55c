import { spawn } from 'node:child_process';

export interface ProgramOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
  timeoutMs: number;
}

/** What of a program's words is kept. */
const MOST_WORDS = 2000;

/**
 * Runs a program without a shell, in a process group of its own; when its time is up, the whole group is
 * killed.
 * @throws {Error} when it is not there, fails, or takes too long, with its first words
 */
export function runProgram(
  [program = '', ...args]: readonly string[],
  { input = '', env = process.env, timeoutMs }: ProgramOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env, detached: true });
    let words = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
      // What it left behind in another group may hold our end of the pipe.
      child.stderr.destroy();
    }, timeoutMs);
    child.stderr.on('data', (piece: Buffer) => {
      if (words.length < MOST_WORDS) words += piece.toString();
    });
    // It need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new Error(`there is no ${program}`) : error);
    });
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      if (isLate) reject(new Error(`${program} took longer than ${timeoutMs / 1000} s`));
      else if (status === 0) resolve();
      // Its words may still be on their way.
      else setImmediate(() => reject(failure(program, status ?? signal, words)));
    });
  });
}

function failure(program: string, end: number | string | null, words: string): Error {
  const said = words.trim().split('\n')[0] ?? '';
  return new Error(`${program} ended with ${end}${said === '' ? '' : `: ${said}`}`);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
