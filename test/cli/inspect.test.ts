import { describe, expect, it } from 'vitest';
import { desk } from './cli.js';

// Without a user manager: what can be said before systemd is asked, and that it cannot be.
const NOWHERE = { XDG_RUNTIME_DIR: '', DBUS_SESSION_BUS_ADDRESS: '' };

describe('rlimit inspect --profile', () => {
  it.each([
    [['--profile', 'nix-daemon'], '--profile goes with the names of units'],
    [['a.service', '--profile', 'nix-daemon', '--watch'], '--profile goes with the names of units'],
    [['a.service', '--machine', 'cores=8'], '--machine goes with --profile'],
    [['a.service', '--profile', 'nix-deamon'], 'Did you mean nix-daemon?'],
    [['a.service', '--profile', 'nix-daemon', '--machine', 'cors=8'], 'did you mean cores?'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(['inspect', ...args], NOWHERE);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('says without systemd that nothing can be compared', async () => {
    const args = ['inspect', 'a.service', '--profile', 'nix-daemon', '--json'];
    const { status, stdout } = await desk().rlimit(args, NOWHERE);
    expect(status).toBe(3);
    expect(JSON.parse(stdout)).toHaveProperty('error');
  });
});

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
