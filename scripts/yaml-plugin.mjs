import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/**
 * A YAML file as the source of a JavaScript module, so that no YAML parser runs at start-up.
 * @param {string} path
 */
function moduleOf(path) {
  return `export default ${JSON.stringify(parse(readFileSync(path, 'utf8')))};`;
}

/**
 * Lets the bundler import `*.yaml` as data.
 * @type {import('esbuild').Plugin}
 */
export const esbuildYaml = {
  name: 'yaml',
  setup(build) {
    build.onLoad({ filter: /\.yaml$/ }, ({ path }) => ({ contents: moduleOf(path), loader: 'js' }));
  },
};

/**
 * Lets the tests import `*.yaml` as data.
 * @type {{ name: string; enforce: 'pre'; load(id: string): string | undefined }}
 */
export const viteYaml = {
  name: 'yaml',
  enforce: 'pre',
  load: (id) => (id.endsWith('.yaml') ? moduleOf(id) : undefined),
};
