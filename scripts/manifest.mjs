/**
 * Writes oclif.manifest.json from the built commands, so that oclif need not load every command to
 * know what there is. `--check` only says whether the file is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}oclif.manifest.json`;

const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
});
await plugin.load();
const manifest = `${JSON.stringify(sorted(withoutPaths(plugin.manifest)), null, 2)}\n`;

if (!process.argv.includes('--check')) writeFileSync(file, manifest);
else if (readFileSync(file, 'utf8') !== manifest) {
  console.error('oclif.manifest.json is out of date: npm run build');
  process.exit(1);
}

/**
 * Leaves out what differs from checkout to checkout: the path of each command's plugin. A flag may
 * have the same name.
 * @param {import('@oclif/core').Interfaces.Manifest} manifest
 */
function withoutPaths(manifest) {
  return JSON.parse(
    JSON.stringify(manifest, (key, value) =>
      key === 'root' && typeof value === 'string' ? undefined : value,
    ),
  );
}

/**
 * Puts the commands in the order of their names: folders are listed as the file system likes.
 * @param {import('@oclif/core').Interfaces.Manifest} manifest
 */
function sorted({ commands, ...rest }) {
  const entries = Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1));
  return { commands: Object.fromEntries(entries), ...rest };
}
