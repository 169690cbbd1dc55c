import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendOutcome,
  COMMAND_LIMIT,
  HISTORY_LIMIT,
  historyFile,
  parseOutcome,
  readHistory,
  removeHistory,
} from '../../../src/state/index.js';
import { tree } from '../cgroup/tree.js';
import { killed, OUTCOME, outcome } from '../history/outcome.js';
import { beOrdinaryUser } from '../ordinary-user.js';

/** A state directory of its own, and the history in it. */
function place(files: Record<string, string> = {}) {
  const root = tree(files);
  const env = { XDG_STATE_HOME: root };
  return { root, env, file: historyFile(env) };
}

/** A history with so many bytes of runs, in lines of one length. */
function filled(bytes: number) {
  const { root, env, file } = place();
  appendOutcome(outcome({ unit: 'rlimit-x-old.scope' }), env);
  const line = readFileSync(file, 'utf8');
  const count = Math.ceil(bytes / line.length);
  writeFileSync(file, line.repeat(count));
  return { root, env, file, count };
}

const unitsOf = (env: NodeJS.ProcessEnv) => readHistory(env).outcomes.map(({ unit }) => unit);

describe('where the history is', () => {
  it.each([
    [{ XDG_STATE_HOME: '/state', HOME: '/home/dev' }, '/state/rlimit/history.jsonl'],
    [{ XDG_STATE_HOME: 'state', HOME: '/home/dev' }, '/home/dev/.local/state/rlimit/history.jsonl'],
    [{ XDG_STATE_HOME: '', HOME: '/home/dev' }, '/home/dev/.local/state/rlimit/history.jsonl'],
  ])('%j', (env, file) => {
    expect(historyFile(env)).toBe(file);
  });

  it('does not need $HOME', () => {
    expect(historyFile({})).toMatch(/^\/.*\/\.local\/state\/rlimit\/history\.jsonl$/);
  });
});

