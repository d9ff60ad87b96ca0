import { AttachmentRefused, openAttachment, sealAttachment } from '../crypto/attachments';
import { fromBase64, toBase64 } from '../protocol/base64';
import { AparteError } from '../protocol/errors';
import type { Content } from './content';
import type { AparteDb, Intent, MessageRow, OutboxRow, PictureRow, TransferRow } from './db';
import type { Environment } from './environment';
import { isSent, pictureOf } from './picture-rows';
import type { Work } from './work';

/**
 * Encrypts the picture of a message, once: whatever happens after, the same bytes go to the same address, and the
 * message says where. One whose picture is encrypted, or that has none, is left as it is.
 * @returns the row as it is to be sealed
 * @throws AparteError not_found when the picture is not here any more
 */
export async function sealPicture({ db }: Pick<Environment, 'db'>, row: OutboxRow): Promise<OutboxRow> {
  if (row.intent.kind !== 'message' || !row.intent.picture) return row;
  const { messageId } = row.intent;
  const before = (await db.outbox.get(row.id))?.intent;
  if (!isUnsealed(before)) return before ? { ...row, intent: before } : row;
  const picture = await db.pictures.get(messageId);
  if (!picture) throw new AparteError('not_found');
  const { ciphertext, address, secret } = await sealAttachment(fromBase64(picture.bytes));
  const sent = { ...pictureOf(picture), address, secret };
  return db.transaction('rw', db.outbox, db.messages, db.transfers, async () => {
    const latest = (await db.outbox.get(row.id))?.intent;
    // Taken back meanwhile.
    if (!isUnsealed(latest)) return row;
    const intent = { ...latest, content: { ...latest.content, picture: sent } };
    await db.outbox.update(row.id, { intent });
    await db.messages.update(messageId, { picture: sent });
    await db.transfers.put({ id: messageId, kind: 'upload', address, bytes: toBase64(ciphertext) });
    return { ...row, intent };
  });
}

type Said = Extract<Intent, { kind: 'message' }>;
type Text = Extract<Content, { kind: 'text' }>;

const isUnsealed = (intent: Intent | undefined): intent is Said & { content: Text } =>
  intent?.kind === 'message' && intent.content.kind === 'text' && intent.content.picture === undefined;

/** Before a message is sent its picture is on the server: whoever reads it finds it there. */
export async function uploadPicture(
  { db, media }: Pick<Environment, 'db' | 'media'>,
  { intent }: OutboxRow,
): Promise<void> {
  if (intent.kind !== 'message' || !intent.picture) return;
  const transfer = await db.transfers.get(intent.messageId);
  if (transfer?.kind !== 'upload') return;
  await media.put(transfer.address, fromBase64(transfer.bytes));
  await db.transaction('rw', db.transfers, async () => {
    // Taken back meanwhile, it is to be taken off the server again.
    if ((await db.transfers.get(transfer.id))?.kind === 'upload') await db.transfers.delete(transfer.id);
  });
}

/** Fetches what is wanted, the latest wish first, and has the server forget what was deleted, as long as it is reached. */
export async function movePictures({ environment, online, me }: Work): Promise<void> {
  while (online()) {
    const next = await nextOf(environment.db);
    if (next === undefined) return;
    if (next.kind === 'fetch') await fetchPicture(environment, next.id);
    // Others' own devices see to theirs.
    else if (next.by === me.userId)
      await environment.api.attachments.remove.mutate({ address: next.address });
    await environment.db.transfers.delete(next.id);
  }
}

type Moved = Exclude<TransferRow, { kind: 'upload' }>;

async function nextOf(db: AparteDb): Promise<Moved | undefined> {
  const rows = await db.transfers.where('kind').anyOf('fetch', 'drop').toArray();
  const drop = rows.find((row) => row.kind === 'drop');
  if (drop?.kind === 'drop') return drop;
  const fetches = rows.filter((row) => row.kind === 'fetch');
  return fetches.reduce<Moved | undefined>(
    (latest, row) => (latest?.kind === 'fetch' && latest.at >= row.at ? latest : row),
    undefined,
  );
}

async function fetchPicture(environment: Environment, messageId: string): Promise<void> {
  const { db, now } = environment;
  const message = await db.messages.get(messageId);
  if (!message?.picture || message.deleted || !isSent(message.picture)) return;
  if ((await db.pictures.get(messageId))?.state === 'here') return;
  const found = await fetched(environment, message);
  await db.transaction('rw', db.pictures, db.messages, async () => {
    // Deleted, or freed, while it came.
    const latest = await db.messages.get(messageId);
    if (!latest?.picture || latest.deleted) return;
    const { conversationId, picture } = latest;
    const { type, width, height, standIn } = picture;
    const about = { id: messageId, conversationId, type, width, height, standIn, at: now() };
    await db.pictures.put({ ...about, ...found, size: found.bytes.length });
  });
}

async function fetched(
  { media }: Environment,
  { picture }: MessageRow,
): Promise<Pick<PictureRow, 'state' | 'bytes'>> {
  if (!isSent(picture)) return { state: 'gone', bytes: '' };
  try {
    const opened = await openAttachment(await media.get(picture.address), picture.secret);
    return { state: 'here', bytes: toBase64(opened) };
  } catch (error) {
    if (error instanceof AparteError && error.code === 'not_found') return { state: 'gone', bytes: '' };
    const refused =
      error instanceof AparteError && (error.code === 'too_large' || error.code === 'invalid_input');
    if (refused || error instanceof AttachmentRefused) return { state: 'damaged', bytes: '' };
    throw error;
  }
}
