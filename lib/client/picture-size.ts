import { JPG } from 'image-size/types/jpg';
import { WEBP } from 'image-size/types/webp';
import { fromBase64 } from '../protocol/base64';
import { limits } from '../protocol/limits';
import type { Picture } from './content';

/**
 * How many pixels an image has that somebody else has sent, by its own head: a few bytes can unpack to gigabytes, so
 * nothing is shown that was not looked at before.
 * @returns `null` when it is not of that type
 */
export function pixelsOf(bytes: Uint8Array, type: Picture['type']): { width: number; height: number } | null {
  const format = type === 'image/webp' ? WEBP : JPG;
  try {
    if (!format.validate(bytes)) return null;
    const { width, height } = format.calculate(bytes);
    return { width, height };
  } catch {
    // It ends in the middle of its head, or is made to confuse: not of that type, for us.
    return null;
  }
}

/** Without a stand-in that is larger than one, or none: it is shown as soon as its message is. */
export function shownSafely<P extends Picture>(picture: P): P {
  const pixels = pixelsOf(fromBase64(picture.standIn), picture.type);
  const isSmall = pixels !== null && Math.max(pixels.width, pixels.height) <= limits.pictureStandInMaxSide;
  return isSmall ? picture : { ...picture, standIn: '' };
}
