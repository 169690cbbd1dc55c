/**
 * Every test there is: unit and cli on each supported Node, then live in each suite. The last line
 * it prints is `N passed, N failed, N skipped` over all of them.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { ensureImage } from './live/image.js';
import { parseSuites, type Suite, suiteFacts, wholeVariable } from './live/suites.js';
import { type Counts, countsFileVariable } from './setup/counting-reporter.js';
import { ensureHostPackages } from './setup/host.js';
import { environmentWithNode, type NodeMajor, nodeBinary, nodeMajors } from './setup/node.js';

const usage = `usage: npm test -- [--whole] [--only unit,live] [--node 20,22,24]
                   [--suite bookworm,trixie,forky]

  --whole  every test on every Node and in every suite, also where one is enough; before a release
  --only   unit: the unit and cli tests; live: the tests on a real systemd
  --node   the Node versions that the unit and cli tests run on
  --suite  the Debian releases that the live tests run on
`;

/** A test machine keeps about one processor busy, whatever number it has itself. */
const liveSuitesAtOnce = availableParallelism();

const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
const reporter = join(import.meta.dirname, 'setup/counting-reporter.ts');

/** A vitest run that is part of the whole. */
interface Part {
  name: string;
  args: string[];
  env: Record<string, string>;
  /** Print what it says when it is over rather than as it comes. */
  quiet: boolean;
}

/** How a part went. A part that did not run to its end counts as a failed test. */
interface Report extends Counts {
  name: string;
  /** How long it took, in seconds. */
  seconds?: number;
  problem?: string;
}

async function main(): Promise<number> {
  const choice = readChoice();
  // Images are built meanwhile; who waits for one hears of its failure.
  const images = prepareImages(choice.suites);
  const reports: Report[] = [];
  for (const major of choice.nodes) reports.push(await testOnNode(major));
  reports.push(...(await testSuites(choice.suites, images)));
  printSummary(reports);
  return reports.some(({ failed }) => failed > 0) ? 1 : 0;
}

function readChoice(): { nodes: NodeMajor[]; suites: Suite[] } {
  const { values } = parseArgs({
    options: {
      whole: { type: 'boolean' },
      only: { type: 'string' },
      node: { type: 'string' },
      suite: { type: 'string' },
    },
  });
  if (values.whole) process.env[wholeVariable] = '1';
  const kinds = values.only?.split(',') ?? ['unit', 'live'];
  const unknown = kinds.find((kind) => kind !== 'unit' && kind !== 'live');
  if (unknown !== undefined) throw new Error(`There are no ${unknown} tests.\n${usage}`);
  return {
    nodes: kinds.includes('unit') ? parseNodes(values.node) : [],
    suites: kinds.includes('live') ? parseSuites(values.suite) : [],
  };
}

function parseNodes(list: string | undefined): NodeMajor[] {
  if (list === undefined) return [...nodeMajors];
  return list.split(',').map((name) => {
    const major = nodeMajors.find((known) => `${known}` === name);
    if (major === undefined) throw new Error(`Node ${name} is none of ${nodeMajors.join(', ')}.`);
    return major;
  });
}

/** Begin to make the images, one after the other; the result tells of each whether it is there. */
function prepareImages(suites: Suite[]): Map<Suite, Promise<void>> {
  const images = new Map<Suite, Promise<void>>();
  if (suites.length === 0) return images;
  const hostPackages = ensureHostPackages();
  let previous = Promise.resolve();
  for (const suite of suites) {
    const image = previous.then(async () => {
      await hostPackages;
      await ensureImage(suite);
    });
    images.set(suite, image);
    // One that cannot be made keeps the next from nothing, and is no crash of ours.
    previous = image.catch(() => {});
  }
  return images;
}

async function testOnNode(major: NodeMajor): Promise<Report> {
  // The live tests are of the built product as well, on the other two.
  const hasCli = major === nodeMajors[0] || process.env[wholeVariable] !== undefined;
  const name = `unit${hasCli ? ' and cli' : ''}, Node ${major}`;
  try {
    const node = await nodeBinary(major);
    return await runPart(node, {
      name,
      args: ['--project', 'unit*', ...(hasCli ? ['--project', 'cli'] : [])],
      env: environmentWithNode(node),
      quiet: false,
    });
  } catch (error) {
    return notRun(name, error);
  }
}

/** Test the suites in their order, some at the same time. */
async function testSuites(suites: Suite[], images: Map<Suite, Promise<void>>): Promise<Report[]> {
  const waiting = [...suites];
  const reports = new Map<Suite, Report>();
  const worker = async () => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      reports.set(suite, await testSuite(suite, images.get(suite)));
    }
  };
  await Promise.all(Array.from({ length: liveSuitesAtOnce }, worker));
  return suites.flatMap((suite) => reports.get(suite) ?? []);
}

