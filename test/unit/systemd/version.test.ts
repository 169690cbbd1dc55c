import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSystemdVersion, systemdVersion } from '../../../src/systemd/version.js';
import { tree } from '../cgroup/tree.js';

describe('parseSystemdVersion', () => {
  it.each([
    ['systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT', 252],
    ['systemd 257 (257.13-1~deb13u1)', 257],
    ['systemd 262 (262~rc1-1)', 262],
    ['systemd 258~rc2', 258],
    ['systemd 255.4-1ubuntu8', 255],
    ['elogind 255', undefined],
    ['', undefined],
  ])('%j', (text, version) => {
    expect(parseSystemdVersion(text)).toBe(version);
  });
});

describe('systemdVersion', () => {
  /** A machine with a systemctl that counts how often it is called. */
  function machine(version: number) {
    const root = tree({ 'bin/systemctl': '', 'run/x': '' });
    const program = `${root}/bin/systemctl`;
    const write = (number: number) => {
      writeFileSync(program, `#!/bin/sh\necho x >>${root}/calls\necho "systemd ${number} (x)"\n`);
      chmodSync(program, 0o755);
    };
    write(version);
    return {
      program,
      write,
      env: { PATH: `/nonexistent:${root}/bin`, XDG_RUNTIME_DIR: `${root}/run` },
      calls: () => readFileSync(`${root}/calls`, 'utf8').split('\n').length - 1,
      cache: `${root}/run/rlimit/systemd-version.json`,
    };
  }

  it('asks once', () => {
    const { env, calls } = machine(257);
    expect(systemdVersion(env)).toBe(257);
    expect(systemdVersion(env)).toBe(257);
    expect(calls()).toBe(1);
  });

  it('asks again when the program was replaced', () => {
    const { env, calls, write, program } = machine(257);
    systemdVersion(env);
    write(262);
    utimesSync(program, 5, 5);
    expect(systemdVersion(env)).toBe(262);
    expect(calls()).toBe(2);
  });

  it('does not believe a broken note', () => {
    const { env, cache } = machine(257);
    systemdVersion(env);
    writeFileSync(cache, '{"key":');
    expect(systemdVersion(env)).toBe(257);
  });

  it('does without a place for the note', () => {
    const { env } = machine(257);
    expect(systemdVersion({ PATH: env.PATH })).toBe(257);
    expect(systemdVersion({ ...env, XDG_RUNTIME_DIR: '/nonexistent' })).toBe(257);
  });

  it('is unknown where there is no systemctl', () => {
    expect(systemdVersion({ PATH: tree({}) })).toBeUndefined();
  });
});
