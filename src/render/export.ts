import type { Cannot, FileWritten } from '../export/index.js';
import { printable } from '../text/index.js';
import { renderWritten, shortPath } from './profile.js';
import { paragraph, style } from './style.js';

/** Where a file was written, and what it cannot say. */
export function renderExported(written: FileWritten, cannot: readonly Cannot[]): string {
  const head = written.unchanged
    ? `${style.good('unchanged:')} ${shortPath(written.file)}`
    : renderWritten(written);
  const lines = cannot.map(({ profile, what, value, why }) => {
    const said = printable(`${profile}: cannot say ${what}=${value.replace(/\s+/g, ' ')}: ${why}`);
    return paragraph(said, { indent: 2 });
  });
  return [head, ...lines].join('\n');
}
