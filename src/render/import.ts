import { type Imported, reasons } from '../export/import/index.js';
import type { Written } from '../profiles/index.js';
import { printable } from '../text/index.js';
import { renderWritten } from './profile.js';
import { paragraph } from './style.js';

/** The profile itself, or where it was put and what it does not have. */
export function renderImported(imported: Imported & { written?: Written }): string {
  const { written, text, notes } = imported;
  if (written === undefined) return text.trimEnd();
  const told = [...notes, ...reasons(imported).map((each) => `not carried: ${each}`)];
  return [
    renderWritten(written),
    ...told.map((each) => paragraph(printable(each), { indent: 2 })),
  ].join('\n');
}
