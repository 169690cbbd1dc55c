import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { alertSource } from '../../../src/cli/monitor/source.js';
import { alert } from '../alerts/alerts.js';

it('gives the alerts of the last day, as the log has them at the moment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-source-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'alerts.jsonl');
  const alerts = alertSource(file);
  expect(alerts()).toEqual([]);
  const since = Date.now() - 60_000;
  const write = (parts: Parameters<typeof alert>[0]) =>
    appendFileSync(file, `${JSON.stringify(alert(parts))}\n`);
  write({ id: 'old', since: since - 3 * 86_400_000 });
  write({ id: 'new', since, severity: 'CRITICAL' });
  const text = 'memory: memory is 86% used';
  expect(alerts()).toEqual([{ time: since, severity: 'problem', text }]);
  write({ id: 'new', since, severity: 'CRITICAL', ended: since + 5000, lastedMs: 5000 });
  expect(alerts()).toEqual([
    { time: since + 5000, severity: 'note', text: 'memory is over: memory is 86% used' },
  ]);
  rmSync(file);
  expect(alerts()).toEqual([]);
});
