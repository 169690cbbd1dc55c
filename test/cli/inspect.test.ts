import { describe, expect, it } from 'vitest';
import { desk } from './cli.js';

// Without a user manager: what can be said before systemd is asked, and that it cannot be.
const NOWHERE = { XDG_RUNTIME_DIR: '', DBUS_SESSION_BUS_ADDRESS: '' };

describe('rlimit inspect --watch', () => {
  it.each([
    [['--interval', '5'], '--interval goes with --watch'],
    [['--watch', '--interval', '0.1'], 'It can be 0.2 to 86400.'],
    [['--watch', '--interval', 'fast'], '"fast" is not a number of seconds'],
    [['--watch', '--strict'], 'go without --processes and --strict'],
    [['--break-stall', '--processes'], 'go without --processes and --strict'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(['inspect', ...args], NOWHERE);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
