import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const isHome = isHomeSuite('trixie');

async function report(): Promise<Outcome> {
  return JSON.parse((await machine.readFile('/home/dev/report')).toString()) as Outcome;
}

function asRoot(command: string) {
  return machine.exec(command, { user: 'root' });
}

describe('while a run goes on', () => {
  it('the bus may go: the command ends as it would, and the verdict with it', async () => {
    const run = await machine.spawn(
      "exec rlimit run --report report -- sh -c 'echo up; read -r line; exit 3'",
    );
    await run.waitForOutput('up');
    await machine.exec('systemctl --user stop dbus.socket dbus.service');
    run.write('\n');
    expect(await run.wait()).toMatchObject({ status: 3 });
    await asRoot('systemctl restart user@1000.service');
    const { verdict, figures } = await report();
    expect(verdict.id).toBe('failed');
    expect(figures.cpuUsec).toBeGreaterThan(0);
    expect((await machine.exec('rlimit run -q -- true')).status).toBe(0);
  });

  it('the user manager may start anew: limits, figures and verdict stay', async () => {
    const run = await machine.spawn(
      "exec rlimit run -p TasksMax=33 --report report -- sh -c 'echo up; read -r line; cat /sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup)/pids.max; exit 3'",
    );
    await run.waitForOutput('up');
    await machine.exec('systemctl --user daemon-reexec; systemctl --user daemon-reload');
    run.write('\n');
    expect(await run.wait()).toMatchObject({ status: 3, stdout: 'up\n33\n' });
    expect((await report()).verdict.id).toBe('failed');
  });

  if (isHome)
    it('the clock may jump: what took seconds took seconds', async () => {
      const run = await machine.spawn(
        "exec rlimit run --report report -- sh -c 'echo up; read -r line'",
      );
      await run.waitForOutput('up');
      await asRoot('date -s "+2 days"');
      run.write('\n');
      expect(await run.wait()).toMatchObject({ status: 0 });
      expect((await report()).elapsedMs).toBeLessThan(3_600_000);
      const again = await machine.spawn(
        "exec rlimit run --report report -- sh -c 'echo up; read -r line'",
      );
      await again.waitForOutput('up');
      await asRoot('date -s "-2 days"');
      const inspected = await machine.exec('rlimit inspect --json');
      expect(JSON.parse(inspected.stdout).units).toHaveLength(1);
      again.write('\n');
      expect(await again.wait()).toMatchObject({ status: 0 });
      expect((await report()).elapsedMs).toBeGreaterThanOrEqual(0);
    });
});
