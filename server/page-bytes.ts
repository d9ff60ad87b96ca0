import { limits } from '../lib/protocol/limits';

/** The first rows, up to the one with which a page has reached its bytes: never none of some. */
export function withinBytes<T>(rows: readonly T[], textOf: (row: T) => string): T[] {
  let bytes = 0;
  const end = rows.findIndex((row) => {
    bytes += Buffer.byteLength(textOf(row));
    return bytes >= limits.pullPageBytes;
  });
  return end < 0 ? [...rows] : rows.slice(0, end + 1);
}
