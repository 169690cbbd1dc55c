/** Programs of NVIDIA's and of the system's: found on PATH, asked with a time limit. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** How a program ended that was asked. */
export type Answer =
  | { kind: 'answered'; status: number; out: string; err: string }
  /** There is no such program. */
  | { kind: 'absent' }
  /** It did not end in time, was ended by a signal, or said far too much. */
  | { kind: 'silent'; reason: string };

export type AskProgram = (argv: readonly string[], limitMs?: number) => Promise<Answer>;

/** nvidia-smi takes a second or two where the driver has to wake several GPUs first. */
const LIMIT_MS = 10_000;
/** `nvidia-smi -q -x` says about 40 KiB for each GPU. */
const MOST_OUTPUT = 8 * 1024 * 1024;

/**
 * Runs a program and comes back when it has ended, or has been given up: one that hangs in the driver
 * cannot be killed at times, and is not waited for.
 */
export const askProgram: AskProgram = ([program = '', ...args], limitMs = LIMIT_MS) =>
  new Promise((resolve) => {
    const said = { out: '', err: '' };
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const end = (answer: Answer) => {
      clearTimeout(patience);
      resolve(answer);
    };
    const giveUp = (reason: string) => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      end({ kind: 'silent', reason });
    };
    const patience = setTimeout(
      () => giveUp(`${program} did not answer within ${limitMs / 1000} s`),
      limitMs,
    );
    const keep = (stream: 'out' | 'err') => (text: string) => {
      said[stream] += text;
      if (said[stream].length > MOST_OUTPUT) giveUp(`${program} does not stop talking`);
    };
    child.stdout.setEncoding('utf8').on('data', keep('out'));
    child.stderr.setEncoding('utf8').on('data', keep('err'));
    child.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      end(code === 'ENOENT' ? { kind: 'absent' } : { kind: 'silent', reason: message }),
    );
    child.once('close', (status, signal) =>
      end(
        status === null
          ? { kind: 'silent', reason: `${program} was ended by ${signal}` }
          : { kind: 'answered', status, ...said },
      ),
    );
  });

/** Absolute path of a program in one of the absolute directories of PATH. */
export function onPath(
  name: string,
  { PATH = '/usr/sbin:/usr/bin:/sbin:/bin' }: NodeJS.ProcessEnv = process.env,
): string | undefined {
  return PATH.split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path));
}
