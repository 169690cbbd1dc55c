import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What became of the tests of one vitest run. */
export interface Counts {
  passed: number;
  failed: number;
  /** What is counted in `failed`, with the beginning of what was said. */
  failures: Failure[];
  skipped: SkippedTest[];
  /** Names of tests that passed when they were run once more. */
  flaky: string[];
}

export interface Failure {
  name: string;
  message: string;
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
    const counts: Counts = { passed: 0, failed: 0, failures: [], skipped: [], flaky: [] };
    fail(counts, 'outside of the tests', unhandled);
    for (const module of modules) countModule(module, counts);
    writeFileSync(file, JSON.stringify(counts));
  }
}

function countModule(module: TestModule, counts: Counts): void {
  // A file or a describe block that broke outside of its tests, such as in an import or a hook.
  fail(counts, module.moduleId, module.errors());
  for (const suite of module.children.allSuites()) fail(counts, suite.fullName, suite.errors());
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (test.diagnostic()?.flaky) counts.flaky.push(test.fullName);
    if (result.state === 'passed') counts.passed += 1;
    else if (result.state === 'skipped') counts.skipped.push(skippedTest(test.fullName, result));
    else fail(counts, test.fullName, [result.errors?.[0] ?? { message: 'the run broke off' }]);
  }
}

/** The length a message is cut to: the whole stands in the output of vitest. */
const messageLength = 1500;

function fail(
  counts: Counts,
  name: string,
  errors: readonly { message: string; diff?: string }[],
): void {
  for (const { message, diff = '' } of errors) {
    counts.failed += 1;
    const plain = stripVTControlCharacters(`${message}\n${diff}`.trimEnd());
    counts.failures.push({ name, message: plain.slice(0, messageLength) });
  }
}

function skippedTest(name: string, { note }: { note: string | undefined }): SkippedTest {
  return { name, reason: note ?? 'no reason given' };
}
