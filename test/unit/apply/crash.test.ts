import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type ApplyReport,
  applyPrepared,
  checkPlan,
  preparePlan,
  revertPlan,
} from '../../../src/apply/index.js';
import { beOrdinaryUser } from '../ordinary-user.js';
import { contentsOf, planOf, treeWith } from './world.js';

const TEXT = `
summary: some files
targets:
  - service: ollama
    limits: { MemoryMax: 1G }
  - users: every
    limits: { MemoryMax: 1G, MemorySwapMax: 0 }
nix: { max-jobs: 2, cores: 1 }
earlyoom: { term: 5%, kill: 3% }
swap: { swappiness: 10 }
`;
const plan = planOf(TEXT);
const larger = planOf(
  TEXT.replace('max-jobs: 2', 'max-jobs: 4').replace(/ {2}- service: ollama\n.*\n/, ''),
);
const JOURNAL = ['/var'];

/** A machine with files of others, and one that is to be merged with. */
function machine(): string {
  const root = treeWith({
    '/etc/nix/nix.conf': '# mine\nmax-jobs = auto\nsandbox = true\n',
    '/etc/systemd/system/ollama.service': '[Service]\nExecStart=/bin/true\n',
    '/etc/systemd/system/earlyoom.service': '[Service]\nExecStart=/bin/true\n',
    '/etc/default/earlyoom': 'EARLYOOM_ARGS=""\n',
    '/etc/passwd': 'dev:x:1000:1000::/home/dev:/bin/bash\n',
  });
  chmodSync(`${root}/etc/nix/nix.conf`, 0o640);
  return root;
}

class PowerCut extends Error {}

/** The power fails at the n-th change of the file system, and stays away. */
function cutAt(n: number) {
  let count = 0;
  return () => {
    count += 1;
    if (count >= n) throw new PowerCut();
  };
}

const options = (root: string) => ({
  root,
  machine: 'cores=4,memory=16G',
  env: { HOME: '/nonexistent' },
});

async function apply(root: string, { what = plan, hook = () => {}, force = false } = {}) {
  return applyPrepared(await preparePlan(what, { ...options(root), hook, force }));
}

async function revert(root: string, { hook = () => {}, force = false } = {}) {
  return revertPlan(await preparePlan(plan, { ...options(root), hook, force }));
}

/** Does something under all power cuts that it can have, until it gets through. */
async function underEachCut(
  prepare: (root: string) => Promise<unknown>,
  work: (root: string, hook: () => void) => Promise<ApplyReport>,
  look: (root: string, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1; at < 500; at += 1) {
    const root = machine();
    await prepare(root);
    try {
      const { outcome } = await work(root, cutAt(at));
      // A failure of the very first write is one that can be told.
      if (outcome !== 'rolled-back') return at - 1;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    await look(root, at);
  }
  throw new Error('it never gets through');
}

describe('a plan in a tree', () => {
  it('is applied, changes nothing twice, and is reverted byte for byte', async () => {
    const root = machine();
    const before = contentsOf(root);
    const report = await apply(root);
    expect(report.outcome).toBe('applied');
    expect(report.files.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'new /etc/systemd/system/ollama.service.d/60-rlimit-mine.conf',
      'new /etc/systemd/system/user-.slice.d/60-rlimit-mine.conf',
      'new /etc/sysctl.d/60-rlimit-mine.conf',
      'changed /etc/default/earlyoom',
      'new /etc/systemd/system/multi-user.target.wants/earlyoom.service',
      'changed /etc/nix/nix.conf',
    ]);
    const applied = contentsOf(root);
    // The file keeps its mode.
    expect(applied['/etc/nix/nix.conf']).toContain('640');
    expect((await apply(root)).outcome).toBe('nothing');
    expect(contentsOf(root)).toEqual(applied);
    expect((await checkPlan(await preparePlan(plan, options(root)))).isAsPlanned).toBe(true);
    expect((await revert(root)).outcome).toBe('reverted');
    expect(contentsOf(root, { without: JOURNAL })).toEqual(before);
    expect((await revert(root)).outcome).toBe('nothing');
  });

  it('that has changed is applied over the old one, and reverted to what was before both', async () => {
    const root = machine();
    const before = contentsOf(root);
    await apply(root);
    const { files } = await apply(root, { what: larger });
    expect(files.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'changed /etc/nix/nix.conf',
      'removed /etc/systemd/system/ollama.service.d/60-rlimit-mine.conf',
    ]);
    await revert(root);
    expect(contentsOf(root, { without: JOURNAL })).toEqual(before);
  });
});

