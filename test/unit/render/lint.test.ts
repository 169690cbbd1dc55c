import { describe, expect, it } from 'vitest';
import type { ProfileProblem } from '../../../src/lint/index.js';
import { renderProfileCheck } from '../../../src/render/lint.js';

const warning: ProfileProblem = {
  id: 'sum-of-caps',
  severity: 'warning',
  profile: 'a',
  message: 'too much',
  why: 'Because.',
  remedy: 'one line\nanother',
};

const render = (...problems: ProfileProblem[]) =>
  renderProfileCheck({ checked: ['a', 'b'], problems }).split('\n');

describe('renderProfileCheck', () => {
  it('place, message, name, reason and mend', () => {
    const place = { file: '/p/a.yaml', line: 3, column: 5 };
    expect(render({ ...warning, ...place, severity: 'problem' })).toEqual([
      '/p/a.yaml:3:5: problem: too much [sum-of-caps]',
      '  Because.',
      '  mend: one line',
      '  another',
      'More of one: rlimit profile check --explain ID',
      '2 profiles checked, 1 problem',
    ]);
  });

  it('what built-in profiles have alike is told once, and counted', () => {
    const lines = render(warning, { ...warning, profile: 'b' }, { ...warning, message: 'other' });
    expect(lines[0]).toBe('profiles a, b: warning: too much [sum-of-caps]');
    expect(lines.at(-1)).toBe('2 profiles checked, no problem, 3 warnings');
  });

  it('files are never told together, and several profiles are named', () => {
    const inFile = { ...warning, file: '/p/x.yaml', line: 1 };
    expect(render(inFile, { ...inFile, line: 2 }).filter((line) => line.startsWith('/'))).toEqual([
      '/p/x.yaml:1:1: warning: too much [sum-of-caps]',
      '/p/x.yaml:2:1: warning: too much [sum-of-caps]',
    ]);
    const { profile: _, ...together } = { ...warning, profiles: ['a', 'b'] };
    expect(render(together)[0]).toBe('profiles a, b: warning: too much [sum-of-caps]');
  });

  it('nothing of a file reaches the terminal as it is', () => {
    const evil = { ...warning, file: '/p/\u001b[31m.yaml', message: 'a\u001b[2Jb', why: '\u0007' };
    expect(render(evil).join('\n')).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('all is well', () => {
    expect(render()).toEqual(['2 profiles checked, no problem']);
  });
});
