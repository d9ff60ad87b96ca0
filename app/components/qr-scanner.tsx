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
        () => setProblem('camera'),
      ),
    [id],
  );

  const read = async (file: File | undefined) => {
    if (!file) return;
    const { Html5Qrcode } = await import('html5-qrcode');
    // Its reader wants an element of its own.
    const reader = new Html5Qrcode(`${id}-picture`, { verbose: false });
    try {
      told.current(await reader.scanFile(file, false));
    } catch {
      // The library rejects with a text when it finds no code: that is what the person is told.
      setProblem('picture');
    }
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

/** @returns what turns the camera off */
function startCamera(id: string, onCode: (text: string) => void, onProblem: () => void): () => void {
  let gone = false;
  let stop: () => Promise<void> = async () => undefined;
  const start = async () => {
    const { Html5Qrcode } = await import('html5-qrcode');
    if (gone) return;
    const camera = new Html5Qrcode(id, { verbose: false });
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