describe('a power cut at any step', () => {
  it('of an apply: the next apply or revert puts all of it right', async () => {
    const wanted = machine();
    const before = contentsOf(wanted);
    await apply(wanted);
    const applied = contentsOf(wanted, { without: JOURNAL });
    const steps = await underEachCut(
      async () => {},
      (root, hook) => apply(root, { hook }),
      async (root, at) => {
        const names = Object.keys(contentsOf(root, { without: JOURNAL }));
        // No file is ever half there: each is as before or as planned.
        for (const name of names.filter((each) => !each.endsWith('.rlimit-new'))) {
          const now = contentsOf(root)[name];
          expect([before[name], applied[name]]).toContain(now);
        }
        if (at % 2 === 0) {
          await revert(root);
          expect(contentsOf(root, { without: JOURNAL })).toEqual(before);
        } else {
          await apply(root);
          expect(contentsOf(root, { without: JOURNAL })).toEqual(applied);
          await revert(root);
          expect(contentsOf(root, { without: JOURNAL })).toEqual(before);
        }
      },
    );
    expect(steps).toBeGreaterThan(20);
  }, 120_000);

  it('of a revert: the next revert or apply ends it', async () => {
    const reference = machine();
    const before = contentsOf(reference);
    await apply(reference);
    const applied = contentsOf(reference, { without: JOURNAL });
    const steps = await underEachCut(
      apply,
      (root, hook) => revert(root, { hook }),
      async (root, at) => {
        if (at % 2 === 0) {
          await revert(root);
          expect(contentsOf(root, { without: JOURNAL })).toEqual(before);
        } else {
          await apply(root);
          expect(contentsOf(root, { without: JOURNAL })).toEqual(applied);
        }
      },
    );
    expect(steps).toBeGreaterThan(10);
  }, 120_000);

  it('of a second apply: the machine is as after the first, or as after the second', async () => {
    const reference = machine();
    await apply(reference);
    await apply(reference, { what: larger });
    const second = contentsOf(reference, { without: JOURNAL });
    await underEachCut(
      apply,
      (root, hook) => apply(root, { what: larger, hook }),
      async (root) => {
        await apply(root, { what: larger });
        expect(contentsOf(root, { without: JOURNAL })).toEqual(second);
      },
    );
  }, 120_000);
});

describe('what somebody else has done', () => {
  const CONF = '/etc/nix/nix.conf';

  it('since is not overwritten in silence', async () => {
    const root = machine();
    await apply(root);
    writeFileSync(`${root}${CONF}`, '# edited\n');
    await expect(apply(root)).rejects.toThrow('changed by somebody since');
    await expect(revert(root)).rejects.toThrow('changed by somebody since');
    expect(readFileSync(`${root}${CONF}`, 'utf8')).toBe('# edited\n');
    const { remarks } = await revert(root, { force: true });
    expect(remarks[0]).toContain(`${CONF}.rlimit-kept`);
    expect(readFileSync(`${root}${CONF}.rlimit-kept`, 'utf8')).toBe('# edited\n');
    expect(readFileSync(`${root}${CONF}`, 'utf8')).toContain('max-jobs = auto');
  });

  it('before is left alone: a link is somebody’s', async () => {
    const linked = treeWith({ '/etc/passwd': '', '/etc/sysctl.d/x': '' });
    symlinkSync('/nix/store/abc/60-rlimit-mine.conf', `${linked}/etc/sysctl.d/60-rlimit-mine.conf`);
    await expect(apply(linked)).rejects.toMatchObject({
      remedy: expect.stringContaining('rlimit export nixos'),
    });
    expect(Object.keys(contentsOf(linked))).not.toContain('/etc/default/earlyoom');
  });

  it('to the journal stops everything', async () => {
    const root = machine();
    await apply(root);
    const folder = `${root}/var/lib/rlimit/apply/mine`;
    writeFileSync(`${folder}/journal.json`, '{');
    await expect(revert(root)).rejects.toThrow('cannot be understood');
  });
});

describe('what cannot be written', () => {
  it('is said, and what was written before goes back', async () => {
    const root = machine();
    chmodSync(`${root}/etc/nix`, 0o555);
    beOrdinaryUser(root);
    const before = contentsOf(root);
    const { outcome, failure } = await apply(root);
    expect(outcome).toBe('rolled-back');
    expect(failure?.said).toContain('permission denied');
    // An ordinary user cannot give a file to the group it had.
    const withoutGroups = (found: Record<string, string>) =>
      JSON.stringify(found).replace(/:\d+/g, '');
    expect(withoutGroups(contentsOf(root, { without: JOURNAL }))).toBe(withoutGroups(before));
  });

  it('is refused as well for caps above the machine', async () => {
    const root = machine();
    const greedy = planOf(
      'summary: g\ntargets:\n  - service: ollama\n    limits: { MemoryMax: 12G }\n  - slice: docker.slice\n    limits: { MemoryMax: 12G }\n',
    );
    await expect(apply(root, { what: greedy })).rejects.toThrow('plan mine is over-committed');
    expect((await apply(root, { what: greedy, force: true })).outcome).toBe('applied');
  });
});
