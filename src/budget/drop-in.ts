/**
 * The files that hold the budget for systemd: drop-ins of the slice. Light: `run` may look at them.
 */
import { readFileSync } from 'node:fs';
import { configHome } from '../profiles/places.js';
import { BUDGET_SLICE, type Surroundings } from './slice.js';

/** One limit of the budget as a drop-in says it. */
export interface Setting {
  property: string;
  /** In systemd's syntax: `200G`. */
  value: string;
  /** As it was asked for, where that is another text: `80% of memory`. */
  wish?: string;
  /** How the one became the other. */
  rule?: string;
}

/** A drop-in that is there. */
export interface DropIn {
  path: string;
  text: string;
  settings: Setting[];
}

export interface DropInPaths {
  persistent: string;
  /** Until the next boot; absent without XDG_RUNTIME_DIR. */
  runtime?: string;
}

/**
 * systemd reads drop-ins of all directories in the order of their file names (systemd.unit(5)), so
 * the later name wins over the earlier one, and over those that `systemctl set-property` writes
 * (`50-MemoryMax.conf`).
 */
export function dropInPaths({ env }: Pick<Surroundings, 'env'>): DropInPaths {
  const folder = `systemd/user/${BUDGET_SLICE}.d`;
  const runtime = env.XDG_RUNTIME_DIR;
  return {
    persistent: `${configHome({ env })}/${folder}/50-rlimit-budget.conf`,
    ...(runtime ? { runtime: `${runtime}/${folder}/60-rlimit-budget.conf` } : {}),
  };
}

/**
 * Reads one drop-in; absent where there is none.
 * @throws {Error} the system's own, where it is there and cannot be read
 */
export function readDropIn(path: string | undefined): DropIn | undefined {
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    return { path, text, settings: parseDropIn(text) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The drop-ins that are there, the one that wins last. */
export function readDropIns(places: Pick<Surroundings, 'env'>): DropIn[] {
  const { persistent, runtime } = dropInPaths(places);
  return [persistent, runtime].flatMap((path) => readDropIn(path) ?? []);
}

/** What drop-ins say together; an empty value takes an earlier one away, as in systemd. */
export function settingsOf(files: readonly DropIn[]): Setting[] {
  const settings = new Map<string, Setting>();
  for (const setting of files.flatMap((file) => file.settings)) {
    settings.delete(setting.property);
    if (setting.value !== '') settings.set(setting.property, setting);
  }
  return [...settings.values()];
}

const HEADER = `# Written by \`rlimit budget set\`: the share of the machine that all runs of rlimit have together.
# \`rlimit budget\` shows it, \`rlimit budget clear\` removes it. When this file was edited by hand, it
# is kept as a backup before it is replaced.
[Slice]
`;

/** The text of a drop-in: each limit, under a comment with the wish where that is another text. */
export function formatDropIn(settings: readonly Setting[]): string {
  return HEADER + settings.map(formatSetting).join('');
}

function formatSetting({ property, value, wish, rule }: Setting): string {
  // A line break would end the comment, and what follows it would be read as a setting.
  const words = [wish, rule].filter((part) => part !== undefined);
  const comment = words.join(': ').replace(/\s+/g, ' ');
  return `${comment === '' ? '' : `# ${comment}\n`}${property}=${value}\n`;
}

/** Reads a drop-in, by whomever it was written: the assignments of its [Slice] section. */
export function parseDropIn(text: string): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let comment: string | undefined;
  for (const line of text.split('\n')) {
    const [, property, value = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (line.startsWith('[')) section = line.trim();
    else if (property !== undefined && section === '[Slice]') {
      settings.push({ property, value, ...explained(comment) });
    }
    comment = section === '[Slice]' ? /^# (.+)$/.exec(line)?.[1] : undefined;
  }
  return settings;
}

function explained(comment: string | undefined): Pick<Setting, 'wish' | 'rule'> {
  if (comment === undefined) return {};
  const [, wish = comment, rule] = /^(.*?): (.+)$/.exec(comment) ?? [];
  return { wish, ...(rule === undefined ? {} : { rule }) };
}
