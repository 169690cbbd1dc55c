import Table from 'cli-table3';
import { style } from './style.js';

/** No frame: aligned columns two blanks apart, which read well at 80 columns and in a pipe. */
const NO_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * Lays rows out in aligned columns under a heading.
 * @param align a column's alignment, left where it is not given (figures go right)
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { align = [] as ('left' | 'right')[] } = {},
): string {
  const result = new Table({
    head: head.map((title) => style.heading(title)),
    chars: NO_FRAME,
    colAligns: head.map((_, column) => align[column] ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  result.push(...rows.map((row) => [...row]));
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
