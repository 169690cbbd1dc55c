import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/**
 * A YAML file as the source of a JavaScript module, so that no YAML parser runs at start-up.
 * @param {string} path
 * @param {readonly string[]} without keys of the file that are left out
 */
function moduleOf(path, without = []) {
  const data = parse(readFileSync(path, 'utf8'));
  for (const key of without) delete data[key];
  return `export default ${JSON.stringify(data)};`;
}

/**
 * Lets the bundler import `*.yaml` as data.
 * @param {{ without?: readonly string[] }} options keys that this bundle has no use for
 * @returns {import('esbuild').Plugin}
 */
export function esbuildYaml({ without = [] } = {}) {
  return {
    name: 'yaml',
    setup(build) {
      build.onLoad({ filter: /\.yaml$/ }, ({ path }) => ({
        contents: moduleOf(path, without),
        loader: 'js',
      }));
    },
  };
}

/**
 * Lets the tests import `*.yaml` as data.
 * @type {{ name: string; enforce: 'pre'; load(id: string): string | undefined }}
 */
export const viteYaml = {
  name: 'yaml',
  enforce: 'pre',
  load: (id) => (id.endsWith('.yaml') ? moduleOf(id) : undefined),
};
