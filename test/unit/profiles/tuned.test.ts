import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../src/profiles/index.js';
import { proposeTuning, type TunedValues, writeTuning } from '../../../src/profiles/tuned.js';
import { withoutTuning } from '../../../src/profiles/untuned.js';
import { sandbox } from './places.js';

const VALUES: TunedValues = {
  'limits.MemoryMax': '5G',
  'jobs.memory': '812M-1G',
  'jobs.pick': '6',
};

async function tune(
  { places }: ReturnType<typeof sandbox>,
  name: string,
  { values = VALUES, project = false } = {},
) {
  const proposal = await proposeTuning(await loadProfile(name, places), values, places, {
    project,
  });
  const written = await writeTuning(proposal, places);
  return { proposal, written, text: readFileSync(written.file, 'utf8') };
}

describe('recommended values in a file', () => {
  it('a built-in profile gets a file of the user with nothing else', async () => {
    const box = sandbox();
    const { text, proposal, written } = await tune(box, 'cxx-build');
    expect(proposal.before).toBe('');
    expect(written.backup).toBeUndefined();
    expect(
      text,
    ).toBe(`# Profile cxx-build of rlimit. What is not said here comes from the profile below it:
# the built-in one of the same name.
# To see the outcome: rlimit profile show cxx-build

limits:
  MemoryMax: 5G # rlimit tune; was 60% of memory
jobs:
  memory: 812M-1G
  pick: 6 # rlimit tune; was high
`);
    const profile = await loadProfile('cxx-build', box.places);
    expect(profile.limits.MemoryMax).toBe('5G');
    expect(profile.jobs).toMatchObject({ pick: 6, cores: 1 });
  });

  it('nothing is written before it is asked for', async () => {
    const { places } = sandbox();
    const profile = await loadProfile('cxx-build', places);
    const { file } = await proposeTuning(profile, VALUES, places, { project: false });
    expect(existsSync(file)).toBe(false);
  });

  it('what an author wrote stays, comments and order and lists', async () => {
    const box = sandbox();
    const before = `# Mine.
extends: cxx-build
limits: # the hard ones
  TasksMax: 100
  MemoryMax: 50% of memory   # enough
jobs:
  processes: [cc1plus, ld]
`;
    box.user('mine', before);
    const { text, written } = await tune(box, 'mine');
    expect(text).toBe(`# Mine.
extends: cxx-build
limits:
  # the hard ones
  TasksMax: 100
  MemoryMax: 5G # rlimit tune; was 50% of memory
jobs:
  processes: [cc1plus, ld]
  memory: 812M-1G
  pick: 6 # rlimit tune; was high
`);
    expect(readFileSync(written.backup ?? '', 'utf8')).toBe(before);
  });

  it.each([
    ['limits:\n  # MemoryMax: 1G\n'],
    ['limits: {TasksMax: 7}\n'],
    ['summary: x\n'],
    ['jobs: {pick: low, processes: [a]}\n'],
  ])('%j takes them', async (before) => {
    const box = sandbox();
    box.user('cxx-build', before);
    await tune(box, 'cxx-build');
    const profile = await loadProfile('cxx-build', box.places);
    expect(profile.limits.MemoryMax).toBe('5G');
    expect(profile.jobs?.pick).toBe(6);
    expect((await withoutTuning(profile)).limits.MemoryMax).toBe('60% of memory');
  });

  it('a project gets a file, or an entry in the one it has', async () => {
    const box = sandbox();
    const first = await tune(box, 'cxx-build', { project: true });
    expect(first.written.file).toBe(join(box.places.cwd, '.rlimit.yaml'));
    expect(first.text).toContain('profiles:\n  cxx-build:\n    limits:\n      MemoryMax: 5G #');
    const other = sandbox();
    other.project('profiles:\n  tests:\n    extends: default\n');
    const { text } = await tune(other, 'cxx-build', { project: true });
    expect(text).toContain('  tests:\n    extends: default\n  cxx-build:\n    limits:\n');
    expect((await loadProfile('cxx-build', other.places)).layer).toBe('project');
  });

  it('what was there before the first recommendation is known after the second', async () => {
    const box = sandbox();
    await tune(box, 'cxx-build');
    const { text } = await tune(box, 'cxx-build', {
      values: { 'limits.MemoryMax': '7G', 'jobs.pick': '3' },
    });
    expect(text).toContain('MemoryMax: 7G # rlimit tune; was 60% of memory');
    const profile = await loadProfile('cxx-build', box.places);
    const { limits, jobs } = await withoutTuning(profile);
    expect(limits.MemoryMax).toBe('60% of memory');
    expect(jobs?.pick).toBe('high');
  });

  it('a limit that was not there is none again; a value of somebody’s own stays', async () => {
    const box = sandbox();
    box.user('none', 'limits: {TasksMax: 9}\njobs: {memory: 1G}\n');
    await tune(box, 'none', { values: { 'limits.MemoryMax': '5G' } });
    const profile = await loadProfile('none', box.places);
    expect(profile.limits.MemoryMax).toBe('5G');
    expect((await withoutTuning(profile)).limits).toEqual({ TasksMax: '9' });
    box.user('own', 'limits:\n  MemoryMax: 3G # was more\njobs: {memory: 1G}\n');
    const own = await loadProfile('own', box.places);
    expect((await withoutTuning(own)).limits.MemoryMax).toBe('3G');
  });
});
