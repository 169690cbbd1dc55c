import { renameSync, writeFileSync } from 'node:fs';
import type { Outcome } from '../model/index.js';
import { renderReportLoss } from '../render/run.js';
import { say } from './output.js';

/** Writes how a run ended, whole or not at all; what goes wrong is said, and changes nothing else. */
export function writeReport(file: string, outcome: Outcome): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(outcome, null, 2)}\n`);
    renameSync(draft, file);
  } catch (error) {
    say(renderReportLoss(file, error as Error));
  }
}