describe('an outcome', () => {
  it('is read back as it was written, one a line', () => {
    const { env, file } = place();
    appendOutcome(OUTCOME, env);
    appendOutcome(killed(), env);
    expect(readHistory(env)).toEqual({ outcomes: [OUTCOME, killed()], skipped: [] });
    expect(readFileSync(file, 'utf8')).toMatch(/^\{"version":1,.*\}\n\{"version":1,.*\}\n$/);
  });

  it('is for the user alone, parent directories included', () => {
    const { root, file } = place();
    const before = process.umask(0);
    appendOutcome(OUTCOME, { XDG_STATE_HOME: `${root}/a/b` });
    process.umask(before);
    for (const path of ['a', 'a/b', 'a/b/rlimit']) {
      expect(statSync(`${root}/${path}`).mode & 0o777).toBe(0o700);
    }
    expect(statSync(file.replace(root, `${root}/a/b`)).mode & 0o777).toBe(0o600);
  });

  it.each(['{"version":1,"unit":"rli', '\0\0\0\0', '}'])(
    'begins on its own line behind the torn %j',
    (torn) => {
      const { env, file } = place();
      appendOutcome(OUTCOME, env);
      appendFileSync(file, torn);
      appendOutcome(killed(), env);
      expect(readHistory(env)).toEqual({
        outcomes: [OUTCOME, killed()],
        skipped: [{ file, line: 2, why: 'it is not whole JSON' }],
      });
      expect(readFileSync(file, 'utf8').split('\n')[1]).toBe(torn);
    },
  );

  it('is found behind a torn one on the same line', () => {
    const { env, file } = place();
    appendOutcome(OUTCOME, env);
    const line = readFileSync(file, 'utf8');
    for (const torn of [line.slice(0, 100), '\0\0\0']) {
      writeFileSync(file, `${torn}${line}`);
      expect(readHistory(env)).toMatchObject({ outcomes: [OUTCOME], skipped: [{ line: 1 }] });
    }
  });

  it('keeps the beginning of a very long command', () => {
    const { env } = place();
    const command = ['cc', ...Array.from({ length: 5000 }, (_, n) => `file${n}.c`)];
    appendOutcome(outcome({ command }), env);
    appendOutcome(outcome({ command: ['sh', '-c', 'ü'.repeat(100_000)] }), env);
    const [many, long] = readHistory(env).outcomes;
    expect(many?.commandBytes).toBe(command.join(' ').length);
    expect(many?.command.slice(0, 3)).toEqual(['cc', 'file0.c', 'file1.c']);
    expect(many?.command.at(-1)).toMatch(/…$/);
    expect(long?.commandBytes).toBe(200_000 + 'sh -c '.length);
    expect(long?.command[2]).toMatch(/^ü+…$/);
    for (const { command: kept = [] } of [many ?? OUTCOME, long ?? OUTCOME]) {
      const bytes = Buffer.byteLength(kept.join(' ').replace(/…$/, ''));
      expect(bytes).toBeLessThanOrEqual(COMMAND_LIMIT);
      expect(bytes).toBeGreaterThan(COMMAND_LIMIT - 20);
    }
  });

  it('of any command is never longer than the limit, nor cut below it', () => {
    const { env } = place();
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3000 })), (command) => {
        removeHistory(env);
        appendOutcome(outcome({ command }), env);
        const [{ command: kept, commandBytes } = OUTCOME] = readHistory(env).outcomes;
        const bytes = Buffer.byteLength(command.join(' '));
        if (bytes <= COMMAND_LIMIT) {
          expect([kept, commandBytes]).toEqual([command, undefined]);
        } else {
          expect(commandBytes).toBe(bytes);
          expect(Buffer.byteLength(kept.join(' '))).toBeLessThanOrEqual(COMMAND_LIMIT + 3);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a long verdict short', () => {
    const { env, file } = place();
    const evidence = Array.from({ length: 1000 }, () => 'x'.repeat(5000));
    const verdict = { ...killed().verdict, says: 'y'.repeat(5000), evidence };
    appendOutcome(killed({ verdict }), env);
    expect(readHistory(env).outcomes).toHaveLength(1);
    expect(statSync(file).size).toBeLessThan(64 * 1024);
  });

  it('that cannot be written is an error, whatever stands in its way', () => {
    const attempt = (files: Record<string, string>, prepare: (root: string) => void) => {
      const { root, env } = place(files);
      prepare(root);
      return () => appendOutcome(OUTCOME, env);
    };
    const linked = (to: string) => (root: string) => {
      mkdirSync(`${root}/rlimit`);
      symlinkSync(to, `${root}/rlimit/history.jsonl`);
    };
    expect(attempt({}, linked('/dev/full'))).toThrow('ELOOP');
    expect(attempt({}, linked('elsewhere'))).toThrow('ELOOP');
    expect(attempt({ rlimit: 'a file' }, () => {})).toThrow('ENOTDIR');
    expect(attempt({ 'rlimit/history.jsonl/x': '' }, () => {})).toThrow('EISDIR');
    expect(
      attempt({ 'rlimit/x': '' }, (root) => {
        spawnSync('mkfifo', [`${root}/rlimit/history.jsonl`]);
      }),
    ).toThrow('is not a regular file');
  });

  it('without permission is an error that names the file', () => {
    const { root, env, file } = place({ 'rlimit/history.jsonl': '' });
    beOrdinaryUser(root);
    spawnSync('chmod', ['0444', file]);
    expect(() => appendOutcome(OUTCOME, env)).toThrow(`EACCES: permission denied, open '${file}'`);
  });
});

