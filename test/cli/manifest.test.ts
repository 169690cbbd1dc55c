import { readFileSync } from 'node:fs';
import { Plugin } from '@oclif/core';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** What the help and the completion know is the manifest, and a flag left out there is not found. */
describe('oclif.manifest.json', () => {
  it('has every command with every flag and argument of it', async () => {
    const file = JSON.parse(readFileSync(`${root}/oclif.manifest.json`, 'utf8')) as Manifest;
    const plugin = new Plugin({ root, type: 'core', ignoreManifest: true });
    await plugin.load();
    const known = names(plugin.manifest as Manifest);
    expect(Object.keys(known).length).toBeGreaterThan(30);
    expect(names(file)).toEqual(known);
  });
});

interface Manifest {
  commands: Record<string, { flags: object; args: object }>;
}

function names({ commands }: Manifest): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(commands).map(([id, { flags, args }]) => [
      id,
      [...Object.keys(flags), ...Object.keys(args)].sort(),
    ]),
  );
}
