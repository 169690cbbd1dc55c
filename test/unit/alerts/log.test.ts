import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Follower } from '../../../src/alerts/follow.js';
import { readAlerts } from '../../../src/alerts/log.js';
import { alert } from './alerts.js';

function logFile(...lines: (string | object)[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-alerts-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'alerts.jsonl');
  if (lines.length > 0) writeFileSync(file, text(...lines));
  return file;
}

const text = (...lines: (string | object)[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

const first = alert({ id: 'a', since: 1000 });
const second = alert({ id: 'b', since: 2000, rule: 'disk' });
const over = { ...first, ended: 5000, lastedMs: 4000 };

describe('the log', () => {
  it('that is not there is empty', () => {
    expect(readAlerts(logFile())).toEqual({ alerts: [], skipped: [] });
  });

  it('gives each alert once, as it is known last, from both generations', () => {
    const file = logFile(over);
    writeFileSync(`${file}.1`, text(first, second));
    expect(readAlerts(file).alerts).toEqual([over, second]);
  });

  it.each([
    [{ rule: 'disk' }, ['b']],
    [{ since: 3000 }, ['a']],
    [{ since: 6000 }, []],
    [{ since: 1500, rule: 'memory' }, ['a']],
  ])('chooses by %j', (selection, ids) => {
    const { alerts } = readAlerts(logFile(first, second, over), selection);
    expect(alerts.map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    ['{"version":1,"id":', 'it is not whole JSON'],
    ['[]', 'it is not an alert'],
    ['{"version":2}', 'its version is 2, not 1'],
    [{ ...first, says: 5 }, 'its field says is missing or of a wrong type'],
    [{ ...first, top: { pid: 'x' } }, 'its field top is missing or of a wrong type'],
    [{ ...first, since: 1e300 }, 'its field since is missing or of a wrong type'],
    [{ ...first, severity: 'LOUD' }, 'its field severity is missing or of a wrong type'],
  ])('passes over %j', (line, why) => {
    const file = logFile(second, line, over);
    expect(readAlerts(file)).toMatchObject({
      alerts: [{ id: 'a' }, { id: 'b' }],
      skipped: [{ file, line: 2, why }],
    });
  });

  it('keeps rules of a later version', () => {
    const later = { ...first, rule: 'moon', more: 1 };
    expect(readAlerts(logFile(later)).alerts).toEqual([later]);
  });
});

describe('following', () => {
  /** The lines that come while something is done, until there are so many. */
  async function lines(follower: Follower, count: number): Promise<string[]> {
    const controller = new AbortController();
    const seen: string[] = [];
    for await (const line of follower.lines(controller.signal, 5)) {
      seen.push(line);
      if (seen.length === count) controller.abort();
    }
    return seen;
  }

  it('begins at the end, and gives whole lines only', async () => {
    const file = logFile('old');
    const follower = new Follower(file);
    appendFileSync(file, 'new\nha');
    setTimeout(() => appendFileSync(file, 'lf\n'), 20);
    expect(await lines(follower, 2)).toEqual(['new', 'half']);
  });

  it('goes on when the file is set aside, with what was written before and after', async () => {
    const file = logFile('old');
    const follower = new Follower(file);
    appendFileSync(file, '1\n');
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, '2\n');
    writeFileSync(file, '3\n');
    setTimeout(() => appendFileSync(file, '4\n'), 20);
    expect(await lines(follower, 4)).toEqual(['1', '2', '3', '4']);
  });

  it('waits for a file that is not there, is taken away or cut short', async () => {
    const file = logFile();
    const follower = new Follower(file);
    setTimeout(() => writeFileSync(file, 'ü 1\n'), 10);
    setTimeout(() => rmSync(file), 60);
    setTimeout(() => writeFileSync(file, '2\nlonger\n'), 110);
    setTimeout(() => writeFileSync(file, '3\n'), 200);
    expect(await lines(follower, 4)).toEqual(['ü 1', '2', 'longer', '3']);
  });
});
