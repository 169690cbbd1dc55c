import { describe, expect, it } from 'vitest';
import { desk } from './cli.js';

const traces = `${import.meta.dirname}/../unit/guard/traces`;

describe('guard', () => {
  it('checks a file, and says where it is wrong', async () => {
    const { rlimit, write } = desk();
    const good = write('good.yaml', 'managed_processes: [vim]\n');
    const bad = write('bad.yaml', 'backstop:\n  term_percnt: 4\n');
    expect(await rlimit(['guard', 'check', good])).toMatchObject({ status: 0 });
    const told = await rlimit(['guard', 'check', bad]);
    expect(told).toMatchObject({ status: 1 });
    expect(told.stdout).toContain(`${bad}:2:3: there is no key "term_percnt" here; did you mean`);
    const json = await rlimit(['guard', 'check', good, '--json']);
    expect(JSON.parse(json.stdout).settings.managed_processes).toEqual(['vim']);
    expect(await rlimit(['guard', 'check', '/nowhere'])).toMatchObject({ status: 2 });
  });

  it('does not start with a file that is wrong, nor with an option that is none', async () => {
    const { rlimit, write } = desk();
    const bad = write('bad.yaml', 'interval: never\n');
    const told = await rlimit(['guard', 'run', '--config', bad]);
    expect(told).toMatchObject({ status: 2, stdout: '' });
    expect(told.stderr).toContain(`${bad}:1:11: interval should be a number`);
    expect(await rlimit(['guard', 'run', '--config', '/nowhere'])).toMatchObject({ status: 2 });
    expect(await rlimit(['guard', 'run', '--no-such'])).toMatchObject({ status: 2 });
  });

  it('replays a trace, by its own settings or by others', async () => {
    const { rlimit, write } = desk();
    const trace = `${traces}/slow-leak.jsonl`;
    const { stdout, status } = await rlimit(['guard', 'replay', trace]);
    expect(status).toBe(0);
    expect(stdout).toContain('end leaky (PID 2000) with SIGTERM');
    const config = write('off.yaml', 'backstop: {enabled: false}\n');
    const off = await rlimit(['guard', 'replay', trace, '--config', config, '--json']);
    const { steps } = JSON.parse(off.stdout) as { steps: { actions: { do: string }[] }[] };
    const done = steps.flatMap(({ actions }) => actions.map((action) => action.do));
    expect(done).toContain('warn');
    expect(done).not.toContain('end');
    expect(await rlimit(['guard', 'replay', config])).toMatchObject({ status: 2 });
  });

  it('says what it would do, and does nothing', async () => {
    const { rlimit } = desk();
    const { stdout, status } = await rlimit(['guard', 'run', '--dry-run', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: true,
      memory: { total: expect.any(Number) },
    });
  });
});
