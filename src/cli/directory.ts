import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** As the kernel tells a process its directory: without symbolic links. It may be gone by now. */
export function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
