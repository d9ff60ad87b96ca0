'use client';

import { useEffect, useState } from 'react';
import type { PictureRow } from '../../lib/client/db';
import { waitingPictures } from '../../lib/client/picture-rows';
import { addPicture } from '../../lib/client/pictures';
import { fromBase64 } from '../../lib/protocol/base64';
import { author, db } from './author';
import { useLiveOf } from './use-live';

/** `null`: not here. */
export const usePicture = (id: string) => useLiveOf(id, async () => (await db.pictures.get(id)) ?? null);
export const useWaitingPictures = (box: string) => useLiveOf(box, () => waitingPictures(db, box));

/** An address of this page's own for what a picture shows; `null` while there is nothing to show. */
export function usePictureUrl(row: Pick<PictureRow, 'bytes' | 'type'> | null | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  const bytes = row?.bytes ?? '';
  const type = row?.type;
  useEffect(() => {
    if (bytes === '' || type === undefined) return;
    const made = URL.createObjectURL(new Blob([fromBase64(bytes)], { type }));
    setUrl(made);
    return () => {
      setUrl(null);
      URL.revokeObjectURL(made);
    };
  }, [bytes, type]);
  return url;
}

export interface PictureIntake {
  /** Makes files ready and puts them beside the draft, in their order. */
  take: (files: Iterable<File>) => void;
  /** How many are being made ready. */
  busy: number;
  problem: 'unreadable' | 'tooMany' | null;
}

export function usePictureIntake(conversationId: string): PictureIntake {
  const [busy, setBusy] = useState(0);
  const [problem, setProblem] = useState<PictureIntake['problem']>(null);
  const takeOne = async (file: File): Promise<PictureIntake['problem']> => {
    // Only who sends a picture needs it.
    const { NotAPicture, preparePicture } = await import('../../lib/client/prepare-picture');
    try {
      return (await addPicture(author, conversationId, await preparePicture(file))) ? null : 'tooMany';
    } catch (error) {
      if (error instanceof NotAPicture) return 'unreadable';
      throw error;
    }
  };
  const takeAll = async (files: File[]) => {
    setProblem(null);
    setBusy((count) => count + files.length);
    let left = files.length;
    try {
      for (const file of files) {
        const found = await takeOne(file);
        if (found) setProblem(found);
        if (found === 'tooMany') return;
        left -= 1;
        setBusy((count) => count - 1);
      }
    } finally {
      setBusy((count) => count - left);
    }
  };
  return {
    take: (files) => {
      const all = [...files];
      if (all.length > 0) void takeAll(all);
    },
    busy,
    problem,
  };
}
