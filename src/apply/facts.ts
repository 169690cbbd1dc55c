/** What of a machine decides what a plan comes to there. */
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { namesIn, type Place, readText, said, Unknown } from '../doctor/place.js';
import { type Person, readPeople } from '../doctor/trees.js';
import type { Machine } from '../model/index.js';
import { configHome } from '../profiles/places.js';
import { reasonOf } from '../profiles/reason.js';
import { type TimerOptions, timerOptions } from '../timers/index.js';

/** A unit as far as its files tell. */
export interface UnitFile {
  /** Absent for a unit without a file. */
  path?: string;
  masked: boolean;
}

/** Everything that compiling a plan needs to know; a value that is not known is absent. */
export interface PlanFacts {
  machine: Machine;
  /** Whether it is a tree (`--root`), of which only files are known. */
  isTree: boolean;
  /** In a tree without any unit nothing can be said to be missing. */
  isBare: boolean;
  people: readonly Person[];
  uid: number;
  /** The caller's ~/.config. */
  configHome: string;
  /** Files that are merged with, or that decide, by path; absent where there is none. */
  texts: Readonly<Record<string, string>>;
  /** Services that a plan names, and those that its files are for. */
  units: Readonly<Record<string, UnitFile>>;
  /** Instances of templates that are loaded: `t3-serve@.service` → their names. */
  instances: Readonly<Record<string, readonly string[]>>;
  /** Services that are started at boot already, by a link in multi-user.target.wants: where it leads. */
  enabled: Readonly<Record<string, string>>;
  has: { docker: boolean; nix: boolean; zramGenerator: boolean; zramTools: boolean; oomd: boolean };
  /** How timers would be set up here. */
  timerOptions: TimerOptions;
  /** What could not be found out, as sentences. */
  unknown: readonly string[];
}

/** Where systemd looks for units of the system, the first that has one wins (systemd.unit(5)). */
const UNIT_PATH = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

export const MERGED_FILES = {
  docker: '/etc/docker/daemon.json',
  nix: '/etc/nix/nix.conf',
  zramTools: '/etc/default/zramswap',
  zramGenerator: '/etc/systemd/zram-generator.conf',
} as const;

const ALWAYS_ASKED = [
  'docker.service',
  'earlyoom.service',
  'nix-daemon.service',
  'systemd-oomd.service',
  'zramswap.service',
];

/**
 * Looks at a machine, or at a tree.
 * @param files further files that decide
 * @param services names of services in the plan; `t3-serve@*.service` for all instances
 */
export async function readFacts(
  place: Place,
  {
    machine,
    services,
    files,
  }: { machine: Machine; services: readonly string[]; files: readonly string[] },
): Promise<PlanFacts> {
  const unknown: string[] = [];
  const isTree = place.root !== '';
  const tolerant = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      unknown.push(error.message);
      return otherwise;
    }
  };
  const names = new Set([...ALWAYS_ASKED, ...services.map(fileNameOf)]);
  const units = Object.fromEntries([...names].map((name) => [name, unitFile(place, name)]));
  const texts = Object.fromEntries(
    [...Object.values(MERGED_FILES), ...files].flatMap((path) => {
      const text = tolerant(() => readText(place, path), undefined);
      return text === undefined ? [] : [[path, text]];
    }),
  );
  const templates = services.filter((name) => name.includes('@*'));
  const instances =
    isTree || templates.length === 0 ? {} : await instancesOf(place, templates, unknown);
  const hasUnit = (name: string) => units[name]?.path !== undefined;
  return {
    machine,
    isTree,
    isBare:
      isTree &&
      UNIT_PATH.every((folder) => !tolerant(() => namesIn(place, folder), []).some(isForeign)),
    people: tolerant(() => readPeople(place), []),
    uid: place.uid,
    configHome: configHome({ env: place.env, home: place.home }),
    texts,
    units,
    instances,
    enabled: Object.fromEntries(
      ALWAYS_ASKED.flatMap((name) => {
        const target = linkAtBoot(place, name);
        return target === undefined ? [] : [[name, target]];
      }),
    ),
    has: {
      docker: hasUnit('docker.service'),
      nix: hasUnit('nix-daemon.service') || texts[MERGED_FILES.nix] !== undefined,
      zramGenerator: ['/usr/lib', '/lib'].some((lib) =>
        exists(`${place.root}${lib}/systemd/system-generators/zram-generator`),
      ),
      zramTools: hasUnit('zramswap.service'),
      oomd: hasUnit('systemd-oomd.service'),
    },
    timerOptions: timerOptions('system', {}, { env: place.env }),
    unknown,
  };
}

/** The unit file of an instance is its template. */
export function fileNameOf(unit: string): string {
  return unit.replace(/@.*\.service$/, '@.service');
}

/** A service that no plan has made. */
function isForeign(name: string): boolean {
  return name.endsWith('.service') && !name.startsWith('rlimit-');
}

function unitFile(place: Place, name: string): UnitFile {
  for (const folder of UNIT_PATH) {
    const path = `${folder}/${name}`;
    const stats = lstatSync(`${place.root}${path}`, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const isNull = stats.isSymbolicLink() && readlinkSync(`${place.root}${path}`) === '/dev/null';
    const masked = isNull || (stats.isFile() && stats.size === 0);
    return { path, masked };
  }
  return { masked: false };
}

async function instancesOf(
  place: Place,
  templates: readonly string[],
  unknown: string[],
): Promise<Record<string, string[]>> {
  try {
    const argv = [
      'systemctl',
      '--system',
      '--no-pager',
      'list-units',
      '--plain',
      '--no-legend',
      '--',
      ...templates,
    ];
    const names = (await said(place, argv)).match(/^[\w:.\\@-]+\.service\b/gm) ?? [];
    return Object.fromEntries(
      templates.map((template) => {
        const file = fileNameOf(template);
        return [file, names.filter((name) => fileNameOf(name) === file)];
      }),
    );
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    unknown.push(`instances of ${templates.join(', ')} are not known: ${error.message}`);
    return {};
  }
}

function linkAtBoot(place: Place, name: string): string | undefined {
  const path = `${place.root}/etc/systemd/system/multi-user.target.wants/${name}`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

/** A link to a file that is not in this tree counts as well. */
function exists(path: string): boolean {
  try {
    return (
      lstatSync(path, { throwIfNoEntry: false }) !== undefined ||
      statSync(path, { throwIfNoEntry: false }) !== undefined
    );
  } catch (error) {
    throw new Unknown(`${path}: ${reasonOf(error)}`);
  }
}
