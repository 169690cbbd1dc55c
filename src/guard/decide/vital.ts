/**
 * Processes that nothing is ever done to: the kernel's, PID 1, an administrator's way in, the guard and
 * whoever it lives by. A name alone does not make a process one of them, since every process can choose
 * its own; it has to be where only the system puts processes, or belong to whom the machine belongs.
 */
import type { ProcessSample } from '../../model/index.js';
import type { Scene } from './types.js';

/** comm of the system's own and of ways in, cut to the 15 bytes that the kernel keeps. */
const VITAL =
  /^(init|systemd|systemd-.*|\(sd-.*\)?|\(systemd.*|sshd|sshd-session|sshd-auth|dropbear|mosh-server|login|agetty|getty|su|sudo|doas|dbus-daemon|dbus-broker|dbus-broker-lau|polkitd|dockerd|containerd|containerd-shim.*|crio|conmon|podman|tmux|tmux: server|tmux: client|screen|SCREEN|earlyoom)$/;

/** Ways in that belong to the user who opened them. */
const OF_A_USER = /^(tmux|tmux: server|tmux: client|screen|SCREEN|mosh-server)$/;

/** comm of shells, and of what starts a login shell. */
const SHELL = /^-?(sh|ash|dash|bash|rbash|zsh|fish|ksh|mksh|ksh93|tcsh|csh|nu|xonsh|elvish|pwsh)$/;
const OPENS_SHELLS =
  /^(sshd|sshd-session|dropbear|mosh-server|login|su|sudo|doas|systemd|tmux: server|tmux|screen|SCREEN)$/;

const NEVER_KILLED = -1000;

/** PIDs of all of them in a sample. */
export function vitalPids(
  processes: readonly ProcessSample[],
  byPid: ReadonlyMap<number, ProcessSample>,
  scene: Scene,
): Set<number> {
  const vital = new Set<number>([1, 2, scene.self, ...ancestorsOf(scene.self, byPid)]);
  for (const each of processes) {
    if (isVital(each, byPid, scene)) vital.add(each.pid);
  }
  return vital;
}

function isVital(
  process: ProcessSample,
  byPid: ReadonlyMap<number, ProcessSample>,
  scene: Scene,
): boolean {
  // What the guard itself has started is a part of it.
  if (process.kernel === true || process.ppid === scene.self) return true;
  if (process.oomScoreAdj === NEVER_KILLED) return true;
  if (VITAL.test(process.comm)) return isBelieved(process, byPid, scene);
  return isAdminsShell(process, byPid, scene);
}

/** Whether a process with a vital name is what it says. Of whom nothing is known is believed. */
function isBelieved(
  { uid, cgroup = '', comm, ppid }: ProcessSample,
  byPid: ReadonlyMap<number, ProcessSample>,
  { admins }: Scene,
): boolean {
  if (uid === undefined || uid === 0) return true;
  if (OF_A_USER.test(comm) && admins.includes(uid)) return true;
  if (isOfTheSystem(cgroup)) return true;
  // sshd hands a session on to a process of the user, and stays its parent.
  const parent = byPid.get(ppid);
  if (comm.startsWith('sshd')) return parent?.uid === 0 && parent.comm.startsWith('sshd');
  // The user's own manager and bus, where systemd puts them.
  const manager = `user@${uid}.service/`;
  const within = cgroup.slice(cgroup.indexOf(manager) + manager.length);
  if (!cgroup.includes(`/${manager}`)) return false;
  return comm.startsWith('dbus')
    ? /(^|\/)dbus[\w-]*\.service$/.test(within)
    : within === 'init.scope';
}

/** Only root can put a process there. */
function isOfTheSystem(cgroup: string): boolean {
  return cgroup === '/init.scope' || cgroup.startsWith('/system.slice/');
}

/** A shell that an administrator came in by: its parent is what opens sessions. */
function isAdminsShell(
  { comm, argv0, uid, ppid }: ProcessSample,
  byPid: ReadonlyMap<number, ProcessSample>,
  { admins }: Scene,
): boolean {
  if (uid === undefined || !admins.includes(uid)) return false;
  if (!SHELL.test(comm)) return false;
  // login(1) and sshd(8) write a dash in front of the name of a login shell.
  if (argv0?.startsWith('-') === true || comm.startsWith('-')) return true;
  const parent = byPid.get(ppid);
  return parent === undefined || OPENS_SHELLS.test(parent.comm);
}

function ancestorsOf(pid: number, byPid: ReadonlyMap<number, ProcessSample>): number[] {
  const found: number[] = [];
  for (let at = byPid.get(pid)?.ppid; at !== undefined && at > 0; at = byPid.get(at)?.ppid) {
    // A sample is no snapshot: a PID that came round could close a circle.
    if (found.includes(at)) break;
    found.push(at);
  }
  return found;
}
