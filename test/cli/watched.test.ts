import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { desk } from './cli.js';

/**
 * These run commands on this very machine, whatever it is: a container without systemd and without
 * cgroup v2 is enough for --launcher watched, and everything else has it as well.
 */
function place() {
  const { rlimit, project, write } = desk();
  const runtime = dirname(write('runtime/x', ''));
  const env = { XDG_RUNTIME_DIR: runtime };
  const run = (args: readonly string[], command: readonly string[]) =>
    rlimit(['run', '--launcher', 'watched', '-p', 'CPUQuota=', ...args, '--', ...command], env);
  return { run, rlimit: (args: readonly string[]) => rlimit(args, env), project, runtime };
}

/** Node is there wherever these tests are. */
const node = process.execPath;
/** Takes MiB after MiB, holding it, up to `most`. */
const hog = (most: number) =>
  `const all = []; for (let i = 0; i < ${most}; i++) all.push(Buffer.alloc(1048576, 1));`;

const records = (runtime: string) =>
  existsSync(join(runtime, 'rlimit'))
    ? readdirSync(join(runtime, 'rlimit')).filter((name) => name.includes('scope'))
    : [];

/** PIDs of live processes whose command line begins so, or after the program of it. */
function pidsWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        const state = readFileSync(`/proc/${name}/stat`, 'latin1');
        return (
          readFileSync(`/proc/${name}/cmdline`, 'utf8').startsWith(word) && !/\) Z/.test(state)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('a watched run', () => {
  it('is honest about what holds it', async () => {
    const { run } = place();
    const limits = ['-p', 'MemoryMax=300M', '-p', 'TasksMax=50', '-p', 'IOWeight=50'];
    const { status, stdout, stderr } = await run(limits, ['echo', 'hello']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'hello' });
    const text = stderr.replace(/\s+/g, ' ');
    expect(text).toMatch(/watched by rlimit: .*MemoryMax=300M/);
    expect(text).toContain('TasksMax=50');
    expect(text).toContain('all watching ends with rlimit');
    expect(text).toContain('warning: IOWeight=50 is not in force');
    expect(text).not.toMatch(/in force: [^:]*MemoryMax=300M TasksMax=50 in force/);
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says that there is no slice to put it into', async () => {
    const { run } = place();
    const { status, stderr } = await run(['--slice', 'work', '-p', 'MemoryMax='], ['true']);
    expect(status).toBe(0);
    expect(stderr.replace(/\s+/g, ' ')).toContain('--slice=work left out: slices are systemd’s');
  });

  it('is refused with --strict: watching is less than the kernel', async () => {
    const { run, project } = place();
    const { status, stderr } = await run(['--strict'], ['touch', join(project, 'ran')]);
    expect(status).toBe(125);
    expect(stderr).toContain('not started');
    expect(existsSync(join(project, 'ran'))).toBe(false);
  });

  it.each([
    ['exit 7', 7],
    ['kill -TERM $$', undefined],
    ['exit 0', 0],
  ])('ends as its command does: %s', async (script, status) => {
    const { run, runtime } = place();
    expect((await run(['-q'], ['sh', '-c', script])).status).toBe(status);
    expect(records(runtime)).toEqual([]);
  });

  it('has its variables, and the rest of the world unchanged', async () => {
    const { run } = place();
    const { stdout } = await run(
      ['-q', '-p', 'CPUWeight=20'],
      ['sh', '-c', 'echo $RLIMIT_UNIT; nice'],
    );
    expect(stdout).toMatch(/^rlimit-default-\w+\.scope\n\d+$/);
    expect(Number(stdout.split('\n')[1])).toBeGreaterThanOrEqual(7);
  });

  it('keeps a command to as many CPUs as its quota is', async () => {
    const { run } = place();
    const { stdout } = await run(
      ['-q', '-p', 'CPUQuota=100%'],
      ['grep', 'Cpus_allowed_list', '/proc/self/status'],
    );
    expect(stdout).toMatch(/:\s*\d+$/);
  });

  it('ends a hog at its MemoryMax, and says who it was', async () => {
    const { run } = place();
    // Node 24 calls itself MainThread.
    const result = await run(['-q', '--json', '-p', 'MemoryMax=200M'], [node, '-e', hog(4000)]);
    expect(result.status).toBeUndefined();
    const outcome = JSON.parse(result.stderr);
    expect(outcome.signal).toBe('SIGKILL');
    expect(outcome.launcher).toBe('watched');
    expect(outcome.verdict).toMatchObject({
      id: 'memory-max',
      says: expect.stringMatching(
        /^ended by rlimit at its own MemoryMax=200M: (node|MainThread) at \d/,
      ),
    });
    // It crossed the limit, and was far from what it wanted: 4 G.
    expect(outcome.figures.anonPeak).toBeGreaterThan(200 * 1024 ** 2);
    expect(outcome.figures.anonPeak).toBeLessThan(3 * 1024 ** 3);
  });

  it('lets live what stays below its limit, and tells what it used', async () => {
    const { run } = place();
    const script = `${hog(100)} setTimeout(() => console.log(all.length), 1500)`;
    const result = await run(['-q', '--json', '-p', 'MemoryMax=400M'], [node, '-e', script]);
    expect(result).toMatchObject({ status: 0, stdout: '100' });
    const { figures } = JSON.parse(result.stderr);
    expect(figures.anonPeak).toBeGreaterThan(100 * 1024 ** 2);
    expect(figures.anonPeak).toBeLessThan(200 * 1024 ** 2);
    expect(figures.cpuUsec).toBeGreaterThan(0);
  });

  it('kills the largest process only, and the build goes on, or all of it: OOMPolicy', async () => {
    const { run } = place();
    const script = `"${node}" -e '${hog(4000)}'; echo "job $?"`;
    const limits = ['-q', '-p', 'MemoryMax=200M'];
    const goesOn = await run([...limits, '-p', 'OOMPolicy=continue'], ['sh', '-c', script]);
    expect(goesOn).toMatchObject({ status: 0, stdout: 'job 137' });
    const stops = await run([...limits, '-p', 'OOMPolicy=stop'], ['sh', '-c', script]);
    expect(stops).toMatchObject({ status: undefined, stdout: '' });
  });

  it('contains a fork bomb', async () => {
    const { run } = place();
    const seconds = `60.${process.pid}`;
    // Bounded by itself as well: 500 processes.
    const script = `i=0; while [ $i -lt 500 ]; do sleep ${seconds} & i=$((i+1)); done; wait`;
    onTestFinished(() => {
      for (const pid of pidsWith(`sleep\0${seconds}\0`)) process.kill(pid, 'SIGKILL');
    });
    const result = await run(['-q', '--json', '-p', 'TasksMax=40'], ['sh', '-c', script]);
    expect(JSON.parse(result.stderr)).toMatchObject({
      verdict: { id: 'tasks-max', says: expect.stringContaining('TasksMax=40: ') },
    });
    expect(pidsWith(`sleep\0${seconds}\0`)).toEqual([]);
  }, 60_000);

  it('knows a daemon that left its parents behind, and ends it with the rest', async () => {
    const { run, project } = place();
    const file = join(project, 'pid');
    // It takes more memory than it may; by descent it is nobody's.
    const daemon = `sh -c 'echo $$ >"${file}"; exec "${node}" -e "${hog(4000)}"'`;
    const script = [
      `(setsid ${daemon} >/dev/null 2>&1 &)`,
      `until [ -s "${file}" ]; do sleep 0.05; done`,
      `while kill -0 "$(cat "${file}")" 2>/dev/null; do sleep 0.05; done`,
      'echo over',
    ].join('\n');
    const result = await run(['-q', '--json', '-p', 'MemoryMax=200M'], ['sh', '-c', script]);
    expect(JSON.parse(result.stderr)).toMatchObject({
      verdict: {
        id: 'memory-max',
        says: expect.stringMatching(/(node|MainThread) at .* was ended by rlimit/),
      },
    });
    expect(result).toMatchObject({ status: 0, stdout: 'over' });
  });
});

