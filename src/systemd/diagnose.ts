import { existsSync, readFileSync, statSync } from 'node:fs';

/** What decides whether `systemctl --user` and `systemd-run --user` can reach a user manager. */
export interface UserManagerFacts {
  uid: number;
  /** Name of PID 1: `systemd`, or what a container runs instead. */
  init?: string;
  /** Whether systemd is the system's manager (sd_booted(3)). */
  booted: boolean;
  /** XDG_RUNTIME_DIR as it stands in the environment. */
  runtimeDirectory?: string;
  /** Who owns that directory; absent where it does not exist. */
  runtimeDirectoryOwner?: number;
  /** Whether /run/user/UID is there, the directory it should be. */
  usualDirectory: boolean;
  /** Whether a manager listens there or in runtimeDirectory: its own socket, or that of D-Bus. */
  managerSocket: boolean;
  /** DBUS_SESSION_BUS_ADDRESS as it stands in the environment. */
  busAddress?: string;
  /** Who called sudo, where sudo was called. */
  sudoUser?: string;
}

/** What is missing, why that stops us, and the command that mends it. */
export interface Diagnosis {
  message: string;
  why: string;
  remedy?: string;
}

/**
 * Explains systemd's "Failed to connect to bus": which of the things a connection needs is not
 * there. Absent when all are there.
 */
export function diagnoseUserManager(facts: UserManagerFacts): Diagnosis | undefined {
  if (!facts.booted) return withoutSystemd(facts);
  const directory = facts.runtimeDirectory;
  if (directory !== undefined && facts.runtimeDirectoryOwner !== undefined) {
    if (facts.runtimeDirectoryOwner !== facts.uid) return ofAnotherUser(facts, directory);
  }
  if (!facts.managerSocket) return withoutManager(facts);
  // Seen: the address of the bus alone is enough for systemctl and systemd-run.
  if (directory === undefined) return facts.busAddress ? undefined : withoutRuntimeDirectory();
  if (facts.runtimeDirectoryOwner === undefined) return withoutRuntimeDirectory(directory);
  return undefined;
}

/**
 * Reads those facts.
 * @param root directory that holds `run` and `proc`; another tree in tests
 */
export function readUserManagerFacts({
  env = process.env,
  uid = process.getuid?.() ?? 0,
  root = '',
}: {
  env?: NodeJS.ProcessEnv;
  uid?: number;
  root?: string;
} = {}): UserManagerFacts {
  const usual = `${root}/run/user/${uid}`;
  const init = readInit(root);
  const own = env.XDG_RUNTIME_DIR ? `${root}${env.XDG_RUNTIME_DIR}` : undefined;
  const owner = own === undefined ? undefined : ownerOf(own);
  return {
    uid,
    booted: existsSync(`${root}/run/systemd/system`),
    usualDirectory: existsSync(usual),
    managerSocket: listensIn(usual) || (own !== undefined && listensIn(own)),
    ...(init === undefined ? {} : { init }),
    ...(env.XDG_RUNTIME_DIR ? { runtimeDirectory: env.XDG_RUNTIME_DIR } : {}),
    ...(owner === undefined ? {} : { runtimeDirectoryOwner: owner }),
    ...(env.DBUS_SESSION_BUS_ADDRESS ? { busAddress: env.DBUS_SESSION_BUS_ADDRESS } : {}),
    ...(env.SUDO_USER ? { sudoUser: env.SUDO_USER } : {}),
  };
}

function withoutSystemd({ init }: UserManagerFacts): Diagnosis {
  const first = init === undefined ? '' : ` (PID 1 is ${init})`;
  return {
    message: `systemd does not run this system${first}`,
    why:
      'Limits are set by a systemd user manager, and without systemd as PID 1 there is none: ' +
      'most containers and some WSL set-ups are like that.',
    remedy:
      'run rlimit on the host or in a virtual machine; under WSL 2, put systemd=true under ' +
      '[boot] in /etc/wsl.conf and run `wsl --shutdown`',
  };
}

function ofAnotherUser(facts: UserManagerFacts, directory: string): Diagnosis {
  return {
    message: 'there is no connection to your systemd user manager: the session is another user’s',
    why:
      `XDG_RUNTIME_DIR is ${directory}, which belongs to user ${facts.runtimeDirectoryOwner}, ` +
      `and you are user ${facts.uid}: su and sudo change the user and keep the session.`,
    remedy: loginRemedy(facts),
  };
}

function withoutManager(facts: UserManagerFacts): Diagnosis {
  const message = 'there is no systemd user manager running for you';
  if (facts.usualDirectory) {
    return {
      message,
      why:
        `/run/user/${facts.uid} is there, but no manager listens in it: it is ending, it could ` +
        'not start, or its D-Bus (dbus-user-session) is not installed.',
      remedy: `sudo systemctl restart user@${facts.uid}.service`,
    };
  }
  return {
    message,
    why:
      `/run/user/${facts.uid} does not exist. A manager is started by a login (on the desktop, ` +
      'by ssh) and ends with the last one; su, sudo, cron and containers start none. With ' +
      'linger it runs without a login.',
    remedy: loginRemedy(facts),
  };
}

function withoutRuntimeDirectory(wrong?: string): Diagnosis {
  return {
    message: 'there is no connection to your systemd user manager',
    why:
      wrong === undefined
        ? 'It runs, but neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set, which tell ' +
          'where: su, sudo, cron and some ssh set-ups drop them.'
        : `It runs, but XDG_RUNTIME_DIR is ${wrong}, and there is no such directory.`,
    remedy: 'export XDG_RUNTIME_DIR=/run/user/$(id -u)',
  };
}

/** How to get a manager of one's own; root, who came by sudo or su, is usually the wrong user. */
function loginRemedy({ uid, sudoUser }: UserManagerFacts): string {
  if (uid === 0) {
    const user = sudoUser ?? 'USER';
    return `run rlimit without sudo as ${user}, or \`machinectl shell ${user}@\``;
  }
  return 'sudo loginctl enable-linger $USER && export XDG_RUNTIME_DIR=/run/user/$(id -u)';
}

function listensIn(directory: string): boolean {
  return existsSync(`${directory}/systemd/private`) || existsSync(`${directory}/bus`);
}

function readInit(root: string): string | undefined {
  try {
    return readFileSync(`${root}/proc/1/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}
