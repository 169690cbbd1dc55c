/** Nix, docker, and what users' managers are given. Pure. */
import { UsageError } from '../../errors/index.js';
import type { Controller } from '../../model/index.js';
import { looksLikeShare, parseShare } from '../../quantity/index.js';
import { delegateLines } from '../../systemd/delegation.js';
import { unitText, writtenBy } from '../../units/index.js';
import { MERGED_FILES, type PlanFacts } from '../facts.js';
import type { NixPlan, Plan } from '../plan.js';
import { withNixSettings } from './merge.js';
import type { Action, LeftOver, MachineWish, PlannedFile } from './types.js';

interface Parts {
  files: PlannedFile[];
  actions?: Action[];
  wishes?: MachineWish[];
  left?: LeftOver[];
  notes?: string[];
}

/** What Nix may start at once, in nix.conf: other lines of it stay. */
export function nix({ maxJobs, cores, timeout }: NixPlan, facts: PlanFacts): Parts {
  if (!facts.has.nix && !facts.isBare) {
    return { files: [], notes: ['Nix is not installed: nix.conf is not written'] };
  }
  const settings = {
    'max-jobs': String(jobsOf(maxJobs, facts.machine.cores)),
    cores: String(cores),
    ...(timeout === undefined ? {} : { timeout: String(timeout) }),
  };
  const path = MERGED_FILES.nix;
  return {
    files: [
      {
        path,
        content: withNixSettings(facts.texts[path] ?? '', settings),
        why: 'what Nix may start at once',
        manager: 'system',
      },
    ],
    actions: [
      { do: 'restart', unit: 'nix-daemon.service', why: 'it reads nix.conf when it starts' },
    ],
  };
}

/** A number, or a share of the cores, rounded down to at least one. */
function jobsOf(text: string, cores: number): number {
  if (!looksLikeShare(text)) return Number(text);
  return Math.max(1, Math.floor((parseShare(text).permyriad * cores) / 10_000));
}

/**
 * Containers below one slice: daemon.json gets `cgroup-parent`, and the systemd driver, without which
 * docker takes the name of a slice for a path (docs.docker.com, dockerd: cgroup-parent).
 * @throws {UsageError} for a daemon.json that is no JSON object: what it means is not ours to guess
 */
export function docker(slice: string, facts: PlanFacts): Parts {
  if (!facts.has.docker && !facts.isBare) {
    return { files: [], notes: ['docker is not installed: daemon.json is not written'] };
  }
  const path = MERGED_FILES.docker;
  const text = facts.texts[path];
  const data = text === undefined ? {} : objectIn(text, path);
  const wanted = {
    ...data,
    'cgroup-parent': slice,
    'exec-opts': driverOptions(data['exec-opts'], path),
  };
  const isThere = JSON.stringify(wanted) === JSON.stringify(data);
  return {
    files: [
      {
        path,
        content:
          isThere && text !== undefined
            ? text
            : `${JSON.stringify(wanted, null, indentOf(text))}\n`,
        why: `containers in ${slice}`,
        manager: 'system',
      },
    ],
    ...(isThere
      ? {}
      : {
          left: [
            {
              what: `new containers go to ${slice} once docker is started anew`,
              run: 'systemctl restart docker.service',
              ends: 'all containers that have no live-restore',
            },
          ],
        }),
  };
}

function driverOptions(options: unknown, path: string): unknown[] {
  const driver = 'native.cgroupdriver=systemd';
  if (options === undefined) return [driver];
  if (!Array.isArray(options)) throw notOurs(path, '"exec-opts" is no list');
  const others = options.filter((each) => !String(each).startsWith('native.cgroupdriver='));
  return options.includes(driver) ? options : [...others, driver];
}

function objectIn(text: string, path: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
      return data as Record<string, unknown>;
    }
  } catch (error) {
    throw notOurs(path, (error as Error).message);
  }
  throw notOurs(path, 'it is no object');
}

function notOurs(path: string, detail: string): UsageError {
  return new UsageError(`${path} cannot be merged with: ${detail}`, {
    why: 'What stands in it would be lost. Nothing was changed.',
    remedy: `mend it first: python3 -m json.tool ${path}`,
  });
}

/** As the file is indented already. */
function indentOf(text: string | undefined): string | number {
  return /^([ \t]+)"/m.exec(text ?? '')?.[1] ?? 2;
}

/** Controllers for users' managers; one that runs already finds out only at its next start. */
export function delegate(plan: Plan, controllers: Controller[]): Parts {
  return {
    files: [
      {
        path: `/etc/systemd/system/user@.service.d/60-rlimit-${plan.name}.conf`,
        content: unitText([`${writtenBy(plan.name)}.`], [['Service', delegateLines(controllers)]]),
        why: 'controllers of users’ managers',
        manager: 'system',
      },
    ],
    wishes: [{ what: 'delegation', controllers }],
    left: [
      {
        what: 'a user’s manager has new controllers from its next start on: after the last session of the user has ended',
        run: 'systemctl restart user@UID.service',
        ends: 'every program of that user, the desktop included',
      },
    ],
  };
}
