import { writeFile } from 'node:fs/promises';
import { type Browser, chromium, type Locator } from '@playwright/test';
import config from '../../playwright.config';

/** The picture of an element as gray values, one byte per pixel. */
async function grays(element: Locator): Promise<{ width: number; height: number; data: number[] }> {
  const png = (await element.screenshot()).toString('base64');
  return element.page().evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    // Video frames have even sides, and cameras a margin around what they film.
    const [width, height] = [640, 480];
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no canvas');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(image, (width - 400) / 2, (height - 400) / 2, 400, 400);
    const pixels = context.getImageData(0, 0, width, height).data;
    const data = Array.from({ length: width * height }, (_, index) => pixels[index * 4 + 1] ?? 0);
    return { width, height, data };
  }, png);
}

/** Films an element for a fake camera: uncompressed video (YUV4MPEG2, monochrome). */
export async function film(element: Locator, file: string): Promise<void> {
  const { width, height, data } = await grays(element);
  const chroma = Buffer.alloc((width * height) / 2, 128);
  const frame = Buffer.concat([Buffer.from('FRAME\n'), Buffer.from(data), chroma]);
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\n`);
  await writeFile(file, Buffer.concat([header, ...Array.from({ length: 10 }, () => frame)]));
}

/** A browser whose camera plays a film. */
export function browserWithCamera(file: string): Promise<Browser> {
  const { launchOptions } = config.use ?? {};
  return chromium.launch({
    ...launchOptions,
    args: [
      ...(launchOptions?.args ?? []),
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${file}`,
    ],
  });
}
