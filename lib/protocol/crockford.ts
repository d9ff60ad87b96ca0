/** Crockford's base 32: no letters that look alike, and forgiving of those that do. For what people type by hand. */
export const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Without case, spaces and hyphens. @returns undefined for what has other letters */
export function normalise(typed: string): string | undefined {
  const text = typed
    .toUpperCase()
    .replace(/[\s\-–]/g, '')
    .replace(/[IL]/g, '1')
    .replaceAll('O', '0');
  return [...text].every((letter) => letters.includes(letter)) ? text : undefined;
}

/** Eight letters for each five bytes, whose number must divide by five. */
export function encode(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 5) {
    let bits = 0n;
    for (const byte of bytes.subarray(start, start + 5)) bits = (bits << 8n) | BigInt(byte);
    for (let place = 35n; place >= 0n; place -= 5n) text += letters[Number((bits >> place) & 31n)];
  }
  return text;
}

/** @param text normalised, its length divisible by eight */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((text.length / 8) * 5);
  for (let group = 0; group < text.length / 8; group++) {
    let bits = 0n;
    for (const letter of text.slice(8 * group, 8 * group + 8))
      bits = (bits << 5n) | BigInt(letters.indexOf(letter));
    for (let byte = 4; byte >= 0; byte--, bits >>= 8n) bytes[5 * group + byte] = Number(bits & 255n);
  }
  return bytes;
}
