import type { Page } from '@playwright/test';

/** Where a photograph says that it was taken. */
export const place = 'GPS 48.8530 N 2.3499 E';

/**
 * A photograph of twelve megapixels as a camera writes it that was held upright: a JPEG that says so, and where it was
 * taken. Painted by the browser,
 * grain and all, so that it is as hard to make smaller as one that was taken.
 */
export async function photo(page: Page, hue = 20): Promise<Buffer> {
  const base64 = await page.evaluate(async (start) => {
    const canvas = new OffscreenCanvas(4_000, 3_000);
    const context = canvas.getContext('2d');
    if (!context) throw new Error('nothing can be painted here');
    const sky = context.createLinearGradient(0, 0, 0, 3_000);
    sky.addColorStop(0, `hsl(${start} 70% 70%)`);
    sky.addColorStop(1, `hsl(${start + 60} 50% 25%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 4_000, 3_000);
    let seed = 7;
    const dice = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let leaf = 0; leaf < 60_000; leaf++) {
      context.fillStyle = `hsl(${start + dice() * 90} 50% ${20 + dice() * 60}% / 60%)`;
      context.fillRect(dice() * 4_000, dice() * 3_000, 4 + dice() * 40, 4 + dice() * 40);
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  }, hue);
  const jpeg = Buffer.from(base64, 'base64');
  // An APP1 segment right behind the start of the image: one entry, which says that the camera was turned (Exif 2.3,
  // section 4.6.4: 0112, a short, 6: what is shown is as high as these pixels are wide).
  const entries = Buffer.from(
    '4d4d002a00000008' + '0001' + '0112000300000001' + '00060000' + '00000000',
    'hex',
  );
  const said = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), entries, Buffer.from(place, 'latin1')]);
  const head = Buffer.from([0xff, 0xe1, (said.length + 2) >> 8, (said.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, said, jpeg.subarray(2)]);
}
