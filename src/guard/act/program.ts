import { spawn } from 'node:child_process';

/** How a program ended: `status` is absent where it could not be started or was ended. */
export interface Ran {
  status?: number;
  stdout: string;
  stderr: string;
}

/** As much of an output is kept. */
const MOST_OUTPUT = 64 * 1024;

/** Runs a program of the system's in its plainest language; it never throws. */
export type RunProgram = (argv: readonly string[]) => Promise<Ran>;

export const runProgram: RunProgram = ([program = '', ...args]) =>
  new Promise((resolve) => {
    const ran: Ran = { stdout: '', stderr: '' };
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_URLIFY: '0' },
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        if (ran[stream].length < MOST_OUTPUT) ran[stream] += text;
      });
    }
    child.once('error', ({ message }) => resolve({ ...ran, stderr: message }));
    child.once('close', (status) => resolve(status === null ? ran : { ...ran, status }));
  });

/** What a program said about its failure, on one line. */
export function saidBy({ stderr, status }: Ran): string {
  const [line = ''] = stderr.trim().split('\n');
  return line === '' ? `it ended with ${status ?? 'a signal'}` : line;
}
