import { afterAll, beforeAll, inject } from 'vitest';
import { connectMachine } from './machine.js';

/** The machine of the suite that the tests run in. Commands left running end with the file. */
export const machine = await connectMachine(inject('suite'), inject('machineSocket'));

afterAll(() => machine.disconnect());

/**
 * Whether this is the suite for what neither systemd's version nor Node's can change: refusals decided
 * from /proc, the history's file, the queue of the budget, drawing on a terminal. All else runs in every
 * suite. The emulator is slow, and three times the same is no more than once.
 */
export const isMainSuite = machine.suite === 'trixie';

/**
 * What the file before left: commands that were still running are killed with their rlimit, which
 * then cannot clear up. A file begins with none of it.
 */
const clear = [
  'systemctl --user stop "rlimit-*.scope" app-rlimit.slice',
  'systemctl --user reset-failed',
  'rm -f "$XDG_RUNTIME_DIR"/rlimit/*.json "$HOME"/.local/state/rlimit/*',
].join('; ');

beforeAll(async () => {
  await machine.exec(`${clear}; true`);
});
