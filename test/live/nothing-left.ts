import { expect } from 'vitest';
import { machine } from './machine-under-test.js';

const units =
  "systemctl --user list-units --all --plain --no-legend 'rlimit-*' 'app-rlimit-*' '*.scope' | grep -v ^init";

/** Nothing of ours is left behind: no scope, no slice of a run, no record, nobody in the queue. */
export async function expectNothingLeft(): Promise<void> {
  // rlimit does not wait until what it made is cleared away.
  const { stdout } = await machine.exec(
    `for i in $(seq 50); do [ "$(${units})" ] || break; sleep 0.2; done; ${units}; ` +
      'ls $XDG_RUNTIME_DIR/rlimit | grep -v systemd-version || true',
  );
  expect(stdout).toBe('');
}
