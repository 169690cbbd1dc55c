/** File systems on disks: which there are, and what is left on them. */
import { readFileSync, statfsSync } from 'node:fs';
import type { DiskSample } from '../model/index.js';

/** How often the mounts are looked at again, in milliseconds; what is left on them is, each time. */
const REFRESH_MS = 30_000;

/** Nobody has more disks than these. What has is a test, or a machine for containers. */
const MOST_DISKS = 64;

/** What lies on a disk and is full by nature: images of read-only file systems (snaps, media). */
const IMAGES = new Set(['squashfs', 'erofs', 'iso9660', 'udf', 'cramfs', 'romfs']);

/** These have no device of their own in /dev. Those of the network are left out: a dead one hangs. */
const WITHOUT_DEVICE = new Set(['zfs', 'bcachefs']);

interface Mount {
  mount: string;
  device: string;
}

/** What is needed of statfs(2); another one in tests. */
export type StatFs = (path: string) => { bsize: number; blocks: number; bavail: number };

export class DiskReader {
  readonly #proc: string;
  readonly #statfs: StatFs;
  #mounts: Mount[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(proc: string, statfs: StatFs = statfsSync) {
    this.#proc = proc;
    this.#statfs = statfs;
  }

  read(nowMs: number): DiskSample[] {
    if (nowMs - this.#readMs >= REFRESH_MS) {
      this.#mounts = this.#readMounts();
      this.#readMs = nowMs;
    }
    return this.#mounts.flatMap((mount) => this.#sampleOf(mount) ?? []);
  }

  #readMounts(): Mount[] {
    try {
      return mountsIn(readFileSync(`${this.#proc}/self/mountinfo`, 'utf8'));
    } catch {
      return [];
    }
  }

  #sampleOf({ mount, device }: Mount): DiskSample | undefined {
    try {
      const { bsize, blocks, bavail } = this.#statfs(mount);
      if (blocks <= 0) return undefined;
      return { mount, device, total: blocks * bsize, available: bavail * bsize };
    } catch {
      // Unmounted since, or not ours to see.
      return undefined;
    }
  }
}

/**
 * The file systems of /proc/self/mountinfo (proc_pid_mountinfo(5)) that are on disks, and the root
 * whatever it is on (an overlay in a container): each device once, where it is mounted nearest to the
 * root.
 */
export function mountsIn(mountinfo: string): Mount[] {
  const byPath = new Map<string, Mount>();
  // What is mounted over another one hides it.
  for (const line of mountinfo.split('\n')) {
    const mount = mountOf(line);
    if (mount === undefined) continue;
    if (mount.isDisk) byPath.set(mount.mount, mount);
    else byPath.delete(mount.mount);
  }
  const byDevice = new Map<string, Mount>();
  for (const { mount, device } of byPath.values()) {
    const known = byDevice.get(device);
    if (known === undefined || mount.length < known.mount.length) {
      byDevice.set(device, { mount, device });
    }
  }
  return [...byDevice.values()].sort((a, b) => (a.mount < b.mount ? -1 : 1)).slice(0, MOST_DISKS);
}

/** `36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue`. */
function mountOf(line: string): (Mount & { isDisk: boolean }) | undefined {
  const [before = '', after = ''] = line.split(' - ', 2);
  const mount = unescaped(before.split(' ')[4] ?? '');
  const [type = '', device = '', options = ''] = after.split(' ');
  if (!mount.startsWith('/')) return undefined;
  const onDevice = device.startsWith('/dev/') && !IMAGES.has(type);
  // What nobody can write to does not fill up. devtmpfs and the like have no device of that name.
  const isWritable = !options.split(',').includes('ro');
  const isRoot = mount === '/' && !/^(nfs|cifs|9p|fuse\.)/.test(type);
  const isDisk = isRoot || (isWritable && (onDevice || WITHOUT_DEVICE.has(type)));
  return { mount, device: unescaped(device), isDisk };
}

/** Blanks, tabs, line ends and backslashes are `\040` and so on there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
