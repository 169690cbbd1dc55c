import { afterAll, beforeAll, inject } from 'vitest';
import { connectMachine } from './machine.js';

/** The machine of the suite that the tests run in. Commands left running end with the file. */
export const machine = await connectMachine(inject('suite'), inject('machineSocket'));

afterAll(() => machine.disconnect());

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
