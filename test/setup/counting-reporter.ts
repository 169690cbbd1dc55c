import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What became of the tests of one vitest run. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: SkippedTest[];
  /** Names of tests that passed when they were run once more. */
  flaky: string[];
}

export interface SkippedTest {
  name: string;
  reason: string;
}

/** Where the reporter writes its counts, as JSON. */
export const countsFileVariable = 'RLIMIT_TEST_COUNTS';

/** A vitest reporter for `test/all.ts`: says nothing, writes down the counts. */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[countsFileVariable];
    if (file === undefined) return;
    const counts: Counts = { passed: 0, failed: unhandled.length, skipped: [], flaky: [] };
    for (const module of modules) countModule(module, counts);
    writeFileSync(file, JSON.stringify(counts));
  }
}

function countModule(module: TestModule, counts: Counts): void {
  // A file or a describe block that broke outside of its tests, such as in an import or a hook.
  counts.failed += module.errors().length;
  for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (test.diagnostic()?.flaky) counts.flaky.push(test.fullName);
    if (result.state === 'passed') counts.passed += 1;
    else if (result.state === 'skipped') counts.skipped.push(skippedTest(test.fullName, result));
    else counts.failed += 1; // also one that has no result, because the run broke off
  }
}

function skippedTest(name: string, { note }: { note: string | undefined }): SkippedTest {
  return { name, reason: note ?? 'no reason given' };
}
