import { defineConfig } from 'vitest/config';
import { viteYaml } from './scripts/yaml-plugin.mjs';

/** These put something in place of a module, or load one anew, for themselves alone. */
const MOCKING = ['test/unit/render/style.test.ts', 'test/unit/state/history-race.test.ts'];

export default defineConfig({
  plugins: [viteYaml],
  test: {
    projects: [
      {
        extends: true,
        // Pure functions for the most part: a fresh world for each file would take most of the time.
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: MOCKING,
          testTimeout: 60_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'unit-alone', include: MOCKING, testTimeout: 60_000 },
      },
      {
        extends: true,
        // These run bin/run.js as a user does, from what `npm run build` made.
        // Some live with processes that grow and are looked at: a busy host may come in between once.
        test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 120_000, retry: 1 },
      },
    ],
    disableConsoleIntercept: true,
  },
});
