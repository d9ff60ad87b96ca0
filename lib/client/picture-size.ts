import { WEBP } from 'image-size/types/webp';
import { fromBase64 } from '../protocol/base64';
import { limits } from '../protocol/limits';
import type { Picture } from './content';

interface Pixels {
  width: number;
  height: number;
}

/**
 * How many pixels an image has that somebody else has sent, by its own head: a few bytes can unpack to gigabytes, so
 * nothing is shown that was not looked at before.
 * @returns `null` when it is not of that type, moves, or is written in a way that no device of ours writes
 */
export const pixelsOf = (bytes: Uint8Array, type: Picture['type']): Pixels | null =>
  type === 'image/webp' ? webpPixels(bytes) : jpegPixels(bytes);

/** https://developers.google.com/speed/webp/docs/riff_container#extended_file_format: where it says that it moves. */
const [webpFlagsAt, webpMoves] = [20, 0x02];

function webpPixels(bytes: Uint8Array): Pixels | null {
  try {
    if (!WEBP.validate(bytes)) return null;
    const extended = bytes[15] === 'X'.charCodeAt(0);
    if (extended && ((bytes[webpFlagsAt] ?? 0) & webpMoves) !== 0) return null;
    const { width, height } = WEBP.calculate(bytes);
    return { width, height };
  } catch {
    // It ends in the middle of its head, or is made to confuse: not of that type, for us.
    return null;
  }
}

/**
 * Walks the segments as a decoder does, by their lengths (ITU-T T.81, B.1.1). Libraries that look for the size skip what
 * they do not know byte by byte, so that a forged segment within a comment would be taken for the frame's.
 */
function jpegPixels(bytes: Uint8Array): Pixels | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  // Marker, length, and of a frame its precision, height and width.
  for (let at = 2; at + 9 <= view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    // Baseline, extended or progressive.
    if (marker >= 0xffc0 && marker <= 0xffc2)
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    if (!beforeFrame.has(marker) || view.getUint16(at + 2) < 2) return null;
  }
  return null;
}

/** Tables, application segments and comments: nothing else may stand before the frame here. */
const beforeFrame = new Set([
  0xffc4,
  0xffdb,
  0xffdd,
  0xfffe,
  ...Array.from({ length: 16 }, (_, n) => 0xffe0 + n),
]);

/** Without a stand-in that is larger than one, or none: it is shown as soon as its message is. */
export function shownSafely<P extends Picture>(picture: P): P {
  const pixels = pixelsOf(fromBase64(picture.standIn), picture.type);
  const isSmall = pixels !== null && Math.max(pixels.width, pixels.height) <= limits.pictureStandInMaxSide;
  return isSmall ? picture : { ...picture, standIn: '' };
}
