import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApplyReport, CheckReport } from '../../src/apply/index.js';
import { desk } from './cli.js';

const MACHINE = ['--machine', 'cores=12,memory=20G,swap=0'];

describe('rlimit apply', () => {
  it('lists the ready plans, and asks for one', async () => {
    const { rlimit } = desk();
    const { stdout } = await rlimit(['apply', '--list']);
    expect(stdout).toMatch(/^shared-host +A machine that several people share/m);
    expect((await rlimit(['apply'])).status).toBe(2);
    const wrong = await rlimit(['apply', 'shared-hots']);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('Did you mean shared-host?');
  });

  it('writes into a tree after a look, and takes it back', async () => {
    const { rlimit, project } = desk();
    const words = ['apply', 'ai-services', '--root', 'image', ...MACHINE];
    const look = await rlimit([...words, '--diff']);
    expect(look.status).toBe(0);
    expect(look.stdout).toContain('+MemoryMax=8G');
    expect(look.stdout).toContain('caps together: 15G of 20G');
    expect(existsSync(join(project, 'image'))).toBe(false);
    const unasked = await rlimit(words);
    expect(unasked.status).toBe(2);
    expect(unasked.stderr).toContain('there is nobody to ask');
    const done = await rlimit([...words, '--yes', '--json']);
    expect(done.stderr).toBe('');
    const report = JSON.parse(done.stdout) as ApplyReport;
    expect(report.outcome).toBe('applied');
    const conf = join(project, 'image/etc/default/earlyoom');
    expect(readFileSync(conf, 'utf8')).toContain('-m 10,5 -s 100,100');
    const again = await rlimit([...words, '--yes']);
    expect(again.stdout).toContain('there is nothing to change');
    expect((await rlimit([...words, '--check'])).status).toBe(0);
    const back = await rlimit([...words, '--revert', '--yes']);
    expect(back.stdout).toContain('reverted: all is as it was before');
    expect(existsSync(conf)).toBe(false);
    const drift = await rlimit([...words, '--check', '--json']);
    expect(drift.status).toBe(1);
    expect(JSON.parse(drift.stdout) as CheckReport).toMatchObject({ isApplied: false });
  });

  it('tells what is wrong in a plan’s file, and where', async () => {
    const { rlimit, write } = desk();
    write('project/mine.yaml', 'summary: x\ntargets:\n  - service: ../../passwd\n');
    const { status, stderr } = await rlimit(['apply', './mine.yaml', '--diff']);
    expect(status).toBe(2);
    expect(stderr).toContain('./mine.yaml:3:14: service is not the name of a service');
  });

  it('refuses caps above the machine, and does nothing without systemd', async () => {
    const { rlimit, write, project } = desk();
    const plan = write(
      'project/greedy.yaml',
      'summary: x\ntargets:\n  - slice: docker.slice\n    limits: { MemoryMax: 6G }\n  - slice: a.slice\n    limits: { MemoryMax: 6G }\n',
    );
    const words = ['apply', plan, '--root', 'image', '--machine', 'memory=8G', '--yes'];
    const { status, stderr } = await rlimit(words);
    expect(status).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'over-committed: its caps add up to 12G, and the machine has 8G',
    );
    expect(existsSync(join(project, 'image/etc'))).toBe(false);
    expect((await rlimit([...words, '--force'])).status).toBe(0);
  });
});