describe('a hundred runs at once', () => {
  it('are all distinct, leave nothing, and none is lost in the history', async () => {
    const { run, rlimit, runtime } = place();
    const numbers = Array.from({ length: 100 }, (_, number) => String(number));
    const ends = await Promise.all(
      numbers.map((number) => run(['-q'], ['sh', '-c', 'exit 0', number])),
    );
    expect(ends.filter(({ status }) => status !== 0)).toEqual([]);
    const { stdout } = await rlimit(['history', '--json', '--limit', '0']);
    const { runs } = JSON.parse(stdout) as { runs: { unit: string; command: string[] }[] };
    expect(new Set(runs.map(({ unit }) => unit)).size).toBe(100);
    expect(new Set(runs.map(({ command }) => command.at(-1))).size).toBe(100);
    expect(records(runtime)).toEqual([]);
  }, 120_000);
});

describe('inspect and kill of a watched run', () => {
  it('find it by its record, and end all of it', async () => {
    const { run, rlimit, runtime } = place();
    const seconds = `72.${process.pid}`;
    const running = run(
      ['-q', '-p', 'TasksMax=50', '--unit', 'rlimit-found-1'],
      [...['sh', '-c', `(setsid sleep ${seconds} &); exec sleep ${seconds}`]],
    );
    await expect.poll(() => pidsWith(`sleep\0${seconds}\0`).length, { timeout: 20_000 }).toBe(2);
    const inspected = await rlimit(['inspect', 'rlimit-found-1.scope', '--json', '--processes']);
    const [unit] = JSON.parse(inspected.stdout).units;
    expect(unit).toMatchObject({
      unit: 'rlimit-found-1.scope',
      launcher: 'watched',
      manager: 'none',
    });
    expect(unit.processes).toHaveLength(2);
    expect(unit.properties).toContainEqual({
      property: 'TasksMax',
      asked: '50',
      watched: true,
      inForce: true,
    });
    const killed = await rlimit(['kill', 'rlimit-found-1', '--json']);
    expect(JSON.parse(killed.stdout)).toMatchObject({ ended: 2, survived: 0 });
    expect((await running).status).toBeUndefined();
    expect(pidsWith(`sleep\0${seconds}\0`)).toEqual([]);
    expect(records(runtime)).toEqual([]);
  });

  it('say that nobody watches any more when rlimit was killed', async () => {
    const { run, rlimit, runtime } = place();
    const seconds = `73.${process.pid}`;
    const running = run(['-q', '-p', 'TasksMax=50', '--unit', 'rlimit-left-1'], ['sleep', seconds]);
    await expect.poll(() => pidsWith(`sleep\0${seconds}\0`).length, { timeout: 20_000 }).toBe(1);
    const record = JSON.parse(
      readFileSync(join(runtime, 'rlimit/rlimit-left-1.scope.json'), 'utf8'),
    );
    process.kill(record.runner.pid, 'SIGKILL');
    const inspected = await rlimit(['inspect', 'rlimit-left-1.scope', '--json']);
    expect(inspected.stdout).toContain('watcher-gone');
    expect((await rlimit(['kill', 'rlimit-left-1.scope'])).status).toBe(0);
    // The command had the pipes, too.
    await running;
    expect(pidsWith(`sleep\0${seconds}\0`)).toEqual([]);
    expect(records(runtime)).toEqual([]);
  });
});

describe('--launcher', () => {
  it('says what a wrong one should have been', async () => {
    const { rlimit } = place();
    const { status, stderr } = await rlimit(['run', '--launcher', 'docker', '--', 'true']);
    expect(status).toBe(2);
    expect(stderr).toContain('auto, user, system, cgroup, watched');
  });

  it('is watched where nothing else is to be had', async () => {
    const { rlimit } = place();
    // As root at the root of a cgroup v2 tree, or with a user manager, there is something better.
    const hasTree = existsSync('/sys/fs/cgroup/cgroup.controllers');
    if (hasTree || existsSync('/run/systemd/system')) return;
    const { status, stderr } = await rlimit(['run', '--', 'true']);
    expect(status).toBe(0);
    expect(stderr.replace(/\s+/g, ' ')).toContain('watched by rlimit');
    const refused = await rlimit(['run', '--launcher', 'cgroup', '--', 'true']);
    expect(refused.status).toBe(125);
    expect(refused.stderr.replace(/\s+/g, ' ')).toContain('Possible here: watched');
  });
});
