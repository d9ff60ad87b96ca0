import { writeFile } from 'node:fs/promises';
import { type Browser, chromium, type Locator } from '@playwright/test';
import config from '../../playwright.config';

const [width, height] = [640, 480];
/** How large it stands in each frame: a hand moves, and what is not read in one frame is in another. */
const sizes = Array.from({ length: 12 }, (_, index) => 270 + 15 * index);

/** The frames of a film of an element as gray values, one byte per pixel. */
async function grays(element: Locator): Promise<number[][]> {
  const png = (await element.screenshot()).toString('base64');
  const given = { png, width, height, sizes };
  return element.page().evaluate(async ({ png: source, width, height, sizes }) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    return sizes.map((size) => {
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, height);
      context.drawImage(image, (width - size) / 2, (height - size) / 2, size, size);
      const pixels = context.getImageData(0, 0, width, height).data;
      return Array.from({ length: width * height }, (_, index) => pixels[index * 4 + 1] ?? 0);
    });
  }, given);
}

/** Films an element for a fake camera: uncompressed video (YUV4MPEG2, monochrome). */
export async function film(element: Locator, file: string): Promise<void> {
  const chroma = Buffer.alloc((width * height) / 2, 128);
  const frames = (await grays(element)).flatMap((data) => [
    Buffer.from('FRAME\n'),
    Buffer.from(data),
    chroma,
  ]);
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\n`);
  await writeFile(file, Buffer.concat([header, ...frames]));
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
