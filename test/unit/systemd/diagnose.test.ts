import { describe, expect, it } from 'vitest';
import { systemctlFailure } from '../../../src/systemd/client.js';
import {
  diagnoseUserManager,
  readUserManagerFacts,
  type UserManagerFacts,
} from '../../../src/systemd/diagnose.js';
import { tree } from '../cgroup/tree.js';

const WELL: UserManagerFacts = {
  uid: 1000,
  init: 'systemd',
  booted: true,
  runtimeDirectory: '/run/user/1000',
  runtimeDirectoryOwner: 1000,
  usualDirectory: true,
  managerSocket: true,
  busAddress: 'unix:path=/run/user/1000/bus',
};

function without(...fields: (keyof UserManagerFacts)[]): UserManagerFacts {
  return Object.fromEntries(
    Object.entries(WELL).filter(([field]) => !fields.includes(field as keyof UserManagerFacts)),
  ) as unknown as UserManagerFacts;
}

describe('diagnoseUserManager', () => {
  it('has nothing to say where all is there', () => {
    expect(diagnoseUserManager(WELL)).toBeUndefined();
  });

  it('the address of the bus alone is enough', () => {
    expect(
      diagnoseUserManager(without('runtimeDirectory', 'runtimeDirectoryOwner')),
    ).toBeUndefined();
  });

  const cases: [string, UserManagerFacts, RegExp, RegExp][] = [
    [
      'another PID 1',
      { ...WELL, booted: false, init: 'tini' },
      /systemd does not run this system \(PID 1 is tini\)/,
      /on the host/,
    ],
    [
      'su: a directory of another user',
      { ...WELL, uid: 1001, runtimeDirectoryOwner: 1000 },
      /another user’s/,
      /loginctl enable-linger/,
    ],
    [
      'sudo',
      { ...WELL, uid: 0, runtimeDirectoryOwner: 1000, sudoUser: 'ana' },
      /another user’s/,
      /without sudo as ana, or `machinectl shell ana@`/,
    ],
    [
      'ssh without linger after the last logout, or cron',
      {
        ...without('runtimeDirectory', 'runtimeDirectoryOwner', 'busAddress'),
        usualDirectory: false,
        managerSocket: false,
      },
      /no systemd user manager running/,
      /loginctl enable-linger \$USER/,
    ],
    [
      'a manager that does not listen',
      { ...WELL, managerSocket: false },
      /no systemd user manager running/,
      /restart user@1000\.service/,
    ],
    [
      'no variable',
      without('runtimeDirectory', 'runtimeDirectoryOwner', 'busAddress'),
      /no connection/,
      /^export XDG_RUNTIME_DIR=\/run\/user\/\$\(id -u\)$/,
    ],
    [
      'a variable that leads nowhere',
      { ...without('runtimeDirectoryOwner'), runtimeDirectory: '/nope' },
      /no connection/,
      /^export XDG_RUNTIME_DIR/,
    ],
  ];
  it.each(cases)('%s', (_, facts, message, remedy) => {
    const diagnosis = diagnoseUserManager(facts);
    expect(diagnosis?.message).toMatch(message);
    expect(diagnosis?.remedy).toMatch(remedy);
    expect(diagnosis?.why).toMatch(/\.$/);
  });
});

describe('readUserManagerFacts', () => {
  const uid = process.getuid?.() ?? 0;

  it('reads a machine where all is well', () => {
    const root = tree({
      'proc/1/comm': 'systemd\n',
      'run/systemd/system/x': '',
      [`run/user/${uid}/systemd/private`]: '',
    });
    const env = { XDG_RUNTIME_DIR: `/run/user/${uid}` };
    const facts = readUserManagerFacts({ env, uid, root });
    expect(facts).toEqual({
      uid,
      init: 'systemd',
      booted: true,
      runtimeDirectory: `/run/user/${uid}`,
      runtimeDirectoryOwner: uid,
      usualDirectory: true,
      managerSocket: true,
    });
    expect(diagnoseUserManager(facts)).toBeUndefined();
  });

  it('reads a container', () => {
    const root = tree({ 'proc/1/comm': 'bash\n' });
    expect(readUserManagerFacts({ env: { SUDO_USER: 'ana' }, uid: 5, root })).toEqual({
      uid: 5,
      init: 'bash',
      booted: false,
      usualDirectory: false,
      managerSocket: false,
      sudoUser: 'ana',
    });
  });
});

describe('what systemctl says', () => {
  // 252, 257 and 262 in turn; systemd-run of older ones.
  it.each([
    'Failed to connect to bus: No medium found',
    'Failed to connect to user scope bus via local transport: No such file or directory',
    'Failed to create bus connection: Connection refused',
  ])('%s', (said) => {
    const failure = systemctlFailure(['show'], `${said}\n`);
    expect(failure.exitCode).toBe(3);
    expect(failure.message).not.toContain('systemctl show failed');
    expect(failure.why).toContain(said);
    expect(failure.remedy).toBeDefined();
  });

  it('another failure is passed on as it is', () => {
    const failure = systemctlFailure(['show'], 'Failed to parse property\nmore');
    expect(failure.message).toBe('systemctl show failed');
    expect(failure.why).toBe('Failed to parse property');
  });
});
