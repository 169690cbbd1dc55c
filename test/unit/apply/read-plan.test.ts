import { readFileSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPlace } from '../../../src/apply/place.js';
import { findPlan } from '../../../src/apply/read-plan.js';
import { planOf, treeWith } from './world.js';

describe('a plan’s file', () => {
  it('is read with its lines', () => {
    const plan = planOf(
      'summary: mine\ntargets:\n  - service: t3-serve@*\n    limits: { MemoryMax: 1G }\n',
    );
    expect(plan).toMatchObject({
      name: 'mine',
      targets: [{ units: { kind: 'service', names: ['t3-serve@*.service'] }, line: 3 }],
    });
  });

  it.each([
    ['targets: []\n', 'mine.yaml:1:1: summary is missing'],
    [
      'summary: x\ntargts: []\n',
      'mine.yaml:2:1: there is no key "targts" here; did you mean targets?',
    ],
    [
      'summary: x\ntargets:\n  - profile: ollama\n',
      'mine.yaml:3:5: targets should have one of service',
    ],
    ['summary: x\ntargets:\n  - users: some\n', 'mine.yaml:3:12: users should be: every'],
    [
      'summary: x\ntargets:\n  - users: every\n    limits: { MemoryMx: 1G }\n',
      'mine.yaml:4:25: there is no property "MemoryMx"',
    ],
    [
      'summary: x\nearlyoom: { term: 3%, kill: 5% }\n',
      'mine.yaml:2:29: kill should not be above term',
    ],
    [
      'summary: x\nswap: { swappiness: 201 }\n',
      'mine.yaml:2:21: swappiness should be a whole number from 0 to 200',
    ],
    ['summary: [\n', 'mine.yaml:2:1'],
  ])('%j is refused with its place', (text, message) => {
    expect(() => planOf(text)).toThrow(message);
  });

  it.each([
    '../../etc/passwd',
    'a/b',
    '.hidden',
    '-x',
    '',
    'a b',
    'x%n',
    'a\u0000b',
    'x.service/../y',
    'p@../x',
    'é',
  ])('%j is no name of a unit', (name) => {
    for (const key of ['service', 'slice', 'every-user', 'this-user']) {
      const suffix = key === 'service' ? '' : '.slice';
      const text = `summary: x\ntargets:\n  - ${key}: ${JSON.stringify(name + suffix)}\n`;
      expect(() => planOf(text)).toThrow(/is not the name|control character|should be a name/);
    }
  });

  it.each(['/etc/passwd', '/dev/sda', 'swap', '/a/../b', '/x y', '/', '/boot/s', "/a'b"])(
    '%j is no swap file',
    (path) => {
      const text = `summary: x\nswap: { file: { path: ${JSON.stringify(path)}, size: 1G, priority: 5 } }\n`;
      expect(() => planOf(text)).toThrow('should be the path of a swap file');
    },
  );

  it('has a name that can be a directory’s', () => {
    expect(() => planOf('summary: x\n', '..')).toThrow("the file's name is the plan's");
    expect(() => planOf('summary: x\n', 'A b')).toThrow('plan name');
  });

  it('is not guessed: a wrong name has the nearest ones', () => {
    expect(() => findPlan('shared-hots')).toThrow('there is no plan "shared-hots"');
  });
});

it('is as the documentation shows it', () => {
  const docs = readFileSync('docs/apply.md', 'utf8');
  const [, text = ''] = /```yaml\n([^`]*)```/.exec(docs) ?? [];
  const plan = planOf(text, 'build-box');
  expect(plan.targets.map(({ units }) => units.kind)).toEqual([
    ...['service', 'users', 'slice', 'every-user', 'this-user'],
  ]);
  expect(plan).toMatchObject({ containers: 'docker.slice', swap: { swappiness: 10 } });
});

describe('where plans write', () => {
  it.each([
    '/etc/passwd',
    '/etc/systemd/system/',
    '/etc/systemd/system/../../x',
    '/etc/sysctl.d/a\nb',
    '/etc/nix/nix.conf2',
  ])('is not %j', (path) => {
    expect(() => checkPlace(path, '')).toThrow('a plan does not write to');
  });

  it('does not leave a tree by a link in it', () => {
    const outside = treeWith();
    const root = treeWith({ '/etc/x': '' });
    symlinkSync(outside, `${root}/etc/systemd`);
    expect(() => checkPlace('/etc/systemd/system/a.service.d/x.conf', root)).toThrow(
      'leads out of',
    );
    expect(() => checkPlace('/etc/sysctl.d/x.conf', root)).not.toThrow();
  });
});
