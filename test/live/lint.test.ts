import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inspection } from '../../src/inspect/index.js';
import type { ProfileCheck, ProfileProblem } from '../../src/lint/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const isHome = isHomeSuite('bookworm');

const PROFILE = '/home/dev/.config/rlimit/profiles/inert.yaml';
const SWAP = '/swap-for-lint';

async function check(args: string): Promise<{ status: number | null; problems: ProfileProblem[] }> {
  const { status, stdout } = await machine.exec(`rlimit profile check ${args} --json`);
  return { status, problems: (JSON.parse(stdout) as ProfileCheck).problems };
}

describe('a weight on the user manager that was not given the controller', () => {
  beforeAll(async () => {
    await machine.exec(
      `mkdir -p ${PROFILE.replace(/\/[^/]*$/, '')}; ` +
        `printf 'limits:\\n  MemoryMax: 200M\\n  IOWeight: 50\\n  AllowedCPUs: 0\\n' >${PROFILE}`,
    );
  });
  afterAll(() => machine.exec(`rm ${PROFILE}`));

  it('is named before the run, in the words that inspect has during it', async () => {
    const { status, problems } = await check('inert');
    expect(status).toBe(0);
    expect(problems).toMatchObject([
      { id: 'controller-not-delegated', severity: 'warning', file: PROFILE, line: 4, column: 3 },
      { id: 'controller-not-delegated', severity: 'warning', file: PROFILE, line: 3, column: 3 },
    ]);
    const { stdout } = await machine.exec(
      'rlimit run inert --quiet -- sh -c \'rlimit inspect "$(basename "$(cut -d: -f3 /proc/self/cgroup)")" --json\'',
    );
    const [unit] = (JSON.parse(stdout) as Inspection).units;
    expect(problems.map(({ id, message, remedy }) => ({ id, message, remedy }))).toEqual(
      unit?.findings.map(({ id, property, cause, remedy }) => ({
        id,
        // During a run it is known besides at which level the controller ends.
        message: `${property}: ${cause.split('; ')[0]}`,
        remedy,
      })),
    );
  });

  if (isHome)
    it('is no trouble where the manager has all controllers', async () => {
      const delegated = '--machine controllers=cpu+cpuset+io+memory+pids';
      expect(await check(`inert ${delegated}`)).toEqual({ status: 0, problems: [] });
      expect((await check(`inert --strict`)).status).toBe(1);
    });
});

describe('swap on a disk', () => {
  beforeAll(() =>
    machine.exec(
      `dd if=/dev/zero of=${SWAP} bs=1M count=16 status=none && chmod 600 ${SWAP} && ` +
        `mkswap ${SWAP} >/dev/null && swapon ${SWAP}`,
      { user: 'root' },
    ),
  );
  afterAll(() => machine.exec(`swapoff ${SWAP}; rm ${SWAP}`, { user: 'root' }));

  if (isHome)
    it('is told from what the kernel says of the device below the file system', async () => {
      const queue = '/sys/dev/block/$(mountpoint -d /)/queue/rotational';
      const { stdout: was } = await machine.exec(`cat ${queue}`);
      const idsOn = async (kind: string, args = '') => {
        await machine.exec(`echo ${kind} >${queue}`, { user: 'root' });
        return (await check(`monitor ${args}`)).problems.map(({ id }) => id);
      };
      const disk = await idsOn('1');
      expect(disk).toContain('swap-as-safety-valve');
      // There is swap now, so that MemoryHigh can do its work.
      expect(disk).not.toContain('high-below-max-without-swap');
      expect(await idsOn('1', '--machine swap-on=zram')).not.toContain('swap-as-safety-valve');
      expect(await idsOn('0')).not.toContain('swap-as-safety-valve');
      await machine.exec(`echo ${was.trim()} >${queue}`, { user: 'root' });
    });
});
