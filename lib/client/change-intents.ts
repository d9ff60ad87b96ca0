import { type MessageRow, pendingOrder } from './db';
import { type Author, enqueue, say } from './intents';
import { isSent, putBeside } from './picture-rows';
import { dropMessage, storeFollowed } from './preview';
import { envelopesOf, unsent, withdraw } from './withdraw';

/** What has certainly not left is written anew: nobody hears what stood there before. */
export async function editMessage(author: Author, message: MessageRow, body: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', [db.messages, db.outbox, db.conversations, db.meta], async () => {
    if ((await db.messages.get(message.id))?.deleted) return;
    const { row, waiting, changes } = await unsent(db, message.id);
    const isEdited = changes.some(
      ({ intent }) => intent.kind === 'message' && intent.content.kind === 'edit',
    );
    if (!row || isEdited) {
      await say(author, message.conversationId, { kind: 'edit', target: message.id, body });
      return;
    }
    if (waiting?.intent.kind === 'message' && waiting.intent.content.kind === 'text')
      await db.outbox.update(waiting.id, {
        intent: { ...waiting.intent, content: { ...waiting.intent.content, body } },
        sealed: null,
        envelopes: envelopesOf(waiting),
      });
    await db.messages.update(row.id, { body });
    await storeFollowed(db, { ...row, body });
  });
}

/** What has certainly not left is taken back: nobody hears of it. */
export async function deleteMessage(author: Author, message: MessageRow): Promise<void> {
  const { db } = author;
  const tables = [db.messages, db.outbox, db.conversations, db.meta, db.pictures, db.transfers];
  await db.transaction('rw', tables, async () => {
    if ((await takeBack(author, message.id)) === null)
      await say(author, message.conversationId, { kind: 'delete', target: message.id });
  });
}

/** Sends a failed message again. */
export async function retry(author: Author, messageId: string): Promise<void> {
  const { db } = author;
  await db.transaction('rw', db.messages, db.outbox, db.meta, async () => {
    const message = await db.messages.get(messageId);
    if (message?.status !== 'failed' || message.deleted) return;
    const { body, replyTo, picture } = message;
    const text = { kind: 'text' as const, body, replyTo, ...(isSent(picture) ? { picture } : {}) };
    const intent = { kind: 'message' as const, messageId, content: message.notice ?? text };
    const outboxId = await enqueue(
      author,
      message.conversationId,
      picture ? { ...intent, picture: true } : intent,
    );
    await db.messages.update(messageId, { status: 'queued', failure: null, order: pendingOrder + outboxId });
  });
}

/**
 * Takes back a message that the server has refused, or that was not sent yet. Its picture waits beside the draft again.
 * @returns its text, for the composer
 */
export async function cancel(author: Author, messageId: string): Promise<string | null> {
  const { db } = author;
  const tables = [db.messages, db.outbox, db.conversations, db.pictures, db.transfers];
  return db.transaction('rw', tables, async () => {
    const picture = await db.pictures.get(messageId);
    const body = await takeBack(author, messageId);
    if (picture && body !== null) await putBeside(author, picture.conversationId, picture);
    return body;
  });
}

/** @returns its text; `null`: it may have left, and stays */
async function takeBack({ db }: Author, messageId: string): Promise<string | null> {
  const tables = [db.messages, db.outbox, db.conversations, db.pictures, db.transfers];
  return db.transaction('rw', tables, async () => {
    const { row, waiting, changes } = await unsent(db, messageId);
    if (!row) return null;
    for (const gone of [waiting, ...changes]) if (gone && !gone.sealed?.tried) await withdraw(db, gone);
    await dropMessage(db, row);
    return row.body;
  });
}
