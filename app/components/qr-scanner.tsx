'use client';

import type { Html5Qrcode } from 'html5-qrcode';
import { useEffect, useId, useRef, useState } from 'react';
import { useTranslations } from 'use-intl';

/** Reads a QR code with the camera, or from a picture. Without a camera the picture is the way. */
export function QrScanner({ onCode }: { onCode: (text: string) => void }) {
  const t = useTranslations('linking');
  const id = useId();
  const [problem, setProblem] = useState<'camera' | 'picture' | null>(null);
  const told = useRef(onCode);
  told.current = onCode;
  useEffect(
    () =>
      startCamera(
        id,
        (text) => told.current(text),
        () => setProblem((known) => known ?? 'camera'),
      ),
    [id],
  );

  const read = async (file: File | undefined) => {
    if (!file) return;
    const text = await readPicture(`${id}-picture`, file);
    if (text === undefined) setProblem('picture');
    else told.current(text);
  };

  return (
    <div className="scanner">
      <div className="camera" id={id} hidden={problem === 'camera'} />
      <div id={`${id}-picture`} hidden />
      {problem && (
        <p className={problem === 'camera' ? 'notice camera-off' : 'notice'} role="status">
          {t(problem === 'camera' ? 'noCamera' : 'noCode')}
        </p>
      )}
      <label className="button wide">
        {t('picture')}
        <input
          type="file"
          accept="image/*"
          className="visually-hidden"
          onChange={(event) => void read(event.target.files?.[0])}
        />
      </label>
    </div>
  );
}

/** @returns the code's text; undefined when there is none to be seen */
async function readPicture(id: string, file: File): Promise<string | undefined> {
  // Its reader wants an element of its own.
  const reader = await newReader(id);
  try {
    return await reader.scanFile(await framed(file), false);
  } catch {
    // It rejects with a text when it finds no code, as the browser does for what is no picture.
    return undefined;
  }
}

/**
 * Reads with the browser's own detector where there is one. Elsewhere with a detector of the same shape: the one that
 * `html5-qrcode` falls back to cannot read one code in eighty, whatever the picture's size.
 */
async function newReader(id: string): Promise<Html5Qrcode> {
  if (!('BarcodeDetector' in globalThis)) {
    const { BarcodeDetector, prepareZXingModule } = await import('barcode-detector/ponyfill');
    const wasm = new URL('zxing-wasm/reader/zxing_reader.wasm', import.meta.url).href;
    prepareZXingModule({ overrides: { locateFile: () => wasm } });
    Object.assign(globalThis, { BarcodeDetector });
  }
  const { Html5Qrcode } = await import('html5-qrcode');
  return new Html5Qrcode(id, { verbose: false, useBarCodeDetectorIfSupported: true });
}

/** A photograph is made smaller than this on its longer side, in pixels: a code that fills a tenth of it is still read. */
const photoSide = 1_600;

/** The picture on white with a margin around, which a cropped code needs. */
async function framed(file: File): Promise<File> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, photoSide / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const margin = Math.round(width / 10);
  const canvas = new OffscreenCanvas(width + 2 * margin, height + 2 * margin);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, margin, margin, width, height);
  bitmap.close();
  return new File([await canvas.convertToBlob()], 'code.png', { type: 'image/png' });
}

/** @returns what turns the camera off */
function startCamera(id: string, onCode: (text: string) => void, onProblem: () => void): () => void {
  let gone = false;
  let stop: () => Promise<void> = async () => undefined;
  const start = async () => {
    const camera = await newReader(id);
    if (gone) return;
    await camera.start(
      { facingMode: 'environment' },
      { fps: 10 },
      (text) => {
        if (!gone) onCode(text);
      },
      undefined,
    );
    stop = () => camera.stop();
    if (gone) await stop();
  };
  start().catch(() => {
    // No camera, or it may not be used: either way there is the picture and the code to type.
    if (!gone) onProblem();
  });
  return () => {
    gone = true;
    // One that has stopped by itself rejects; it is off all the same.
    stop().catch(() => undefined);
  };
}
