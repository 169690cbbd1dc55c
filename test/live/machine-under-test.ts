import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import { connectMachine } from './machine.js';
import { type Suite, wholeVariable } from './suites.js';

/** The machine of the suite that the tests run in. Commands left running end with the file. */
export const machine = await connectMachine(inject('suite'), inject('machineSocket'));

afterAll(() => machine.disconnect());

/** Whether all tests run in all suites; some that take long, and guard what seldom changes, only then. */
export const isWhole = process.env[wholeVariable] !== undefined;

/**
 * Whether a test that one suite is enough for runs in this one. Every suite runs what depends on
 * systemd's version. What rlimit decides from the kernel, of which all have the same, needs only one:
 * refusals from /proc, the history's file, the queue of the budget, drawing on a terminal. The emulator
 * is slow, and a change should not wait for three times the same; `npm test -- --whole` does.
 * @param suite the one that a file has chosen for its tests of this kind, so that all have as much to do
 */
export function isHomeSuite(suite: Suite): boolean {
  return machine.suite === suite || isWhole;
}

/**
 * What the file before left: commands that were still running are killed with their rlimit, which
 * then cannot clear up. A file begins with none of it.
 */
const clear = [
  'systemctl --user stop "rlimit-*.scope" app-rlimit.slice',
  // What set-property changed stays in files when the unit has gone.
  'rm -rf "$XDG_RUNTIME_DIR"/systemd/user.control/*rlimit*',
  'systemctl --user daemon-reload; systemctl --user reset-failed',
  'rm -rf "$XDG_RUNTIME_DIR"/rlimit/*.json "$XDG_RUNTIME_DIR"/rlimit/guard "$HOME"/.local/state/rlimit/*',
].join('; ');

beforeEach(() => {
  machine.takeSpawned();
});

/** A test that failed leaves no command of its own behind to spoil its second try, or the next test. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await Promise.all(machine.takeSpawned().map((process) => process.destroy()));
});

beforeAll(async () => {
  await machine.exec(`${clear}; true`);
});
