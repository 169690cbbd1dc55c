import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_NAMES, builtIn } from '../../../src/profiles/catalog.js';
import { parseProfiles } from '../../../src/profiles/file.js';
import { loadProfile, resolve } from '../../../src/profiles/index.js';
import { machineWith, nowhere } from './places.js';

const directory = fileURLToPath(new URL('../../../src/profiles/catalog/', import.meta.url));

describe('the catalog', () => {
  it('lists every file', () => {
    const files = readdirSync(directory).map((file) => file.replace(/\.yaml$/, ''));
    expect(BUILT_IN_NAMES).toEqual(files.sort());
  });

  it.each(BUILT_IN_NAMES)('%s follows the schema that files of users follow', (name) => {
    const path = `${directory}${name}.yaml`;
    const text = readFileSync(path, 'utf8');
    const parsed = parseProfiles({ path, text, project: false }, name);
    // Bundled as data or read as a file: the same profile.
    expect(parsed).toMatchObject({ definitions: [{ name, body: builtIn(name) }] });
  });

  it.each(BUILT_IN_NAMES)('%s explains itself', async (name) => {
    const { summary, why } = await loadProfile(name, nowhere);
    expect(summary).not.toBe('');
    expect(summary.length).toBeLessThanOrEqual(52);
    expect(why?.length).toBeGreaterThan(80);
  });

  it('resolves on a machine of 20 GB and 12 cores', async () => {
    const machine = machineWith({ cores: 12, memory: '20G' });
    const lines: string[] = [];
    for (const name of BUILT_IN_NAMES) {
      const { properties, jobs } = resolve(await loadProfile(name, nowhere), machine);
      const values = properties.map(({ property, value }) => `${property}=${value}`);
      lines.push(`${name}: ${values.join(' ')}${jobs ? ` -j${jobs.pick}` : ''}`);
    }
    expect(lines.join('\n')).toMatchSnapshot();
  });
});
