import { limits } from '../protocol/limits';
import { type Author, say, signedIn } from './intents';
import {
  isSent,
  type PreparedPicture,
  pictureOf,
  putBeside,
  waitingIn,
  waitingPictures,
} from './picture-rows';
import { isBlockedPerson } from './queries';

/**
 * Puts a picture beside the draft of a conversation: it is sent with the next message, and stays until then.
 * @returns false when as many as one message takes wait already
 */
export async function addPicture(author: Author, box: string, picture: PreparedPicture): Promise<boolean> {
  const { db } = author;
  return db.transaction('rw', db.pictures, async () => {
    if ((await waitingIn(db, box).count()) >= limits.picturesPerMessage) return false;
    await putBeside(author, box, picture);
    return true;
  });
}

/** One that waits. What was sent meanwhile stays. */
export async function removePicture({ db }: Author, id: string): Promise<void> {
  await db.transaction('rw', db.pictures, async () => {
    if ((await db.pictures.get(id))?.waitsIn !== undefined) await db.pictures.delete(id);
  });
}

/**
 * Sends what was written: a text, and the pictures that wait beside the draft, each as a message of its own, the text
 * with the first of them.
 * @param messageId of the message with the text; one that is stored already stays as it is, and nothing is sent
 * @returns how many pictures were sent
 */
export async function sendWritten(
  author: Author,
  conversationId: string,
  text: string,
  replyTo: string | null,
  messageId: string,
): Promise<number> {
  const { db } = author;
  const tables = [db.messages, db.outbox, db.conversations, db.meta, db.pictures];
  return db.transaction('rw', tables, async () => {
    if (await db.messages.get(messageId)) return 0;
    const waiting = await waitingPictures(db, conversationId);
    if (waiting.length === 0 && text !== '')
      await say(author, conversationId, { kind: 'text', body: text, replyTo }, { messageId });
    for (const [place, row] of waiting.entries()) {
      const { waitsIn: _, ...rest } = row;
      const first = place === 0;
      const id = first ? messageId : row.id;
      await db.pictures.delete(row.id);
      await db.pictures.put({ ...rest, id });
      const content = { kind: 'text' as const, body: first ? text : '', replyTo: first ? replyTo : null };
      await say(author, conversationId, content, { messageId: id, picture: pictureOf(row) });
    }
    return waiting.length;
  });
}

/** So many are fetched without anybody looking at them; the others when somebody does. */
const unaskedMost = 200;

/**
 * Messages with pictures have arrived. What strangers send, and people who are blocked, fills no storage unasked; what is
 * being done about one of them already goes on.
 */
export async function expectPictures(
  { db, now }: Pick<Author, 'db' | 'now'>,
  conversationId: string,
  messageIds: string[],
): Promise<void> {
  if ((await db.conversations.get(conversationId))?.myState !== 'active') return;
  const { userId } = await signedIn(db);
  const wanted: string[] = [];
  for (const row of await db.messages.bulkGet(messageIds))
    if (row && !(await isBlockedPerson(db, userId, row.senderId))) wanted.push(row.id);
  await db.transaction('rw', db.transfers, async () => {
    const known = await db.transfers.bulkGet(wanted);
    const room = unaskedMost - (await db.transfers.where('kind').equals('fetch').count());
    const fresh = wanted.filter((_, index) => !known[index]);
    if (room <= 0) return;
    await db.transfers.bulkPut(fresh.slice(-room).map((id) => ({ id, kind: 'fetch' as const, at: now() })));
  });
}

/** Somebody looks at a message whose picture is not here, or could not be had: it is fetched before all others. */
export async function wishPicture({ db, now }: Author, messageId: string): Promise<void> {
  await db.transaction('rw', db.pictures, db.transfers, db.messages, async () => {
    const message = await db.messages.get(messageId);
    if (!message || message.deleted || !isSent(message.picture)) return;
    // Its own ciphertext has not even left, so its picture is here.
    if ((await db.transfers.get(messageId))?.kind === 'upload') return;
    if ((await db.pictures.get(messageId))?.state === 'here') return;
    await db.pictures.delete(messageId);
    await db.transfers.put({ id: messageId, kind: 'fetch', at: now() });
  });
}
