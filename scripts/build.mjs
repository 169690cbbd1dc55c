/**
 * Bundles src/ into dist/: one entry for the executable and one a command, with what they share in
 * chunks. Bundling is for start-up: reading some 300 small modules takes longer than the work.
 */
import { readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildYaml } from './yaml-plugin.mjs';

const commands = readdirSync('src/commands', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/commands/${file}`);

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts', 'src/hooks/command-not-found.ts', ...commands],
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  // oclif loads these only for commands written in TypeScript, and only where they are installed.
  external: ['typescript', 'tsx', 'ts-node'],
  plugins: [esbuildYaml],
  // Packages written for require() need one in an ES module.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
