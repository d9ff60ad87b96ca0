import { toBase64 } from '../protocol/base64';
import { limits } from '../protocol/limits';
import type { PreparedPicture } from './picture-rows';

/** What this browser cannot read as a picture, or cannot make small enough. */
export class NotAPicture extends Error {
  override readonly name = 'NotAPicture';
}

/** A picture takes so many bytes at most, before it is encrypted. */
const mostBytes = 500_000;
/** Longest side in pixels, and quality: the first that is small enough is taken. */
const sizes = [
  [2_048, 0.82],
  [2_048, 0.7],
  [1_600, 0.7],
  [1_280, 0.65],
  [1_024, 0.55],
  [640, 0.5],
] as const;
const standInSide = 24;

/**
 * Makes a picture ready to be sent: upright, no larger than a screen shows, as WebP, or JPEG where a browser writes no
 * WebP (Safari). It is painted anew, so nothing of what the file says beside its pixels, such as where it was taken,
 * goes along.
 * @throws NotAPicture
 */
export async function preparePicture(file: Blob): Promise<PreparedPicture> {
  const bitmap = await createImageBitmap(file).catch((cause: unknown) => {
    throw new NotAPicture('not a picture', { cause });
  });
  try {
    for (const [side, quality] of sizes) {
      const { blob, ...shape } = await painted(bitmap, side, quality);
      if (blob.size > mostBytes) continue;
      const standIn = await painted(bitmap, standInSide, 0.4, shape.type);
      const [bytes, small] = await Promise.all([base64Of(blob), base64Of(standIn.blob)]);
      // Some browsers put a colour profile of kilobytes into the smallest picture.
      return { ...shape, bytes, standIn: small.length > limits.pictureStandInMaxLength ? '' : small };
    }
  } finally {
    bitmap.close();
  }
  throw new NotAPicture('it does not get small enough');
}

async function painted(
  bitmap: ImageBitmap,
  mostSide: number,
  quality: number,
  type: PreparedPicture['type'] = 'image/webp',
): Promise<Pick<PreparedPicture, 'type' | 'width' | 'height'> & { blob: Blob }> {
  const scale = Math.min(1, mostSide / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new NotAPicture('nothing can be painted here');
  if (type === 'image/jpeg') {
    // It knows no transparency, and would make it black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type, quality }).catch((cause: unknown) => {
    throw new NotAPicture('it cannot be written', { cause });
  });
  if (blob.type === type) return { type, width, height, blob };
  if (type === 'image/jpeg') throw new NotAPicture('this browser writes neither');
  return painted(bitmap, mostSide, quality, 'image/jpeg');
}

const base64Of = async (blob: Blob): Promise<string> => toBase64(new Uint8Array(await blob.arrayBuffer()));
