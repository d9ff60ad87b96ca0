'use client';

import { useEffect, useState } from 'react';

/** A text as a QR code: dark on light in every theme, since scanners do not read the reverse. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const [drawing, setDrawing] = useState<{ size: number; path: string } | null>(null);
  useEffect(() => {
    let gone = false;
    void import('qrcode').then(({ create }) => {
      const { size, data } = create(text, { errorCorrectionLevel: 'M' }).modules;
      const path = Array.from({ length: size * size }, (_, index) =>
        data[index] ? `M${index % size} ${Math.floor(index / size)}h1v1h-1z` : '',
      ).join('');
      if (!gone) setDrawing({ size, path });
    });
    return () => {
      gone = true;
    };
  }, [text]);
  if (!drawing) return <div className="qr" />;
  const margin = 4;
  const side = drawing.size + 2 * margin;
  return (
    <svg
      className="qr"
      role="img"
      aria-label={label}
      viewBox={`${-margin} ${-margin} ${side} ${side}`}
      shapeRendering="crispEdges"
    >
      <rect x={-margin} y={-margin} width={side} height={side} fill="#fff" />
      <path d={drawing.path} fill="#000" />
    </svg>
  );
}
