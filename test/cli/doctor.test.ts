import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { desk } from './cli.js';

describe('rlimit doctor --prove', () => {
  it.skipIf(existsSync('/run/systemd/system'))('needs systemd, and says so', async () => {
    const { status, stdout, stderr } = await desk().rlimit(['doctor', '--prove']);
    expect(status).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^rlimit: systemd does not run this system/);
  });

  it('knows its experiments', async () => {
    const { status, stderr } = await desk().rlimit(['doctor', '--prove', '--only', 'memory']);
    expect(status).toBe(2);
    expect(stderr).toContain('memory-max');
    expect((await desk().rlimit(['doctor', '--only', 'memory-max'])).status).toBe(2);
  });
});
