import { limits } from '../protocol/limits';
import type { Picture } from './content';
import type { AparteDb, PictureRow } from './db';
import { type Author, say } from './intents';
import { isSent, pictureOf } from './picture-rows';
import { serverTime } from './server-clock';

/** A picture that was made ready for sending. */
export interface PreparedPicture extends Picture {
  /** base64 */
  bytes: string;
}

/** What another app has shared waits here until it is said for which conversation it is. */
export const shareBox = 'shared';

/** Oldest first. @param box a conversation, or the share box */
export const waitingPictures = (db: AparteDb, box: string): Promise<PictureRow[]> =>
  db.pictures.where('waitsIn').equals(box).sortBy('at');

/**
 * Puts a picture beside the draft of a conversation: it is sent with the next message, and stays until then.
 * @returns false when as many as one message takes wait already
 */
export async function addPicture(
  { db, now, newId }: Author,
  box: string,
  { bytes, type, width, height, standIn }: PreparedPicture,
): Promise<boolean> {
  return db.transaction('rw', db.pictures, async () => {
    if ((await db.pictures.where('waitsIn').equals(box).count()) >= limits.picturesPerMessage) return false;
    await db.pictures.add({
      id: newId(),
      conversationId: box,
      waitsIn: box,
      state: 'here',
      size: bytes.length,
      at: now(),
      ...{ bytes, type, width, height, standIn },
    });
    return true;
  });
}

export const removePicture = ({ db }: Author, id: string): Promise<void> => db.pictures.delete(id);

/**
 * Sends what waits beside the draft, each picture as a message of its own, the text with the first of them.
 * @returns how many were sent; 0: nothing waits, and nothing was said
 */
export async function sendPictures(
  author: Author,
  conversationId: string,
  text: string,
  replyTo: string | null,
): Promise<number> {
  const { db } = author;
  const tables = [db.messages, db.outbox, db.conversations, db.meta, db.pictures];
  return db.transaction('rw', tables, async () => {
    const waiting = await waitingPictures(db, conversationId);
    for (const [place, row] of waiting.entries()) {
      const { waitsIn: _, ...picture } = row;
      await db.pictures.put(picture);
      const first = place === 0;
      const content = { kind: 'text' as const, body: first ? text : '', replyTo: first ? replyTo : null };
      await say(author, conversationId, content, { messageId: row.id, picture: pictureOf(row) });
    }
    return waiting.length;
  });
}

/** So many are fetched without anybody looking at them; the others when somebody does. */
const unaskedMost = 200;

/** Messages with pictures have arrived. What is being done about one of them already goes on. */
export async function expectPictures(db: AparteDb, messageIds: string[], at: number): Promise<void> {
  await db.transaction('rw', db.transfers, async () => {
    const known = await db.transfers.bulkGet(messageIds);
    const room = unaskedMost - (await db.transfers.where('kind').equals('fetch').count());
    const wished = messageIds.filter((_, index) => !known[index]).slice(-Math.max(1, room));
    if (room > 0) await db.transfers.bulkPut(wished.map((id) => ({ id, kind: 'fetch' as const, at })));
  });
}

/** Somebody looks at a message whose picture is not here, or could not be had: it is fetched before all others. */
export async function wishPicture(author: Author, messageId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.pictures, db.transfers, db.messages, db.meta, async () => {
    const message = await db.messages.get(messageId);
    if (!message || message.deleted || !isSent(message.picture)) return;
    // Its own ciphertext has not even left, so its picture is here.
    if ((await db.transfers.get(messageId))?.kind === 'upload') return;
    if ((await db.pictures.get(messageId))?.state === 'here') return;
    await db.pictures.delete(messageId);
    await db.transfers.put({ id: messageId, kind: 'fetch', at: await serverTime(author) });
  });
}
