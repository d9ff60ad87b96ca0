'use client';

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
        <p className="notice" role="status">
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

/** Widths in pixels at which a picture is looked at: the library misses one code in twenty at any single one. */
const widths = [300, 240, 360, 200, 420, 640, 900, 1_200];

/** @returns the code's text; undefined when there is none to be seen */
async function readPicture(id: string, file: File): Promise<string | undefined> {
  const { Html5Qrcode } = await import('html5-qrcode');
  // Its reader wants an element of its own.
  const reader = new Html5Qrcode(id, options);
  for (const width of widths) {
    try {
      return await reader.scanFile(await resized(file, width), false);
    } catch {
      // It rejects with a text when it finds no code, as the browser does for what is no picture: try the next width.
    }
  }
  return undefined;
}

const options = { verbose: false, useBarCodeDetectorIfSupported: true };

/** The picture so wide, on white with a margin around, which a cropped code needs. */
async function resized(file: File, width: number): Promise<File> {
  const bitmap = await createImageBitmap(file);
  const height = Math.max(1, Math.round((bitmap.height * width) / bitmap.width));
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
    const { Html5Qrcode } = await import('html5-qrcode');
    if (gone) return;
    const camera = new Html5Qrcode(id, options);
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