describe('a full history', () => {
  it('becomes the old generation, which is read first', () => {
    const { env, file, count } = filled(HISTORY_LIMIT);
    appendOutcome(outcome({ unit: 'rlimit-x-new.scope' }), env);
    expect(unitsOf(env)).toEqual([
      ...Array(count).fill('rlimit-x-old.scope'),
      'rlimit-x-new.scope',
    ]);
    expect(statSync(`${file}.1`).size).toBeGreaterThanOrEqual(HISTORY_LIMIT);
    expect(statSync(file).size).toBeLessThan(1000);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(file.replace(/\/[^/]*$/, ''))).toHaveLength(2);
  });

  it('has one old generation: what was there falls out', () => {
    const { env, file, count } = filled(HISTORY_LIMIT);
    writeFileSync(`${file}.1`, 'older\n');
    appendOutcome(outcome({ unit: 'rlimit-x-new.scope' }), env);
    expect(readHistory(env)).toMatchObject({ outcomes: { length: count + 1 }, skipped: [] });
  });

  it('just below its limit is only appended to', () => {
    const { env, file } = filled(HISTORY_LIMIT - 2000);
    truncateSync(file, HISTORY_LIMIT - 1);
    appendOutcome(OUTCOME, env);
    expect(existsSync(`${file}.1`)).toBe(false);
  });

  it('is appended to all the same while another run sets it aside', async () => {
    const { env, file, count } = filled(HISTORY_LIMIT);
    const holder = spawn('flock', ['-x', file, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    appendOutcome(OUTCOME, env);
    expect(existsSync(`${file}.1`)).toBe(false);
    const ended = new Promise((resolve) => holder.once('close', resolve));
    holder.stdin.end();
    await ended;
    appendOutcome(OUTCOME, env);
    expect(existsSync(`${file}.1`)).toBe(true);
    expect(readHistory(env).outcomes).toHaveLength(count + 2);
  });

  it('that cannot be set aside is said, and the run is kept', () => {
    const { env, file, count } = filled(HISTORY_LIMIT);
    mkdirSync(`${file}.1/x`, { recursive: true });
    expect(() => appendOutcome(OUTCOME, env)).toThrow(/is full and could not be set aside: EISDIR/);
    rmSync(`${file}.1`, { recursive: true });
    expect(readHistory(env).outcomes).toHaveLength(count + 1);
  });
});

describe('many runs at once', () => {
  const processes = 20;
  const each = 50;
  const program = () => {
    const file = `${tree({})}/append-many.cjs`;
    const source = fileURLToPath(new URL('append-many.ts', import.meta.url));
    buildSync({ entryPoints: [source], outfile: file, bundle: true, platform: 'node' });
    return file;
  };

  /** Starts appenders, and lets all begin at the same time. */
  async function appendAtOnce(script: string, root: string): Promise<void> {
    const start = `${root}/start`;
    const children = Array.from({ length: processes }, (_, name) =>
      spawn(process.execPath, [script, start, String(each), `p${name}`], {
        env: { ...process.env, XDG_STATE_HOME: root },
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    await Promise.all(
      children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))),
    );
    writeFileSync(start, '');
    expect(await Promise.all(ended)).toEqual(children.map(() => 0));
    rmSync(start);
  }

  // From a full file: all of them find it full at the same time. From a nearly full one: it fills
  // up in the midst.
  it.each([HISTORY_LIMIT, HISTORY_LIMIT - 200_000])(
    'lose nothing and mix nothing, from %i bytes on',
    async (bytes) => {
      const script = program();
      for (let round = 0; round < 3; round += 1) {
        const { root, env, file, count } = filled(bytes);
        await appendAtOnce(script, root);
        const { outcomes, skipped } = readHistory(env);
        expect(skipped).toEqual([]);
        const units = outcomes.map(({ unit }) => unit).filter((unit) => !unit.includes('old'));
        expect(new Set(units).size).toBe(processes * each);
        expect(outcomes).toHaveLength(count + processes * each);
        expect(statSync(`${file}.1`).size).toBeGreaterThanOrEqual(HISTORY_LIMIT);
        expect(statSync(file).size).toBeLessThan(HISTORY_LIMIT);
      }
    },
    120_000,
  );

  it('come back when the history is removed under them', () => {
    const { env } = place();
    appendOutcome(OUTCOME, env);
    removeHistory(env);
    expect(readHistory(env)).toEqual({ outcomes: [], skipped: [] });
    appendOutcome(OUTCOME, env);
    expect(readHistory(env).outcomes).toHaveLength(1);
  });

  it('leave a torn line when there is no room, which the next one heals', () => {
    const { root, env, file } = place();
    appendOutcome(OUTCOME, env);
    const script = program();
    writeFileSync(`${root}/start`, '');
    // Files of at most 2 blocks: 1024 bytes in dash.
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -f 2; exec "$@"`, 'sh', process.execPath, script, `${root}/start`, '2', 'p'],
      { env: { ...process.env, ...env }, encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`${file}: EFBIG`);
    expect(statSync(file).size).toBe(1024);
    appendOutcome(killed(), env);
    const { outcomes, skipped } = readHistory(env);
    expect(outcomes).toEqual([OUTCOME, killed()]);
    expect(skipped).toMatchObject([{ line: 2 }]);
  });
});

describe('readHistory', () => {
  it('of nothing is empty', () => {
    expect(readHistory({ XDG_STATE_HOME: '/nonexistent' })).toEqual({ outcomes: [], skipped: [] });
  });

  it('takes a last line that is whole but not ended, and no empty ones', () => {
    const { env, file } = place();
    appendOutcome(OUTCOME, env);
    writeFileSync(file, `\n\n${readFileSync(file, 'utf8').trimEnd()}`);
    expect(readHistory(env)).toEqual({ outcomes: [OUTCOME], skipped: [] });
  });

  it('says of both files which lines it passed over', () => {
    const { env, file } = place({ 'rlimit/history.jsonl.1': '[]\n' });
    appendOutcome(OUTCOME, env);
    appendFileSync(file, `${JSON.stringify({ ...OUTCOME, version: 2 })}\n{"version":1}\nx\n`);
    expect(readHistory(env)).toEqual({
      outcomes: [OUTCOME],
      skipped: [
        { file: `${file}.1`, line: 1, why: 'it is not an outcome' },
        { file, line: 2, why: 'its version is 2, not 1' },
        { file, line: 3, why: 'its field unit is missing or of a wrong type' },
        { file, line: 4, why: 'it is not whole JSON' },
      ],
    });
  });

  it('counts a file once that becomes the old generation meanwhile', () => {
    const { env, file } = place();
    appendOutcome(OUTCOME, env);
    renameSync(file, `${file}.1`);
    expect(readHistory(env).outcomes).toHaveLength(1);
    // The same file under both names is what a reader meets that opened it before the rename.
    spawnSync('ln', [`${file}.1`, file]);
    expect(readHistory(env).outcomes).toHaveLength(1);
  });

  it.each([
    ['ELOOP', (file: string) => symlinkSync('/etc/passwd', file), /symbolic link/],
    ['EISDIR', (file: string) => mkdirSync(file), /not a regular file/],
    ['a FIFO', (file: string) => spawnSync('mkfifo', [file]), /not a regular file/],
  ])('of %s is not available, with the way to mend it', (_, make, why) => {
    const { env, file } = place({ 'rlimit/x': '' });
    make(file);
    expect(() => readHistory(env)).toThrow(
      expect.objectContaining({
        message: `the history ${file} cannot be read`,
        exitCode: 3,
        why: expect.stringMatching(why),
        remedy: expect.stringContaining(file),
      }),
    );
  });

  it('of a file of somebody else is not available', () => {
    const { root, env, file } = place({ 'rlimit/history.jsonl': '' });
    beOrdinaryUser(root);
    spawnSync('chmod', ['0', file]);
    expect(() => readHistory(env)).toThrow(
      expect.objectContaining({ exitCode: 3, remedy: expect.stringContaining('chown') }),
    );
  });
});

describe('parseOutcome', () => {
  it.each([
    ['unit', 5],
    ['command', 'make'],
    ['started', 'yesterday'],
    ['started', 1e300],
    ['elapsedMs', null],
    ['figures', { memoryPeak: '4G' }],
    ['figures', []],
    ['verdict', { id: 'finished', says: 'so' }],
    ['limits', { MemoryMax: 5 }],
    ['cwd', undefined],
  ])('refuses %s %j', (field, value) => {
    expect(() => parseOutcome(JSON.stringify({ ...OUTCOME, [field]: value }))).toThrow(field);
  });

  it('lets words of a later rlimit pass', () => {
    const later = { ...OUTCOME, launcher: 'vm', verdict: { id: 'new', says: '', evidence: [] } };
    expect(parseOutcome(JSON.stringify({ ...later, more: 1 }))).toEqual({ ...later, more: 1 });
  });

  it('gives an outcome or an Error, whatever it is given', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"version":1,"unit":${json}}`),
    );
    fc.assert(
      fc.property(text, (content) => {
        try {
          expect(parseOutcome(content).version).toBe(1);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
