/**
 * Bundles src/ into dist/. Bundling is for start-up: reading some hundred small modules takes
 * longer than what they do.
 *
 * - dist/main.cjs is the executable's entry with all of `run`. CommonJS and one file: an ES module
 *   costs 2 MiB and some milliseconds more before its first line. What `run` needs only sometimes
 *   (a YAML parser, the words for a failure) it imports from the other bundle.
 * - dist/commands/ and what they share: ES modules, one entry a command.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { esbuildYaml } from './yaml-plugin.mjs';

/** Modules that dist/main.cjs imports from the other bundle, when it needs them. */
const LAZY = [
  'src/budget/applicant.ts',
  'src/cli/guard-daemon.ts',
  'src/cli/oclif.ts',
  'src/cli/report-run-error.ts',
  'src/run/jobserver/index.ts',
  'src/run/launchers/index.ts',
  'src/run/slurm/index.ts',
  'src/run/stall.ts',
  'src/profiles/file.ts',
];

/**
 * Modules that dist/main.cjs holds itself, to be evaluated when they are needed: nearly every run needs
 * them in its second second, and an import from the other bundle costs 14 ms and 4 MB.
 */
const LATE = ['src/run/jobs.ts'];

const commands = readdirSync('src/commands', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/commands/${file}`);

/**
 * Leaves `import('./x.js')` to be done at run time, from the other bundle.
 * @type {import('esbuild').Plugin}
 */
const lazyImports = {
  name: 'lazy-imports',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path, importer }) => {
      if (kind !== 'dynamic-import') return undefined;
      const source = relative('.', resolve(dirname(importer), path)).replace(/\.js$/, '.ts');
      if (LATE.includes(source)) return undefined;
      if (!LAZY.includes(source)) throw new Error(`${source} belongs into LAZY`);
      return { path: `./${relative('src', source).replace(/\.ts$/, '.js')}`, external: true };
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.cjs',
  format: 'cjs',
  // Less to read for the parser.
  minifyIdentifiers: true,
  // `run` gives no reasons: it would read and unfold the texts of the catalog for nothing.
  plugins: [esbuildYaml({ without: ['why', 'summary', 'beside', 'lint-ignore'] }), lazyImports],
});
await build({
  ...common,
  entryPoints: [...commands, ...LAZY, 'src/hooks/command-not-found.ts'],
  outbase: 'src',
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  plugins: [esbuildYaml()],
  // oclif loads these only for commands written in TypeScript, and only where they are installed.
  external: ['typescript', 'tsx', 'ts-node'],
  // Packages written for require() need one in an ES module.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});
