import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkProfiles } from '../../../src/lint/index.js';
import type { Places } from '../../../src/profiles/index.js';
import { machineWith, nowhere, reference, sandbox } from '../profiles/places.js';

describe('checkProfiles', () => {
  it('finds nothing wrong with the built-in profiles', async () => {
    const { problems, checked } = await checkProfiles([], sandbox().places, { machine: reference });
    expect(problems).toEqual([]);
    expect(checked).toContain('coq-standard');
  });

  it('warns of a built-in profile that is too large for the machine', async () => {
    const machine = machineWith({ cores: 2, memory: '4G' });
    const { problems } = await checkProfiles(['ollama'], sandbox().places, { machine });
    expect(problems).toMatchObject([
      { id: 'memory-above-machine', severity: 'warning', profile: 'ollama' },
      { id: 'memory-above-machine', severity: 'warning', profile: 'ollama' },
    ]);
  });

  it('finds everything that is wrong in every file', async () => {
    const { places, user, project } = sandbox();
    const mine = user('mine', 'limits:\n  IOWeight: 0\n  Foo: 1\n');
    const large = user('large', 'limits: {MemoryMax: 900G}\n');
    const ours = project('profiles:\n  a:\n    lmits: {}\n  b:\n    environment: {PATH: x}\n');
    user('fine', 'summary: fine');
    const { problems } = await checkProfiles([], places, { machine: reference });
    expect(problems.map(({ file, profile, line }) => [file ?? profile, line])).toEqual([
      [ours, 3],
      [ours, 5],
      [large, 1],
      [mine, 2],
      [mine, 3],
    ]);
  });

  it('checks files by path, wherever they are', async () => {
    const { places } = sandbox();
    const path = join(places.cwd, 'draft.yaml');
    writeFileSync(path, 'extends: nobody\n');
    const { problems } = await checkProfiles(['./draft.yaml'], places, { machine: reference });
    expect(problems).toMatchObject([{ severity: 'problem', file: path, line: 1 }]);
    writeFileSync(path, 'profiles: {a: {limits: {CPUQuota: 1}}}\n');
    expect((await checkProfiles([path], places, { machine: reference })).problems).toMatchObject([
      { file: path, message: expect.stringContaining('CPUQuota') },
    ]);
    const gone = await checkProfiles(['./gone.yaml'], places, { machine: reference });
    expect(gone.problems[0]?.message).toContain('no such file');
  });

  it('a name that does not exist', async () => {
    const { problems } = await checkProfiles(['nobody'], sandbox().places, { machine: reference });
    expect(problems).toMatchObject([{ severity: 'problem', profile: 'nobody' }]);
  });

  it('lints have the place of the value, in whatever file it stands', async () => {
    const { places, user, project } = sandbox();
    const base = user('base', 'limits:\n  MemoryMax: 4G\n  MemoryHigh: 3G\n');
    const mine = user('mine', 'extends: base\nlimits:\n  MemorySwapMax: 0\n');
    const ours = project('profiles:\n  tests:\n    limits:\n      CPUQuota: 9900%\n');
    const { problems } = await checkProfiles(['mine', 'tests'], places, { machine: reference });
    expect(problems).toMatchObject([
      { id: 'high-below-max-without-swap', profile: 'mine', file: base, line: 3, column: 3 },
      { id: 'quota-above-machine', profile: 'tests', file: ours, line: 4, column: 7 },
      { id: 'sum-of-caps', profiles: ['mine', 'tests'] },
    ]);
    expect(mine).toBeDefined();
  });

  it('a file that is tried has its own path in what is found', async () => {
    const { places } = sandbox();
    const path = join(places.cwd, 'draft.yaml');
    writeFileSync(path, 'limits:\n  MemoryMax: 1M\n');
    const { problems } = await checkProfiles([path], places, { machine: reference });
    expect(problems).toMatchObject([{ id: 'memory-floor', file: path, line: 2, column: 3 }]);
  });

  it('warnings are silent where the profile says so; refusals never', async () => {
    const { places, user } = sandbox();
    const text =
      'limits: {MemoryMax: 8G, TasksMax: 9, CPUQuota: 9900%}\njobs: {memory: 1G, pick: 8}\n';
    user('mine', text);
    const idsOf = async () =>
      (await checkProfiles(['mine'], places, { machine: reference })).problems.map(({ id }) => id);
    expect(await idsOf()).toEqual(['quota-above-machine', 'tasks-too-few-for-jobs']);
    user('mine', `${text}lint-ignore: [tasks-too-few-for-jobs, quota-above-machine]\n`);
    expect(await idsOf()).toEqual(['quota-above-machine']);
  });

  it('lint-ignore knows what it silences', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'summary: a\nlint-ignore: [sum-of-cap]\n');
    const { problems } = await checkProfiles(['mine'], places, { machine: reference });
    expect(problems).toMatchObject([
      {
        id: 'unknown-name',
        severity: 'problem',
        file,
        line: 2,
        why: expect.stringMatching(/sum-of-caps/),
      },
    ]);
  });
});

describe('profiles side by side', () => {
  const machine = machineWith({ cores: 12, memory: '14G' });
  const sums = async (names: string[], places: Places) =>
    (await checkProfiles(names, places, { machine })).problems.filter(
      ({ id }) => id === 'sum-of-caps',
    );

  it('the model servers are built for a machine that holds them all', async () => {
    expect(await sums(['ollama'], nowhere)).toMatchObject([
      { severity: 'warning', profile: 'ollama', message: expect.stringContaining('15.13G') },
    ]);
    const larger = machineWith({ cores: 12, memory: '16G' });
    expect((await checkProfiles(['ollama'], nowhere, { machine: larger })).problems).toEqual([]);
  });

  it('those that are named together are added up, once', async () => {
    expect(await sums(['ollama', 'nix-daemon'], nowhere)).toMatchObject([
      { profile: 'ollama' },
      { profiles: ['ollama', 'nix-daemon'] },
    ]);
    expect(await sums(['llama-cpp', 'ollama'], nowhere)).toMatchObject([{ profile: 'ollama' }]);
    expect(await sums(['llama-cpp', 'llm-proxy'], nowhere)).toEqual([]);
  });

  it('one of them says that it is known', async () => {
    const { places, user } = sandbox();
    user('mine', 'limits: {MemoryMax: 10G}\nbeside: [monitor, coq-standard]\n');
    expect(await sums(['mine'], places)).toMatchObject([{ line: 2, column: 1 }]);
    user('mine', 'limits: {MemoryMax: 10G}\nbeside: [coq-standard]\nlint-ignore: [sum-of-caps]\n');
    expect(await sums(['mine'], places)).toEqual([]);
    expect(await sums(['mine', 'coq-standard'], places)).toEqual([]);
  });

  it('one beside it that does not exist is a mistake', async () => {
    const { places, user } = sandbox();
    const file = user('mine', 'beside: [monitr]\n');
    const { problems } = await checkProfiles(['mine'], places, { machine });
    expect(problems).toMatchObject([
      { id: 'unknown-name', file, line: 1, why: expect.stringContaining('monitor') },
    ]);
  });
});
