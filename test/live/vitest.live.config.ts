import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { parseSuites } from './suites.js';

/**
 * Every test below test/live, once in each suite. The tests run here on the host and drive a machine
 * that is booted once for the suite; RLIMIT_LIVE=trixie,forky chooses suites.
 */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    projects: parseSuites(process.env.RLIMIT_LIVE).map((suite) => ({
      test: {
        name: `live ${suite}`,
        include: ['test/live/**/*.test.ts'],
        globalSetup: [join(import.meta.dirname, 'global-setup.ts')],
        provide: { suite },
        // A block all of whose tests have another suite for their home is empty here.
        passWithNoTests: true,
        // One machine, and tests that fill its memory: one after the other.
        fileParallelism: false,
        // The host is slow at times, beyond what any test can allow for. The summary names who needed it.
        retry: 1,
        // Only what hangs is to meet these: emulated, beside another machine, everything may take long.
        testTimeout: 360_000,
        hookTimeout: 240_000,
        teardownTimeout: 30_000,
      },
    })),
  },
});
