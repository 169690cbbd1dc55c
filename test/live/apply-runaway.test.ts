/**
 * What capping every tree is for: on a machine that is shared, a runaway dies in its own tree, and
 * whoever is logged in goes on working.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuestProcess } from './guest-process.js';
import { isWhole, machine } from './machine-under-test.js';
import { Bench } from './plans/bench.js';

/** More than half of the machine, which is what the plan lets one user have. */
const HOG = 'python3 -c "x = bytearray(900 << 20)"';
const SSH = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR';

let bench: Bench;

/** Kills in a cgroup and below it, and the kernel's own words on the last one. */
async function lastKill(slice: string): Promise<{ kills: number; words: string }> {
  const kills = await bench.must(
    `sed -n 's/^oom_kill //p' /sys/fs/cgroup/user.slice/${slice}/memory.events`,
  );
  const words = await bench.must('dmesg | grep -o "constraint=.*" | tail -n 1');
  return { kills: Number(kills), words };
}

if (isWhole)
  describe('a runaway on a shared host', () => {
    let session: GuestProcess;

    /** Somebody at a prompt: what is typed is answered. */
    async function expectAnswer(word: string): Promise<void> {
      session.write(`${word}\n`);
      await session.waitForOutput(`heard ${word}`);
    }

    beforeAll(async () => {
      bench = await Bench.boot(machine.suite, { memory: 1, cores: 2 });
      await bench.must(`useradd --create-home --uid 1001 --shell /bin/bash guest
        ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
        install -d -m 700 -o guest -g guest /home/guest/.ssh
        install -m 600 -o guest -g guest /root/.ssh/id_ed25519.pub /home/guest/.ssh/authorized_keys
        cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; systemctl start ssh`);
      session = await bench.machine.spawn(
        `${SSH} root@localhost 'cat /proc/self/cgroup; while read -r word; do echo heard $word; done'`,
        { user: 'root' },
      );
      await session.waitForOutput(/user-0\.slice\/session-\w+\.scope/);
      await bench.applied('shared-host --force');
    }, 600_000);

    afterAll(() => bench?.close());

    it('dies in the session that it was started in, while another one stays', async () => {
      await expectAnswer('before');
      const { status } = await bench.machine.exec(`${SSH} guest@localhost '${HOG}; exit 7'`, {
        user: 'root',
      });
      // By systemd's default the session's scope is stopped with it; what counts is that it is gone.
      expect(status).not.toBe(0);
      const { kills, words } = await lastKill('user-1001.slice');
      expect(kills).toBeGreaterThanOrEqual(1);
      expect(words).toMatch(
        /^constraint=CONSTRAINT_MEMCG,.*oom_memcg=\/user\.slice\/user-1001\.slice,task_memcg=\/user\.slice\/user-1001\.slice\/session-\w+\.scope,task=python3/,
      );
      await expectAnswer('after');
      const again = await bench.machine.exec(`${SSH} guest@localhost 'echo in'`, { user: 'root' });
      expect(again).toMatchObject({ status: 0, stdout: 'in\n' });
    }, 300_000);

    it('dies under the user’s own manager, which stays', async () => {
      const before = await bench.must('systemctl show -p MainPID --value user@1000');
      const { status } = await bench.machine.exec(
        `systemd-run --user --wait --quiet --unit hog ${HOG}`,
      );
      expect(status).not.toBe(0);
      const { kills, words } = await lastKill('user-1000.slice');
      expect(kills).toBeGreaterThanOrEqual(1);
      expect(words).toMatch(
        /^constraint=CONSTRAINT_MEMCG,.*oom_memcg=\/user\.slice\/user-1000\.slice,task_memcg=\/user\.slice\/user-1000\.slice\/user@1000\.service\/app\.slice\/hog\.service,task=python3/,
      );
      expect(await bench.must('systemctl show -p MainPID --value user@1000')).toBe(before);
      await expectAnswer('still');
    }, 300_000);

    it('leaves swap, the machine and earlyoom alone', async () => {
      expect(await bench.must('dmesg | grep -c CONSTRAINT_NONE || :')).toBe('0\n');
      expect(
        await bench.must('journalctl -b -u earlyoom -o cat | grep -c "sending SIG" || :'),
      ).toBe('0\n');
      await bench.apply('shared-host --revert --yes');
      await expectAnswer('reverted');
      session.end();
      expect((await session.wait()).status).toBe(0);
    }, 300_000);
  });
