import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { takeStartedWith } from '../../../src/run/started-with.js';

/** Runs the shell part of bin/run.js and says what note it would hand to Node. */
function noteOf(setUp: string, verb = 'inspect'): string {
  const script = `
    PATH="${process.cwd()}/test/fixtures/note:$PATH"
    ${setUp}
    "${process.cwd()}/bin/run.js" ${verb}`;
  return execFileSync('/bin/bash', ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

describe('the note of bin/run.js', () => {
  it('tells soft limits, ignored signals and inherited descriptors', () => {
    const note = noteOf(`
      ulimit -Sn 512
      ulimit -Sc 8
      trap '' HUP INT USR1
      exec 5</dev/null 7</dev/null 12</dev/null 200>/dev/null`);
    const env: NodeJS.ProcessEnv = { RLIMIT_STARTED_WITH: note, KEPT: 'yes' };
    const { descriptors, env: _, ...rest } = takeStartedWith(env);
    expect(rest).toEqual({ noFile: '512', core: '16', ignoredSignals: [1, 2, 10] });
    expect(descriptors).toEqual(expect.arrayContaining([5, 7, 12, 200]));
    expect(env).toEqual({ KEPT: 'yes' });
  });

  it('tells the environment as it was, names that no shell takes included', () => {
    const set = [
      "'a.b-c=1 2'",
      'EMPTY=',
      'a=1',
      '_=x',
      "'LINES_=one\ntwo'",
      "'BASH_FUNC_f%%=() {  :\n}'",
    ];
    const note = noteOf(`exec env -i ${set.join(' ')} "PATH=$PATH" \\`, 'run');
    const { env } = takeStartedWith({ RLIMIT_STARTED_WITH: note });
    expect(env).toMatchObject({
      'a.b-c': '1 2',
      EMPTY: '',
      a: '1',
      _: 'x',
      LINES_: 'one\ntwo',
      'BASH_FUNC_f%%': '() {  :\n}',
    });
    expect(env).not.toHaveProperty('rl_env');
  });

  it('knows signals above 32', () => {
    const { ignoredSignals } = takeStartedWith({
      RLIMIT_STARTED_WITH: '1024 unlimited 8000000200000004 ',
    });
    expect(ignoredSignals).toEqual([3, 34, 64]);
  });

  it('says nothing where Node was started without the script', () => {
    expect(takeStartedWith({})).toEqual({ ignoredSignals: [], descriptors: [], env: {} });
  });
});
