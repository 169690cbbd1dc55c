/** A unit file with the drop-ins beside it. */
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UsageError } from '../../errors/index.js';
import { readProfileText } from '../../profiles/file.js';
import { type Assignment, parseUnitFile } from '../../systemd/unit-file.js';
import { environmentOf, limitsOf } from './settings.js';
import type { Found } from './types.js';
import { systemdWords } from './words.js';

const SECTIONS = ['Service', 'Slice', 'Scope', 'Socket', 'Mount', 'Swap'];

/**
 * Reads a unit file, and `FILE.d/*.conf` after it in the order of their names; or one drop-in alone.
 * @throws {ProfileFileError} for a file that cannot be read
 * @throws {UsageError} for one that has no section with limits
 */
export function fromUnitFile(path: string): Found {
  const files = [path, ...dropInsOf(path)];
  const found = files.flatMap((file) => parseUnitFile(readProfileText(file)));
  const sections = [...new Set(found.map(({ section }) => section))];
  const section = SECTIONS.find((each) => sections.includes(each));
  if (section === undefined) {
    throw new UsageError(`${path} is no unit file with limits`, {
      why: `It has none of the sections [${SECTIONS.join('], [')}].`,
      remedy: 'a unit file, or a Compose file whose name ends in .yml or .yaml',
    });
  }
  const own = found.filter((each) => each.section === section);
  const settings = limitsOf(own.filter(({ name }) => name !== 'Environment'));
  const variables = environmentOf(variablesOf(own));
  return {
    source: path,
    name: unitOf(path).replace(/\.\w+$/, ''),
    limits: settings.limits,
    environment: variables.environment,
    notCarried: [...settings.notCarried, ...variables.notCarried],
    notes: files.length > 1 ? [`read as well: ${files.slice(1).join(', ')}`] : [],
  };
}

/** Environment= adds up, and empty begins anew (systemd.exec(5)). */
function variablesOf(assignments: readonly Assignment[]): [string, string][] {
  const variables = new Map<string, string>();
  for (const { name, value } of assignments) {
    if (name !== 'Environment') continue;
    if (value === '') variables.clear();
    for (const word of systemdWords(value)) {
      const equals = word.indexOf('=');
      if (equals > 0) variables.set(word.slice(0, equals), word.slice(equals + 1));
    }
  }
  return [...variables];
}

function dropInsOf(path: string): string[] {
  try {
    return readdirSync(`${path}.d`)
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .sort()
      .map((name) => `${path}.d/${name}`);
  } catch {
    return [];
  }
}

/** `ollama.service.d/50-limits.conf` is about ollama.service. */
function unitOf(path: string): string {
  const directory = basename(dirname(path));
  return path.endsWith('.conf') && directory.endsWith('.d')
    ? directory.slice(0, -2)
    : basename(path);
}
