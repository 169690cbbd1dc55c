import { afterEach, describe, expect, it } from 'vitest';
import type { StoredOutcome } from '../../src/state/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const isHome = isHomeSuite('bookworm');

const FILE = '.local/state/rlimit/history.jsonl';
const HOME = '/home/dev';

interface Listed {
  runs: (StoredOutcome & { id: string })[];
  fitting: number;
  skipped: unknown[];
}

async function history(options = '', env = ''): Promise<Listed> {
  const { stdout, status } = await machine.exec(`${env} rlimit history --json ${options}`);
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

afterEach(async () => {
  await machine.exec('rm -rf .local/state/rlimit');
});

describe('the history', () => {
  it('has every run with how it ended', async () => {
    await machine.exec('rlimit run -q -p TasksMax=50 -- true');
    await machine.exec('rlimit run -q coq-single -- sh -c "exit 3"', { cwd: '/tmp' });
    await machine.exec("rlimit run -q --unit mine -- sh -c 'kill -TERM $$'");
    const { runs, skipped } = await history('--limit 0');
    expect(skipped).toEqual([]);
    expect(runs).toMatchObject([
      {
        profile: 'default',
        command: ['true'],
        cwd: HOME,
        launcher: 'user',
        status: 0,
        limits: { TasksMax: '50' },
      },
      { profile: 'coq-single', command: ['sh', '-c', 'exit 3'], cwd: '/tmp', status: 3 },
      { unit: 'mine.scope', id: 'mine', signal: 'SIGTERM' },
    ]);
    expect(runs[0]?.unit).toBe(`rlimit-default-${runs[0]?.id}.scope`);
    expect(runs[0]?.started).toBeLessThan(runs[1]?.started ?? 0);
    for (const { elapsedMs } of runs) expect(elapsedMs).toBeGreaterThan(0);
    const { stdout } = await machine.exec(`stat -c %a .local/state .local/state/rlimit ${FILE}`);
    expect(stdout.trim().split('\n').slice(1)).toEqual(['700', '600']);
    const one = await machine.exec(`rlimit history ${runs[1]?.id.slice(-6)}`);
    expect(one.stdout).toContain('rlimit run coq-single -- sh -c');
  });

  if (isHome)
    it('has no run that was not started', async () => {
      await machine.exec(
        'rlimit run --dry-run -- true; rlimit run -- /nowhere; rlimit run nope -- x',
      );
      await machine.exec('rlimit run coq-standard --strict -- true');
      expect(await history()).toEqual({ runs: [], fitting: 0, skipped: [] });
    });

  if (isHome)
    it('has all runs that end at once, behind a torn line', async () => {
      await machine.exec('rlimit run -q -- true');
      await machine.exec(`printf '{"version":1,"un' >>${FILE}`);
      const count = 12;
      await machine.exec(
        `for n in $(seq ${count}); do rlimit run -q -- sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done' & done; ` +
          'until [ "$(ls $XDG_RUNTIME_DIR/rlimit | grep -c scope)" -ge 12 ]; do sleep 0.2; done; ' +
          'touch /tmp/go; wait; rm /tmp/go',
        { timeoutMs: 300_000 },
      );
      const { runs, skipped } = await history('--limit 0');
      expect(new Set(runs.map(({ unit }) => unit)).size).toBe(count + 1);
      expect(skipped).toMatchObject([{ line: 2 }]);
    }, 400_000);

  if (isHome)
    it('that cannot be written is said once, and the run ends as it would', async () => {
      await machine.exec(`mkdir -p ${HOME}/.local/state/rlimit && ln -s /dev/full ${FILE}`);
      const linked = await machine.exec('rlimit run -q -- sh -c "echo out; exit 7"');
      expect(linked).toMatchObject({ status: 7, stdout: 'out\n' });
      expect(linked.stderr.match(/the history is incomplete: ELOOP/g)).toHaveLength(1);
      expect((await machine.exec('rlimit history')).status).toBe(3);
      expect((await machine.exec('ls -l /dev/full')).stdout).toMatch(/^crw/);
    });

  if (isHome)
    it('on a full disk loses what does not fit, and heals when there is room again', async () => {
      const mounted = await machine.exec(
        'mkdir -p /tmp/small && mount -t tmpfs -o size=64k,mode=0777 none /tmp/small && mkdir -m 777 /tmp/small/rlimit',
        { user: 'root' },
      );
      expect(mounted.status).toBe(0);
      try {
        const env = 'XDG_STATE_HOME=/tmp/small';
        await machine.exec(`${env} rlimit run -q -- true`);
        // All but a few bytes of a page: a line does not fit, its beginning does.
        const file = '/tmp/small/rlimit/history.jsonl';
        await machine.exec(
          `head -c $((3900 - $(stat -c %s ${file}))) /dev/zero | tr '\\0' '\\n' >>${file}; ` +
            'cat /dev/zero >/tmp/small/filler',
        );
        const full = await machine.exec(`${env} rlimit run -q -- sh -c "exit 7"`);
        expect(full.status).toBe(7);
        expect(full.stderr.match(/the history is incomplete: .*ENOSPC/g)).toHaveLength(1);
        await machine.exec('rm /tmp/small/filler');
        await machine.exec(`${env} rlimit run -q -- sh -c "exit 8"`);
        const { runs, skipped } = await history('', env);
        expect(runs.map(({ status }) => status)).toEqual([0, 8]);
        expect(skipped).toHaveLength(1);
      } finally {
        await machine.exec('umount /tmp/small', { user: 'root' });
      }
    });

  if (isHome)
    it('becomes the old generation when it is full, and is still listed', async () => {
      await machine.exec('rlimit run -q -- true');
      await machine.exec(
        `while [ $(stat -c %s ${FILE}) -lt 4194304 ]; do cat ${FILE} ${FILE} >t; cat t >>${FILE}; done; rm t`,
      );
      const { stdout: lines } = await machine.exec(`wc -l <${FILE}`);
      await machine.exec('rlimit run -q -- sh -c "exit 4"');
      expect((await machine.exec(`wc -l <${FILE}.1; wc -l <${FILE}`)).stdout).toBe(`${lines}1\n`);
      const { runs, fitting } = await history('--limit 1');
      expect(fitting).toBe(Number(lines) + 1);
      expect(runs).toMatchObject([{ status: 4 }]);
    });

  if (isHome)
    it('keeps its order when the clock is set back', async () => {
      await machine.exec('rlimit run -q -- sh -c "exit 1"');
      await machine.exec('date -s "$(date -d "-2 days")"', { user: 'root' });
      try {
        await machine.exec('rlimit run -q -- sh -c "exit 2"');
        const { runs } = await history();
        expect(runs.map(({ status }) => status)).toEqual([1, 2]);
        expect((await history('--since 1h')).runs.map(({ status }) => status)).toEqual([1, 2]);
        expect(runs[1]?.elapsedMs).toBeGreaterThan(0);
      } finally {
        await machine.exec('date -s "$(date -d "+2 days")"', { user: 'root' });
      }
    });
});