async function testSuite(suite: Suite, image: Promise<void> | undefined): Promise<Report> {
  const { systemd, node } = suiteFacts[suite];
  const name = `live, ${suite} (systemd ${systemd}, Node ${node})`;
  try {
    await image;
    return await runPart(process.execPath, {
      name,
      args: ['--config', 'test/live/vitest.live.config.ts'],
      env: { RLIMIT_LIVE: suite },
      quiet: true,
    });
  } catch (error) {
    return notRun(name, error);
  }
}

async function runPart(node: string, part: Part): Promise<Report> {
  process.stdout.write(`\n== ${part.name}\n`);
  const start = performance.now();
  const scratch = await mkdtemp(join(tmpdir(), 'rlimit-counts-'));
  const countsFile = join(scratch, 'counts.json');
  try {
    const { exitCode, all } = await execa(
      node,
      [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...part.args],
      {
        cwd: join(import.meta.dirname, '..'),
        env: { ...part.env, [countsFileVariable]: countsFile },
        stdin: 'ignore',
        all: true,
        stdout: part.quiet ? 'pipe' : 'inherit',
        stderr: part.quiet ? 'pipe' : 'inherit',
        reject: false,
      },
    );
    if (part.quiet) process.stdout.write(`\n== ${part.name}, its output\n${all}\n`);
    const seconds = (performance.now() - start) / 1000;
    return { ...report(part.name, await readCounts(countsFile), exitCode), seconds };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readCounts(file: string): Promise<Counts | undefined> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Counts) : undefined;
}

/** Counts alone are not believed: the exit status has to agree with them. */
function report(name: string, counts: Counts | undefined, exitCode: number | undefined): Report {
  if (counts === undefined) return notRun(name, `vitest ended with ${exitCode} before it reported`);
  if (counts.failed === 0 && counts.passed === 0)
    return notRun(name, `vitest ended with ${exitCode}, no test was run`);
  if (counts.failed === 0 && exitCode !== 0) {
    return { name, ...counts, failed: 1, problem: `vitest ended with ${exitCode}` };
  }
  return { name, ...counts };
}

function notRun(name: string, error: unknown): Report {
  const problem = error instanceof Error ? error.message : String(error);
  return { name, passed: 0, failed: 1, failures: [], skipped: [], flaky: [], problem };
}

function printSummary(reports: Report[]): void {
  const width = Math.max(...reports.map(({ name }) => name.length));
  const lines = ['', `${''.padEnd(width)}  passed  failed  skipped  minutes`];
  for (const { name, passed, failed, skipped, seconds } of reports) {
    const figures = [
      `${passed}`.padStart(6),
      `${failed}`.padStart(6),
      `${skipped.length}`.padStart(7),
      (seconds === undefined ? '-' : (seconds / 60).toFixed(1)).padStart(7),
    ];
    lines.push(`${name.padEnd(width)}  ${figures.join('  ')}`);
  }
  for (const { name, problem } of reports) {
    if (problem !== undefined) lines.push('', `${name}: ${problem}`);
  }
  const remarks = [skippedLines, flakyLines, failedLines].flatMap((of) => reports.flatMap(of));
  lines.push('', ...remarks, ...wholeLines(reports), totalLine(reports));
  process.stdout.write(`${lines.join('\n')}\n`);
}

function skippedLines({ name, skipped }: Report): string[] {
  return skipped.map((test) => `skipped in ${name}: ${test.name} (${test.reason})`);
}

function flakyLines({ name, flaky }: Report): string[] {
  return flaky.map((test) => `passed at the second try in ${name}: ${test}`);
}

/** Said again here: of a long output often only the end is kept. */
function failedLines({ name, failures }: Report): string[] {
  return failures.map((test) => `failed in ${name}: ${test.name}\n  ${indent(test.message)}`);
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

/** That some tests ran in one suite only is no secret either. */
function wholeLines(reports: Report[]): string[] {
  const isLive = reports.some(({ name }) => name.startsWith('live'));
  if (!isLive || process.env[wholeVariable] !== undefined) return [];
  return [
    'Left to `npm test -- --whole`: tests that one suite is enough for in the others, some that take ' +
      'long, and the cli tests on further Nodes',
  ];
}

function totalLine(reports: Report[]): string {
  const sum = (figure: (report: Report) => number) =>
    reports.reduce((total, report) => total + figure(report), 0);
  const passed = sum((report) => report.passed);
  const failed = sum((report) => report.failed);
  const skipped = sum((report) => report.skipped.length);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
