import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { desk } from './cli.js';

const isRoot = process.getuid?.() === 0;

/** Where systemd runs, these would change the machine. */
describe.skipIf(existsSync('/run/systemd/system'))(
  'the service of the guard, without systemd',
  () => {
    it.each(['install', 'uninstall', 'start', 'stop', 'restart', 'reload'])(
      '%s says what is missing, and what can be done instead',
      async (verb) => {
        const { rlimit } = desk();
        const { status, stdout, stderr } = await rlimit(['guard', verb]);
        expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
        expect(stderr).toContain('systemd does not run this system');
        expect(stderr).toContain('rlimit guard run');
      },
    );

    it('as JSON says the same', async () => {
      const { rlimit } = desk();
      const { status, stdout } = await rlimit(['guard', 'start', '--json']);
      expect(status).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ error: { id: 'unavailable' } });
    });

    it('install looks at the settings first', async () => {
      const { rlimit, write } = desk();
      const file = write('guard.yaml', 'gpu_protection:\n  memory_threshold_percent: 900\n');
      const { status, stderr } = await rlimit(['guard', 'install', '--config', file]);
      expect(status).toBe(2);
      expect(stderr).toContain(`${file}:2:`);
    });

    it.runIf(isRoot)('root has no guard of its own besides the machine’s', async () => {
      const { rlimit } = desk();
      const { status, stderr } = await rlimit(['guard', 'install', '--user']);
      expect(status).toBe(2);
      expect(stderr).toContain('without --user');
    });
  },
);
