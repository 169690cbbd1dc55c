import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toBody } from '../../../src/profiles/body.js';
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
    expect(builtIn(name)).toEqual(toBody('definitions' in parsed ? {
      ...(parsed.located.data as object) } : {}));
  });

  it.each(BUILT_IN_NAMES)('%s explains itself', async (name) => {
    const { summary, why } = await loadProfile(name, nowhere);
    expect(summary).not.toBe('');
    expect(summary.length).toBeLessThanOrEqual(60);
    expect(why?.length).toBeGreaterThan(80);
  });

  it.each(BUILT_IN_NAMES)('%s resolves on a machine of 20 GB and 12 cores', async (name) => {
    const limits = resolve(await loadProfile(name, nowhere), machineWith({ cores: 12, memory: '20G' }));
    expect(limits).toMatchSnapshot();
  });
});
