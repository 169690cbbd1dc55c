import { afterAll, describe, expect, it } from 'vitest';
import type { Imported } from '../../src/export/import/index.js';
import { isHomeSuite, machine } from './machine-under-test.js';

const UNIT = 'exported.service';
const FILE = `/etc/systemd/system/${UNIT}`;
const SLICE = '/etc/systemd/system/exported.slice';

const asRoot = (command: string) => machine.exec(command, { user: 'root' });

/** What a command prints; it has to go well. */
async function said(command: string, user: 'root' | 'dev' = 'dev'): Promise<string> {
  const { status, stdout, stderr } = await (user === 'root'
    ? asRoot(command)
    : machine.exec(command));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

describe('a drop-in', () => {
  afterAll(() =>
    asRoot(
      `systemctl stop ${UNIT}; rm -rf ${FILE} ${FILE}.d ${SLICE} /root/.config/rlimit; ` +
        'systemctl daemon-reload; rm -f /tmp/run.mk /tmp/run.sh',
    ),
  );

  it('is taken by systemd as it is, holds in the kernel, and comes back by import', async () => {
    await said(
      `printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >${FILE} && ` +
        `rlimit export systemd nix-build --unit ${UNIT} --harden -o ${FILE}.d/50-rlimit.conf && ` +
        `rlimit export systemd nix-build --unit exported.slice -o ${SLICE} && ` +
        `systemd-analyze verify ${FILE} ${SLICE} && systemctl daemon-reload && systemctl start ${UNIT}`,
      'root',
    );
    const [imported, fromFile] = await Promise.all(
      [UNIT, FILE].map(
        async (source) =>
          JSON.parse(await said(`rlimit profile import ${source} --json`, 'root')) as Imported,
      ),
    );
    const exported = JSON.parse(await said('rlimit profile show nix-build --json'));
    const values = Object.fromEntries(
      exported.limits.map(({ property, value }: Record<string, string>) => [property, value]),
    );
    expect(imported?.limits).toEqual(values);
    expect(fromFile?.limits).toEqual(values);
    expect(fromFile?.environment.NIX_CONFIG).toBe(exported.environment.NIX_CONFIG.value);
    const kernel = await said(
      `cd /sys/fs/cgroup/system.slice/${UNIT} && cat memory.max memory.swap.max pids.max && ` +
        `p=$(systemctl show -P MainPID ${UNIT}) && tr '\\0' '\\n' </proc/$p/environ | ` +
        'grep -A2 NIX_CONFIG && grep -E "NoNewPrivs|CapBnd" /proc/$p/status',
      'root',
    );
    expect(kernel).toContain('\n0\n4096\n');
    expect(kernel).toMatch(/NIX_CONFIG=max-jobs = 1\ncores = 1\ntimeout = 21600$/m);
    expect(kernel).toMatch(/^CapBnd:\t0+$/m);
    expect(kernel).toMatch(/^NoNewPrivs:\t1$/m);
  });
});

describe('a function and a fragment for make', () => {
  const CGROUP = 'cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max; echo "$0"';

  if (isHomeSuite('trixie'))
    it('start commands in a scope with the limits, and leave their words alone', async () => {
      const show = JSON.parse(await said('rlimit profile show coq-single --json'));
      const max = show.limits.find(
        ({ property }: { property: string }) => property === 'MemoryMax',
      );
      const bytes = Number(max.value.slice(0, -1)) * 1024 ** 2;
      expect(max.value).toMatch(/^\d+M$/);
      // `$$` is what systemd-run 262 would expand.
      const word = "'a $$ b'";
      expect(
        await said(
          'rlimit export shell coq-single -o /tmp/run.sh >/dev/null && . /tmp/run.sh && ' +
            `with-coq-single sh -c '${CGROUP}' ${word}`,
        ),
      ).toBe(`${bytes}\na $$ b`);
      const makefile = `include run.mk\nall:\n\t@$(RUN) sh -c '${CGROUP.replaceAll('$', '$$$$')}' 'a $$$$ b'\n`;
      expect(
        await said(
          'cd /tmp && rlimit export make coq-single -o run.mk >/dev/null && ' +
            `echo ${Buffer.from(makefile).toString('base64')} | base64 -d | make -s -f -`,
        ),
      ).toBe(`${bytes}\na $$ b`);
    });
});
