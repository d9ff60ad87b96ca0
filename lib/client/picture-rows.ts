import { Dexie } from 'dexie';
import type { Picture, SentPicture } from './content';
import type { AparteDb, MessageRow, PictureRow } from './db';
import type { Author } from './intents';

export const isSent = (picture: Picture | undefined): picture is SentPicture =>
  picture !== undefined && 'address' in picture;

/** What is said of a picture to others. */
export const pictureOf = ({ type, width, height, standIn }: Picture): Picture => ({
  type,
  width,
  height,
  standIn,
});

/**
 * These messages are deleted, or were never sent: their pictures go from here, and one's own from the server too.
 * Inside a transaction over `pictures` and `transfers`.
 */
export async function forgetPictures(db: AparteDb, rows: MessageRow[]): Promise<void> {
  for (const { id, picture, senderId } of rows) {
    if (!picture) continue;
    await db.pictures.delete(id);
    if (isSent(picture)) await db.transfers.put({ id, kind: 'drop', address: picture.address, by: senderId });
    else await db.transfers.delete(id);
  }
}

/** A picture that was made ready for sending. */
export interface PreparedPicture extends Picture {
  /** base64 */
  bytes: string;
}

/** What another app has shared waits here until it is said for which conversation it is. */
export const shareBox = 'shared';

export const waitingIn = (db: AparteDb, box: string) =>
  db.pictures.where('[waitsIn+at]').between([box, Dexie.minKey], [box, Dexie.maxKey]);

/** In the order in which they were put there. @param box a conversation, or the share box */
export const waitingPictures = (db: AparteDb, box: string): Promise<PictureRow[]> =>
  waitingIn(db, box).toArray();

export const dropWaiting = (db: AparteDb, box: string): Promise<number> => waitingIn(db, box).delete();

/** Behind those that wait there. Inside a transaction over `pictures`. */
export async function putBeside(
  { db, now, newId }: Author,
  box: string,
  picture: PreparedPicture,
): Promise<void> {
  const last = (await waitingIn(db, box).keys()).at(-1);
  const after = Array.isArray(last) ? Number(last[1]) + 1 : 0;
  await db.pictures.add({
    id: newId(),
    conversationId: box,
    waitsIn: box,
    state: 'here',
    bytes: picture.bytes,
    size: picture.bytes.length,
    at: Math.max(now(), after),
    ...pictureOf(picture),
  });
}
