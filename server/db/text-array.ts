/** Of `text`, as `pg_type` has it. */
const textOid = 25;
const headerBytes = 20;

/**
 * A `text[]` parameter in Postgres' binary form (`array_recv` in its source): the driver would search each text for what
 * needs a backslash, and Postgres read the result letter by letter.
 */
export function textArray(texts: readonly string[]): Buffer {
  const bytes = texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), headerBytes);
  const array = Buffer.allocUnsafe(bytes);
  // One dimension (an empty array has none), no nulls, the elements' type; then its length and its first subscript.
  array.writeInt32BE(texts.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(textOid, 8);
  if (texts.length === 0) return array.subarray(0, 12);
  array.writeInt32BE(texts.length, 12);
  array.writeInt32BE(1, 16);
  let at = headerBytes;
  for (const text of texts) {
    const length = array.write(text, at + 4);
    array.writeInt32BE(length, at);
    at += 4 + length;
  }
  return array;
}
