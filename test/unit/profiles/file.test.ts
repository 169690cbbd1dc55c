import { describe, expect, it } from 'vitest';
import { ProfileFileError } from '../../../src/errors/index.js';
import { parseProfiles } from '../../../src/profiles/file.js';
import { loadProfile } from '../../../src/profiles/index.js';
import { sandbox } from './places.js';

describe('what is wrong, and where', () => {
  it.each<[name: string, text: string, line: number, column: number, message: RegExp]>([
    ['an empty file', '', 1, 1, /is empty/],
    ['only comments', '# nothing\n', 1, 1, /is empty/],
    ['a text', 'hello', 1, 1, /should be a mapping/],
    ['a list', '- a\n', 1, 1, /should be a mapping/],
    [
      'an unknown key',
      'summary: a\nlimts:\n  MemoryMax: 1G\n',
      2,
      1,
      /"limts".*did you mean limits/,
    ],
    ['an unknown key of jobs', 'jobs:\n  memry: 1G\n', 2, 3, /"memry".*did you mean memory/],
    ['an unknown property', 'limits:\n  MemoryMx: 1G\n', 2, 13, /"MemoryMx".*MemoryMax/],
    ['a setting of services', 'limits:\n  LimitNOFILE: 10\n', 2, 16, /LimitNOFILE.*prlimit/],
    ['a bad value', 'limits:\n  CPUQuota: 75% of cors\n', 2, 13, /CPUQuota: .*75% of cors/],
    ['limits that are a list', 'limits:\n  - MemoryMax\n', 2, 3, /limits should be a mapping/],
    ['a value that is a list', 'limits:\n  MemoryMax: [1G]\n', 2, 14, /MemoryMax should be text/],
    ['a summary of two lines', 'summary: |\n  a\n  b\n', 1, 10, /summary should be one line/],
    ['a summary that is a mapping', 'summary: {a: b}\n', 1, 10, /summary should be text/],
    ['a bad parent', 'extends: ../x\n', 1, 10, /a profile name has/],
    ['jobs that want nothing', 'jobs:\n  memory: 0\n', 2, 11, /memory of one job/],
    ['jobs the wrong way round', 'jobs:\n  memory: 20G-10G\n', 2, 11, /memory of one job/],
    ['a pick that is none', 'jobs:\n  pick: lowest\n', 2, 9, /low, half of low, high/],
    ['a danger nobody knows', 'jobs:\n  on-danger: panic\n', 2, 14, /freeze or kill/],
    ['a range of something else', 'jobs:\n  range: 10% of memory\n', 2, 10, /range such as/],
    ['an on-stall that is none', 'on-stall: pray\n', 1, 11, /on-stall|raise or kill/],
    ['processes that are a text', 'jobs:\n  processes: coqc\n', 2, 14, /list of process names/],
    ['a process with a path', 'jobs:\n  processes: [ld, /usr/bin/ld]\n', 2, 19, /bare name/],
    ['an unknown placeholder', `environment:\n  A: \${cores}\n`, 2, 6, /\$\{cores\} is not known/],
    ['a bad variable', 'environment:\n  A B: 1\n', 2, 8, /name of a variable/],
    ['a key twice', 'limits:\n  IOWeight: 1\n  IOWeight: 2\n', 3, 3, /second time/],
    ['two documents', 'summary: a\n---\nsummary: b\n', 2, 1, /second document/],
    ['a tab', 'limits:\n\tIOWeight: 1\n', 2, 1, /tabs/],
    ['an open bracket', 'limits: {IOWeight: 1\n', 2, 1, /./],
    ['an anchor', 'limits: &a\n  IOWeight: 1\n', 2, 3, /anchors/],
    ['an alias', 'summary: &a x\nwhy: *a\n', 1, 13, /anchors/],
    ['a tag', 'summary: !!binary aGk=\n', 1, 19, /tags/],
    ['a merge key', 'limits:\n  <<: {IOWeight: 1}\n', 2, 7, /should be text/],
    ['a control character', 'summary: a\u0007b\n', 1, 11, /control character/],
    ['an escaped control character', 'summary: "a\\e[31m"\n', 1, 10, /control characters/],
    ['a prototype', '__proto__: {a: b}\n', 1, 1, /__proto__/],
  ])('%s', (_, text, line, column, message) => {
    const [first] = problemsOf(text);
    expect(first?.message).toMatch(message);
    expect(first?.position).toEqual({ line, column });
  });

  it('reports everything at once, in the order of the file', () => {
    const problems = problemsOf('limits:\n  IOWeight: 0\n  Foo: 1\nsumary: x\n');
    expect(problems.map(({ position }) => position?.line)).toEqual([2, 3, 4]);
  });

  it('a thousand aliases do not unfold', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`);
    const begun = performance.now();
    expect(problemsOf(`a0: &a0 x\n${levels.join('\n')}\n`).length).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('a hundred thousand brackets do not end the program', () => {
    expect(problemsOf('['.repeat(100_000)).length).toBeGreaterThan(0);
    expect(problemsOf(`${'{a: '.repeat(20_000)}`).length).toBeGreaterThan(0);
  });
});

describe('values are text, whatever YAML makes of them', () => {
  it.each([
    ['AllowedCPUs', '0-7'],
    ['TasksMax', '010'],
    ['IOWeight', '50'],
    ['MemoryMax', 'infinity'],
    ['AllowedCPUs', '1'],
  ])('%s: %s', (name, value) => {
    const parsed = parse(`limits:\n  ${name}: ${value}\n`);
    expect(parsed).toMatchObject({ definitions: [{ body: { limits: { [name]: value } } }] });
  });

  it('a section without entries is the same as none', () => {
    const parsed = parse('summary: a\nlimits:\n  # MemoryMax: 1G\njobs:\nenvironment:\n');
    expect(parsed).toMatchObject({ definitions: [{ body: { limits: {}, jobs: {} } }] });
  });

  it('paragraphs of why are kept, and its line breaks are not', () => {
    const parsed = parse('why: |\n  One\n  two.\n\n  Three.\n');
    expect(parsed).toMatchObject({ definitions: [{ body: { why: 'One two.\n\nThree.' } }] });
  });
});

describe('files that are no text', () => {
  it.each([
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x0a, 0x62, 0xff]), /:2:2: is not UTF-8/],
    ['a file that is too large', Buffer.alloc(300_000, 'a'), /too large/],
  ])('%s', async (_, content, message) => {
    const { places, user } = sandbox();
    user('mine', content);
    const error: unknown = await loadProfile('mine', places).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProfileFileError);
    expect(String(error)).toMatch(message);
  });

  it('a mark of byte order is no mistake', async () => {
    const { places, user } = sandbox();
    user('mine', '\ufeffsummary: Mine\n');
    expect((await loadProfile('mine', places)).summary).toBe('Mine');
  });
});

function parse(text: string) {
  return parseProfiles({ path: 'mine.yaml', text, project: false }, 'mine');
}

function problemsOf(text: string) {
  const parsed = parse(text);
  return 'problems' in parsed ? parsed.problems : [];
}
