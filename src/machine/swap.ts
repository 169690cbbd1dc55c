/** What this computer's swap lies on. Not needed by `run`. */
import { readFileSync, statSync } from 'node:fs';
import type { SwapMedium } from '../model/index.js';

const SLOWEST_FIRST: readonly SwapMedium[] = ['rotational', 'solid-state', 'zram'];

/**
 * The slowest medium that swap is on at the moment; absent without swap, and where no device tells
 * (a swap file on a file system over several devices).
 * @param root directory that holds `proc` and `sys`, and the devices and files of swap; another tree
 *   in tests
 */
export function readSwapMedium(root = '/'): SwapMedium | undefined {
  const media = areas(root).map((area) => mediumOf(root, area));
  return SLOWEST_FIRST.find((medium) => media.includes(medium));
}

interface Area {
  path: string;
  isFile: boolean;
}

/** Lines of /proc/swaps: Filename, Type, Size, Used, Priority. Blanks in names are `\040` there. */
function areas(root: string): Area[] {
  const [, ...lines] = (readText(`${root}proc/swaps`) ?? '').split('\n');
  return lines.flatMap((line) => {
    const [name = '', type] = line.split(/\s+/);
    const path = name.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return path.startsWith('/') ? [{ path, isFile: type === 'file' }] : [];
  });
}

/** A partition has no queue of its own: its disk has. */
function mediumOf(root: string, { path, isFile }: Area): SwapMedium | undefined {
  if (/^\/dev\/zram\d+$/.test(path)) return 'zram';
  const device = deviceOf(`${root}${path.slice(1)}`, isFile);
  if (device === undefined) return undefined;
  const block = `${root}sys/dev/block/${device}`;
  const rotational =
    readText(`${block}/queue/rotational`) ?? readText(`${block}/../queue/rotational`);
  if (rotational === undefined) return undefined;
  return rotational.trim() === '1' ? 'rotational' : 'solid-state';
}

/** `MAJOR:MINOR` of the device, or of the one that the file lies on (sysmacros: makedev(3)). */
function deviceOf(path: string, isFile: boolean): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    const number = isFile ? stats.dev : stats.rdev;
    const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
    const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffffffffn);
    return `${major}:${minor}`;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
