import { existsSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { readMachine } from '../../machine/index.js';
import { configHome } from '../../profiles/places.js';
import { type Fix, remedyOf } from '../fix.js';
import { type Place, readText, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** What Nix may start at once against the CPUs. */
export const nix: CheckSpec = {
  name: 'nix',
  title: 'Nix leaves CPUs for others',
  group: 'tools',
  look: (place) => {
    const facts = readNix(place);
    return facts === undefined ? NOT_INSTALLED : judgeNix(facts);
  },
};

const NOT_INSTALLED: Judged = {
  evidence: ['Nix is not installed (no /nix/store, no nix.conf)'],
  findings: [],
};

/** A setting with the place where it was written. */
export interface NixSetting {
  value: string;
  source: string;
}

export interface NixFacts {
  settings: Readonly<Record<string, NixSetting>>;
  cpus: number;
  /** Where a user's own settings are. */
  userFile: string;
  userText: string;
}

/**
 * What Nix was told; undefined where it is not installed.
 * @throws {Unknown} where an included file is not there, as Nix itself does not go on then
 */
export function readNix(place: Place): NixFacts | undefined {
  const userFile = `${configHome({ env: place.env, home: place.home })}/nix/nix.conf`;
  const files = [`${place.env.NIX_CONF_DIR || '/etc/nix'}/nix.conf`, userFile];
  const settings: Record<string, NixSetting> = {};
  const texts = files.map((file) => readText(place, file));
  if (texts.every((text) => text === undefined) && !existsSync(`${place.root}/nix/store`)) {
    return undefined;
  }
  files.forEach((file, at) => {
    const text = texts[at];
    if (text !== undefined) parseNixConf(place, { file, text }, settings);
  });
  const variable = place.env.NIX_CONFIG;
  if (variable) parseNixConf(place, { file: 'NIX_CONFIG', text: variable }, settings);
  return {
    settings,
    cpus: readMachine(`${place.root}/`, place.uid).cpus,
    userFile,
    userText: texts[1] ?? '',
  };
}

/** Includes go no deeper than this: one that includes itself would have no end. */
const DEPTH = 10;

/** Reads nix.conf(5): `name = value`, comments, `include` and `!include`; a later value wins. */
function parseNixConf(
  place: Place,
  { file, text }: { file: string; text: string },
  settings: Record<string, NixSetting>,
  depth = 0,
): void {
  for (const line of text.split('\n').map((each) => each.replace(/#.*/, '').trim())) {
    const [, optional, path] = /^(!?)include\s+(\S+)$/.exec(line) ?? [];
    const [, name, value] = /^(\S+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (path !== undefined && depth < DEPTH) {
      const full = isAbsolute(path) ? path : `${dirname(file)}/${path}`;
      const included = readText(place, full);
      if (included !== undefined) {
        parseNixConf(place, { file: full, text: included }, settings, depth + 1);
      } else if (optional === '') {
        throw new Unknown(`${file} includes ${full}, which is not there`);
      }
    } else if (name !== undefined && value !== undefined) {
      settings[name] = { value, source: file };
    }
  }
}

/** What Nix does where nothing is said (nix.conf(5)). */
const DEFAULTS: Readonly<Record<string, NixSetting>> = {
  'max-jobs': { value: '1', source: 'Nix’s default' },
  cores: { value: '0', source: 'Nix’s default' },
};

export function judgeNix(facts: NixFacts): Judged {
  const { settings, cpus, userFile } = facts;
  const [jobs, cores] = ['max-jobs', 'cores'].map(
    (name) => settings[name] ?? DEFAULTS[name] ?? { value: '', source: '' },
  ) as [NixSetting, NixSetting];
  const counts = [countOf(jobs.value, cpus), countOf(cores.value, cpus)] as const;
  const evidence = [
    `max-jobs = ${jobs.value} (${jobs.source}), cores = ${cores.value} (${cores.source})`,
  ];
  if (counts[0] === undefined || counts[1] === undefined) {
    return { evidence, findings: [], unknown: 'one of them is no number' };
  }
  const product = counts[0] * counts[1];
  evidence.push(`${counts[0]} builds × ${counts[1]} processes = ${product} on ${cpus} CPUs`);
  if (product <= cpus) return { evidence, findings: [] };
  const half = Math.max(1, Math.floor(cpus / 2));
  const fix: Fix = {
    trouble: 'nix-jobs-times-cores',
    title: `set max-jobs ${half} and cores 1 in ${userFile}`,
    root: false,
    steps: [{ file: userFile, content: withSettings(facts.userText, half) }],
  };
  const finding = found('warning', 'nix-jobs-times-cores', {
    property: 'max-jobs',
    wanted: `${half} × 1`,
    observed: `${counts[0]} × ${counts[1]}`,
    cause: `Nix may start ${product} processes on ${cpus} CPUs (${counts[0]} builds of ${counts[1]} each)`,
    remedy: `in /etc/nix/nix.conf (NixOS: nix.settings) for everybody, or for yourself:\n${remedyOf(fix)}`,
  });
  return { evidence, findings: [finding], fixes: [fix] };
}

/** `auto` and 0 mean all CPUs; max-jobs = 0 means that nothing is built here. */
function countOf(value: string, cpus: number): number | undefined {
  if (value === 'auto' || value === '0') return cpus;
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

/** A nix.conf with these settings in place of its own ones. */
function withSettings(text: string, jobs: number): string {
  const rest = text.split('\n').filter((line) => !/^\s*(max-jobs|cores)\s*=/.test(line));
  const head = rest.join('\n').trimEnd();
  return `${head === '' ? '' : `${head}\n`}max-jobs = ${jobs}\ncores = 1\n`;
}
