import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProgram } from '../../../src/run/program.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(`${tmpdir()}/rlimit-program-`);
  mkdirSync(`${dir}/first/tool`, { recursive: true });
  mkdirSync(`${dir}/second`);
  for (const name of ['tool', 'plain']) writeFileSync(`${dir}/second/${name}`, '#!/bin/sh\n');
  chmodSync(`${dir}/second/tool`, 0o755);
  chmodSync(`${dir}/second/plain`, 0o644);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('checkProgram', () => {
  it('finds a program as execvp does, past a directory of its name', () => {
    expect(() => checkProgram('tool', `${dir}/first:${dir}/second`)).not.toThrow();
    expect(() => checkProgram(`${dir}/second/tool`, undefined)).not.toThrow();
  });

  it.each([
    ['nowhere', 127],
    ['', 127],
    ['first/tool/..', 127],
    ['plain', 126],
  ])('%j ends with %i', (program, exitCode) => {
    expect(() => checkProgram(program, `${dir}/first:${dir}/second`)).toThrow(
      expect.objectContaining({ exitCode }),
    );
  });

  it('a directory that was named is not executable', () => {
    expect(() => checkProgram(`${dir}/first/tool`, '')).toThrow(
      expect.objectContaining({ exitCode: 126 }),
    );
  });
});
