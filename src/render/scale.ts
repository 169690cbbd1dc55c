/** Figures made to fit a picture, whatever it is drawn with. */
import type { Picture } from '../tune/index.js';

/** As many values as there are columns: the most of those that share one. */
export function resample(values: readonly number[], columns: number): number[] {
  if (values.length === 0) return [];
  return Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return values.slice(from, to).reduce((most, value) => Math.max(most, value), 0);
  });
}

/**
 * The upper end of a scale that shows a peak and its limit. A limit of more than four times the peak
 * would press the peak flat, so that it stands outside of the scale.
 */
export function scaleFor(peak: number, limit = 0): { top: number; isLimitInside: boolean } {
  const isLimitInside = limit > 0 && limit <= 4 * peak;
  return { top: Math.max(peak, isLimitInside ? limit : 0, 1), isLimitInside };
}

/** Jobs of a range of sizes in bytes. */
export interface SizeRow {
  from: number;
  to: number;
  count: number;
}

/** Buckets of the census that double the size. */
const PER_DOUBLING = 4;

/** The buckets from the smallest to the largest with those between them that are empty. */
export function sizeRows({ histogram }: NonNullable<Picture['sizes']>, most: number): SizeRow[] {
  const places = histogram.map(([bytes, count]) => ({ place: placeOf(bytes), count }));
  if (places.length === 0) return [];
  const low = places.reduce((least, { place }) => Math.min(least, place), Number.MAX_VALUE);
  const high = places.reduce((largest, { place }) => Math.max(largest, place), 0);
  let width = 1;
  while (rowCount(low, high, width) > most) width *= 2;
  const first = Math.floor(low / width);
  return Array.from({ length: rowCount(low, high, width) }, (_, index) => {
    const start = (first + index) * width;
    const inside = places.filter(({ place }) => place >= start && place < start + width);
    return {
      from: sizeAt(start),
      to: sizeAt(start + width),
      count: inside.reduce((sum, { count }) => sum + count, 0),
    };
  });
}

function rowCount(low: number, high: number, width: number): number {
  return Math.floor(high / width) - Math.floor(low / width) + 1;
}

function placeOf(bytes: number): number {
  return Math.round(Math.log2(Math.max(1, bytes)) * PER_DOUBLING);
}

function sizeAt(place: number): number {
  return 2 ** (place / PER_DOUBLING);
}
