/** What stands in the way of writing, found before anything is written. */
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UnavailableError, UsageError } from '../errors/index.js';
import { reasonOf } from '../profiles/reason.js';
import { formatBytes, roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';
import { checkTimers } from '../timers/index.js';
import type { Compiled } from './compile/types.js';
import { checkPlace } from './place.js';
import type { System } from './system.js';
import type { Draft } from './transaction.js';

/** @throws {UsageError} for caps that together are more than the machine */
export function refuseOverCommitted({ sums, plan }: Pick<Compiled, 'sums' | 'plan'>): void {
  if (!sums.isOver) return;
  const terms = sums.terms.map(({ what, bytes }) => `${what} (${formatBytes(bytes)})`).join(' + ');
  throw new UsageError(
    `plan ${plan} is over-committed: its caps add up to ${roughBytes(sums.caps)}, and the machine has ${roughBytes(sums.memory)}`,
    {
      why: `${terms}. Used all at once they take the machine down, and no cap acts.`,
      remedy: 'lower caps in a plan of your own, or a cap on the slice above them; or --force',
      trouble: 'sum-of-caps',
    },
  );
}

/** @throws {UnavailableError} for timers that systemd does not take, such as a wrong calendar event */
export async function refuseTimers(
  { files }: Pick<Compiled, 'files'>,
  changed: readonly string[],
  system: System,
): Promise<void> {
  const units = files
    .filter(({ path, why }) => why.startsWith('the timer ') && changed.includes(path))
    .flatMap(({ path, content, link }) => (link ? [] : [{ name: basename(path), text: content }]));
  if (units.length > 0) await checkTimers(units, 'system', (argv) => system.run(argv));
}

/** @throws {UsageError} for files that somebody else has changed, or manages */
export function refuseForeign({ edited, links }: Draft): void {
  const [link] = links;
  if (link !== undefined) {
    const isNix = /\/nix\/store\/|^\/etc\/static\//.test(link.target);
    throw new UsageError(
      `${printable(link.path)} is a symbolic link to ${printable(link.target)}: somebody else manages it`,
      isNix ? { why: NIXOS.why, remedy: NIXOS.remedy } : { remedy: 'to replace the link: --force' },
    );
  }
  if (edited.length === 0) return;
  throw new UsageError(
    `changed by somebody since the plan was applied: ${edited.map(printable).join(', ')}`,
    {
      why: 'It would be overwritten. Nothing was changed.',
      remedy:
        'look at it (rlimit apply PLAN --diff); with --force a copy is kept beside it, as FILE.rlimit-kept',
    },
  );
}

const NIXOS = {
  why: 'On NixOS the files below /etc are made from the system’s configuration.',
  remedy:
    'write a module and import it into configuration.nix: rlimit export nixos PROFILE --unit UNIT',
};

/**
 * @throws {UsageError} for a path that plans do not write to
 * @throws {UnavailableError} where the file system cannot be written to
 */
export function refuseUnwritable(
  paths: readonly string[],
  root: string,
  own: readonly string[],
): void {
  for (const path of paths) {
    checkPlace(path, root, own);
    const folder = nearest(dirname(`${root}${path}`));
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      const isNixos = existsSync(`${root}/etc/NIXOS`) || existsSync(`${root}/nix/store`);
      const isReadOnly = (error as NodeJS.ErrnoException).code === 'EROFS';
      throw new UnavailableError(
        `${printable(`${root}${path}`)} cannot be written: ${reasonOf(error)}`,
        {
          why: isReadOnly && isNixos ? NIXOS.why : 'Nothing was changed.',
          remedy: isReadOnly
            ? isNixos
              ? NIXOS.remedy
              : 'rlimit apply PLAN --root DIR writes the files elsewhere, to be put into the system’s image'
            : 'as root: sudo rlimit apply …',
        },
      );
    }
  }
}

function nearest(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined || folder === dirname(folder))
      return folder;
  }
}
