import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UnitRecord } from '../../../src/model/index.js';
import {
  parseRecord,
  readRecords,
  recordDirectory,
  removeRecord,
  writeRecord,
} from '../../../src/state/index.js';
import { tree } from '../cgroup/tree.js';

const RECORD: UnitRecord = {
  version: 1,
  unit: 'rlimit-coq-standard-1.scope',
  slice: 'app-rlimit.slice',
  profile: 'coq-standard',
  properties: { MemoryMax: '150G', CPUQuota: '' },
  jobs: 4,
  command: ['make', '-j4', 'ümlaut "quoted"\n'],
  cwd: '/home/dev',
  started: 1_790_000_000_000,
};

describe('where records are', () => {
  it('is the user’s runtime directory, when there is one', () => {
    expect(recordDirectory({ XDG_RUNTIME_DIR: '/run/user/1000' })).toBe('/run/user/1000/rlimit');
  });

  it('without that variable is the usual one, where it is there', () => {
    const root = tree({ 'run/user/7/x': '' });
    const uid = statSync(root).uid;
    renameSync(`${root}/run/user/7`, `${root}/run/user/${uid}`);
    expect(recordDirectory({ XDG_RUNTIME_DIR: '' }, { uid, root })).toBe(
      `${root}/run/user/${uid}/rlimit`,
    );
  });

  it('is /run/rlimit for root and a directory in /tmp for others, as in containers', () => {
    const root = tree({});
    expect(recordDirectory({}, { uid: 0, root })).toBe(`${root}/run/rlimit`);
    expect(recordDirectory({}, { uid: 7, root })).toBe(`${root}/tmp/rlimit-7`);
    expect(recordDirectory({ TMPDIR: '/scratch' }, { uid: 7, root })).toBe('/scratch/rlimit-7');
  });

  it('in /tmp must be the user’s alone: nobody’s link, nobody else’s, not open to others', () => {
    const root = tree({ 'elsewhere/x': '' });
    const uid = process.getuid?.() ?? 0;
    // Root has its own place; what is tested here is the test of a directory in /tmp.
    const other = uid === 0 ? 7 : uid;
    const path = `${root}/rlimit-${other}`;
    const found = () => recordDirectory({ TMPDIR: root }, { uid: other, root });
    symlinkSync(`${root}/elsewhere`, path);
    expect(found()).toBeUndefined();
    rmSync(path);
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o777);
    if (uid === 0) chownSync(path, other, other);
    expect(found()).toBeUndefined();
    chmodSync(path, 0o700);
    expect(found()).toBe(path);
    if (uid === 0) {
      chownSync(path, 8, 8);
      expect(found()).toBeUndefined();
    }
  });

  it('that somebody else was quicker to make in /tmp is not written in', () => {
    const root = tree({ 'elsewhere/x': '' });
    symlinkSync(`${root}/elsewhere`, `${root}/rlimit-7`);
    expect(() => writeRecord(`${root}/rlimit-7`, RECORD)).toThrow('not a directory of yours alone');
    expect(readdirSync(`${root}/elsewhere`)).toEqual(['x']);
  });
});

describe('a record', () => {
  it('is read back as it was written', () => {
    const directory = `${tree({})}/rlimit`;
    writeRecord(directory, RECORD);
    expect(readRecords(directory)).toEqual({ records: [RECORD], broken: [] });
  });

  it('is the user’s alone, and leaves no draft behind', () => {
    const directory = `${tree({})}/rlimit`;
    writeRecord(directory, RECORD);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(`${directory}/${RECORD.unit}.json`).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual([`${RECORD.unit}.json`]);
  });

  it('is replaced by a later one of the same unit, and can be removed twice', () => {
    const directory = `${tree({})}/rlimit`;
    writeRecord(directory, RECORD);
    writeRecord(directory, { ...RECORD, profile: 'other' });
    expect(readRecords(directory).records).toMatchObject([{ profile: 'other' }]);
    removeRecord(directory, RECORD.unit);
    removeRecord(directory, RECORD.unit);
    expect(existsSync(`${directory}/${RECORD.unit}.json`)).toBe(false);
  });

  it('that cannot be written is an error of the system', () => {
    const root = tree({ file: '' });
    expect(() => writeRecord(`${root}/file`, RECORD)).toThrow('ENOTDIR');
    // XDG_RUNTIME_DIR itself is not made.
    expect(() => writeRecord(`${root}/missing/rlimit`, RECORD)).toThrow('ENOENT');
  });
});

describe('readRecords', () => {
  it('a directory that is not there has none', () => {
    expect(readRecords('/nonexistent/rlimit')).toEqual({ records: [], broken: [] });
  });

  it('reports broken files and reads the others', () => {
    const directory = tree({
      'broken.scope.json': '{',
      'list.scope.json': '[]',
      'old.scope.json': JSON.stringify({ ...RECORD, version: 0 }),
      'renamed.scope.json': JSON.stringify(RECORD),
      'systemd-version.json': '{}',
      'half.scope.json.123': '{',
    });
    writeRecord(directory, RECORD);
    const { records, broken } = readRecords(directory);
    expect(records).toEqual([RECORD]);
    expect(broken.map(({ path }) => path.slice(directory.length + 1)).sort()).toEqual([
      'broken.scope.json',
      'list.scope.json',
      'old.scope.json',
      'renamed.scope.json',
    ]);
    expect(broken.every(({ why }) => why !== '')).toBe(true);
  });

  it('a directory under the name of a record is reported, too', () => {
    const directory = tree({});
    mkdirSync(`${directory}/x.scope.json`);
    expect(readRecords(directory).broken).toHaveLength(1);
  });
});

describe('parseRecord', () => {
  it.each([
    ['unit', '../../etc/passwd'],
    ['unit', '--user.scope'],
    ['unit', 'x.timer'],
    ['properties', ['a']],
    ['properties', { MemoryMax: 5 }],
    ['command', 'make'],
    ['started', 'yesterday'],
    ['started', 1e300],
    ['jobs', '4'],
    ['cgroup', 'rlimit'],
    ['cgroup', '/a/../../etc'],
    ['cgroup', '/'],
    ['launcher', 'docker'],
    ['cwd', undefined],
  ])('refuses %s %j', (field, value) => {
    expect(() => parseRecord(JSON.stringify({ ...RECORD, [field]: value }))).toThrow(field);
  });

  it('gives a record or an Error, whatever it is given', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((x) => `{"version":1,"unit":${x}}`),
    );
    fc.assert(
      fc.property(text, (content) => {
        try {
          expect(parseRecord(content).version).toBe(1);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it('reads what JSON gives back of any record', () => {
    const record = fc.record({
      version: fc.constant(1 as const),
      unit: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}\.scope$/),
      slice: fc.string(),
      profile: fc.string(),
      properties: fc.dictionary(fc.stringMatching(/^[A-Z]\w{1,9}$/), fc.string(), {
        noNullPrototype: true,
      }),
      command: fc.array(fc.string()),
      cwd: fc.string(),
      started: fc.nat(),
    });
    fc.assert(
      fc.property(record, (value) => {
        expect(parseRecord(JSON.stringify(value))).toEqual(value);
      }),
    );
  });
});
