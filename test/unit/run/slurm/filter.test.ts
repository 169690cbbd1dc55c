import { describe, expect, it } from 'vitest';
import { ReportFilter } from '../../../../src/run/slurm/filter.js';

const WORD = 'rlimit-0123';

/** What passes and what is reported when a stream comes in pieces of a length. */
function filtered(text: string, length: number) {
  const filter = new ReportFilter(WORD);
  const bytes = Buffer.from(text, 'latin1');
  const passed: Buffer[] = [];
  const reports: string[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    const found = filter.push(bytes.subarray(at, at + length));
    passed.push(found.pass);
    reports.push(...found.reports);
  }
  passed.push(filter.flush());
  return { pass: Buffer.concat(passed).toString('latin1'), reports };
}

describe.each([1, 2, 3, 7, 1000])('in pieces of %i bytes', (length) => {
  it.each([
    ['', '', []],
    ['abc', 'abc', []],
    [`${WORD} begin\nabc`, 'abc', [' begin']],
    [`abc${WORD} end\n`, 'abc', [' end']],
    [`a\n${WORD} begin\nb${WORD} end\nc`, 'a\nbc', [' begin', ' end']],
    ['rlimit-012 rlimit-01', 'rlimit-012 rlimit-01', []],
    [`rlimit-0${WORD} x\n`, 'rlimit-0', [' x']],
    ['\xff\x00\n\xfe', '\xff\x00\n\xfe', []],
    // Never finished: it is handed on rather than lost.
    [`a${WORD} beg`, `a${WORD} beg`, []],
  ])('takes only the report out of %j', (text, pass, reports) => {
    expect(filtered(text, length)).toEqual({ pass, reports });
  });
});

it('holds nothing back that cannot be a report', () => {
  const filter = new ReportFilter(WORD);
  expect(filter.push(Buffer.from('prompt> ')).pass.toString()).toBe('prompt> ');
  expect(filter.push(Buffer.from('rl')).pass.toString()).toBe('');
  expect(filter.push(Buffer.from('x')).pass.toString()).toBe('rlx');
});
