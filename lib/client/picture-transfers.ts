import { AttachmentRefused, openAttachment, sealAttachment } from '../crypto/attachments';
import { fromBase64, toBase64 } from '../protocol/base64';
import { AparteError, errors } from '../protocol/errors';
import type { Content, SentPicture } from './content';
import type { AparteDb, Intent, OutboxRow, PictureRow, TransferRow } from './db';
import type { Environment } from './environment';
import { isSent, pictureOf } from './picture-rows';
import { pixelsOf } from './picture-size';
import type { Work } from './work';

/**
 * Encrypts the picture of a message, once: whatever happens after, the same bytes go to the same address, and the
 * message says where. One whose picture is encrypted, or that has none, is left as it is.
 * @returns the row as it is to be sealed
 * @throws AparteError not_found when the picture is not here any more
 */
export async function sealPicture(
  { environment: { db }, me }: Pick<Work, 'environment' | 'me'>,
  row: OutboxRow,
): Promise<OutboxRow> {
  if (row.intent.kind !== 'message' || !row.intent.picture) return row;
  const { messageId } = row.intent;
  const before = (await db.outbox.get(row.id))?.intent;
  if (!isUnsealed(before)) return before ? { ...row, intent: before } : row;
  const picture = await db.pictures.get(messageId);
  if (!picture) throw new AparteError('not_found');
  const { ciphertext, address, secret } = await sealAttachment(fromBase64(picture.bytes));
  const bytes = toBase64(ciphertext);
  const sent = { ...pictureOf(picture), address, secret };
  return db.transaction('rw', db.outbox, db.messages, db.transfers, async () => {
    const latest = (await db.outbox.get(row.id))?.intent;
    // Taken back meanwhile.
    if (!isUnsealed(latest)) return row;
    const intent = { ...latest, content: { ...latest.content, picture: sent } };
    await db.outbox.update(row.id, { intent });
    await db.messages.update(messageId, { picture: sent });
    await db.transfers.put({ id: messageId, kind: 'upload', address, bytes, by: me.userId });
    return { ...row, intent };
  });
}

type Said = Extract<Intent, { kind: 'message' }>;
type Text = Extract<Content, { kind: 'text' }>;

const isUnsealed = (intent: Intent | undefined): intent is Said & { content: Text } =>
  intent?.kind === 'message' && intent.content.kind === 'text' && intent.content.picture === undefined;

/**
 * Before a message is sent its picture is on the server: whoever reads it finds it there.
 * @param signal ends it; it begins anew with the next try
 */
export async function uploadPicture(
  { db, media }: Pick<Environment, 'db' | 'media'>,
  { intent }: OutboxRow,
  signal: AbortSignal,
): Promise<void> {
  if (intent.kind !== 'message' || !intent.picture) return;
  const transfer = await db.transfers.get(intent.messageId);
  if (transfer?.kind !== 'upload') return;
  const { id, address, by } = transfer;
  await media.put(address, fromBase64(transfer.bytes), signal);
  await db.transaction('rw', db.transfers, async () => {
    if ((await db.transfers.get(id))?.kind === 'upload') await db.transfers.delete(id);
    // Taken back while it went: the server may have been asked to forget it before it had it.
    else await db.transfers.put({ id, kind: 'drop', address, by, late: true });
  });
}

/**
 * Fetches what is wanted, the latest wish first, and has the server forget what was deleted, as long as it is reached.
 * @throws what the first failure was; its picture waits behind all others then
 */
export async function movePictures(work: Work): Promise<void> {
  const { db, now } = work.environment;
  while (work.online()) {
    const next = await nextOf(db);
    if (next === undefined) return;
    try {
      await move(work, next);
    } catch (error) {
      if (next.kind === 'fetch') await replace(db, next, { ...next, at: -now() });
      throw error;
    }
    await replace(db, next, null);
  }
}

type Moved = Exclude<TransferRow, { kind: 'upload' }>;

/** Unless something else is to be done about it by now, as when its message was deleted while the picture came. */
async function replace(db: AparteDb, done: Moved, row: Moved | null): Promise<void> {
  await db.transaction('rw', db.transfers, async () => {
    const now = await db.transfers.get(done.id);
    if (now?.kind !== done.kind || isLate(now) !== isLate(done)) return;
    await (row ? db.transfers.put(row) : db.transfers.delete(done.id));
  });
}

const isLate = (row: TransferRow): boolean => row.kind === 'drop' && row.late === true;

async function nextOf(db: AparteDb): Promise<Moved | undefined> {
  const rows = await db.transfers.where('kind').anyOf('fetch', 'drop').toArray();
  const drop = rows.find((row) => row.kind === 'drop');
  if (drop?.kind === 'drop') return drop;
  const fetches = rows.filter((row) => row.kind === 'fetch');
  return fetches.sort((a, b) => b.at - a.at)[0];
}

async function move(work: Work, row: Moved): Promise<void> {
  const { environment, me } = work;
  if (row.kind === 'fetch') await fetchPicture(work, row.id);
  // Others' own devices see to theirs.
  else if (row.by === me.userId) await environment.api.attachments.remove.mutate({ address: row.address });
}

async function fetchPicture({ environment, line }: Work, messageId: string): Promise<void> {
  const { db, now } = environment;
  const message = await db.messages.get(messageId);
  if (!message || message.deleted || !isSent(message.picture)) return;
  if ((await db.pictures.get(messageId))?.state === 'here') return;
  const found = await fetched(environment, message.picture, line());
  await db.transaction('rw', db.pictures, db.messages, async () => {
    // Deleted, or freed, while it came.
    const latest = await db.messages.get(messageId);
    if (!latest?.picture || latest.deleted) return;
    const { conversationId, picture } = latest;
    const about = { id: messageId, conversationId, at: now(), ...pictureOf(picture) };
    await db.pictures.put({ ...about, ...found, size: found.bytes.length });
  });
}

async function fetched(
  { media }: Environment,
  { address, secret, type, width, height }: SentPicture,
  signal: AbortSignal,
): Promise<Pick<PictureRow, 'state' | 'bytes'>> {
  try {
    const opened = await openAttachment(await media.get(address, signal), secret);
    const pixels = pixelsOf(opened, type);
    if (pixels?.width !== width || pixels.height !== height) return { state: 'damaged', bytes: '' };
    return { state: 'here', bytes: toBase64(opened) };
  } catch (error) {
    const refused = error instanceof AparteError && !errors[error.code].retry;
    if (refused && error.code === 'not_found') return { state: 'gone', bytes: '' };
    if (refused || error instanceof AttachmentRefused) return { state: 'damaged', bytes: '' };
    throw error;
  }
}
