import { afterEach, beforeEach, expect, test } from 'vitest';
import { cancel, deleteMessage, editMessage, retry } from '../lib/client/change-intents';
import type { MessageRow } from '../lib/client/db';
import { fetchOlder, freeConversation } from '../lib/client/freeing';
import { sendText, startDirect } from '../lib/client/intents';
import { isSent, waitingPictures } from '../lib/client/picture-rows';
import { uploadPicture } from '../lib/client/picture-transfers';
import { addPicture, removePicture, sendWritten, wishPicture } from '../lib/client/pictures';
import { shipSealed } from '../lib/client/ship';
import { wipeCache } from '../lib/client/wipe-cache';
import { limits } from '../lib/protocol/limits';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

/** Nobody ends it. */
const { signal: endless } = new AbortController();

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let conversationId: string;

beforeEach(async () => {
  ({ town, anna, bert, conversationId } = await Town.pair());
  await sendText(anna.author, conversationId, 'hello');
  await body(bert, 'hello');
});
afterEach(() => town.close());

/** The head of a WebP image of that size, and as many letters as make it so long. */
function webp(width: number, height: number, letter = 'x', size = 100): string {
  const bytes = Buffer.alloc(size, letter);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(size - 8, 4);
  bytes.write('WEBPVP8X', 8);
  bytes.writeUInt32LE(10, 16);
  bytes.writeUInt32LE(0, 20);
  bytes.writeUIntLE(width - 1, 24, 3);
  bytes.writeUIntLE(height - 1, 27, 3);
  return bytes.toString('base64');
}

const picture = (letter: string, size = 60_000) => ({
  bytes: webp(640, 480, letter, size),
  type: 'image/webp' as const,
  width: 640,
  height: 480,
  standIn: webp(24, 18),
});

const send = async (letter: string, text = '', { author } = anna, into = conversationId) => {
  await addPicture(author, into, picture(letter));
  await sendWritten(author, into, text, null, author.newId());
};

const refusal = (status: number, code: string) => Response.json({ code }, { status });

/** The messages with pictures, in order. */
const pictured = async ({ db }: TestDevice): Promise<MessageRow[]> =>
  (await db.messages.orderBy('[conversationId+order]').toArray()).filter((row) => row.picture);

/** Waits until as many pictures are here. */
const shown = (device: TestDevice, count: number) =>
  device.until(async () => {
    const rows = await device.db.pictures.filter((row) => !row.waitsIn && row.state === 'here').toArray();
    return rows.length === count ? rows : undefined;
  }, `${count} pictures`);

const allSent = (device: TestDevice) =>
  device.until(async () => ((await device.db.outbox.count()) === 0 ? true : undefined), 'all is sent');

/** Whether the server has the picture of a message. */
const isStored = async ({ picture }: MessageRow): Promise<boolean> => {
  if (!isSent(picture)) return false;
  const answer = await fetch(`${town.server.origin}/media/${picture.address}`);
  await answer.body?.cancel();
  return answer.status === 200;
};

test('a picture arrives byte for byte on every device of both, and the server holds only its ciphertext', async () => {
  const phone = await town.linked(bert);
  await send('a', 'look');
  const [row] = await shown(bert, 1);
  expect(row).toMatchObject({ ...picture('a'), conversationId, state: 'here' });
  expect((await shown(phone, 1))[0]?.bytes).toBe(picture('a').bytes);
  const [message] = await pictured(bert);
  expect(message?.body).toBe('look');
  if (!isSent(message?.picture)) throw new Error('no address');
  const stored = new Uint8Array(
    await (await fetch(`${town.server.origin}/media/${message.picture.address}`)).arrayBuffer(),
  );
  expect(stored.length).toBe(60_000);
  expect(Buffer.from(stored).includes('aaaa')).toBe(false);
  // Nothing of it is left to do, on either side.
  for (const device of [anna, bert, phone])
    await device.until(async () => ((await device.db.transfers.count()) === 0 ? true : undefined), 'rest');
});

test('of several pictures each is a message, in the order of choosing, the text with the first', async () => {
  for (const letter of 'abc') await addPicture(anna.author, conversationId, picture(letter));
  expect(await sendWritten(anna.author, conversationId, 'three', null, anna.author.newId())).toBe(3);
  await shown(bert, 3);
  const messages = await pictured(bert);
  expect(messages.map((row) => row.body)).toEqual(['three', '', '']);
  const rows = await bert.db.pictures.bulkGet(messages.map((row) => row.id));
  expect(rows.map((row) => row?.bytes)).toEqual([...'abc'].map((letter) => picture(letter).bytes));
  expect((await bert.db.conversations.get(conversationId))?.preview).toMatchObject({
    text: '',
    picture: true,
  });
});

test('pictures wait beside the draft until they are sent or removed, and no more than one message takes', async () => {
  for (let index = 0; index < limits.picturesPerMessage; index++)
    expect(await addPicture(anna.author, conversationId, picture('a', 100))).toBe(true);
  expect(await addPicture(anna.author, conversationId, picture('b', 100))).toBe(false);
  await anna.stop();
  anna.start();
  const [first] = await waitingPictures(anna.db, conversationId);
  await removePicture(anna.author, first?.id ?? '');
  expect(await waitingPictures(anna.db, conversationId)).toHaveLength(limits.picturesPerMessage - 1);
});

test('a picture that was sent without a network goes by whoever has it first, its ciphertext before its message', async () => {
  anna.network.setUp(false);
  await send('a', 'from the train');
  await anna.until(
    async () => ((await anna.db.outbox.toArray()).every((row) => row.sealed) ? true : undefined),
    'sealing',
  );
  await anna.stop();
  anna.network.setUp(true);
  const order: string[] = [];
  anna.network.fails = (url) => {
    order.push(url.includes('/media/') ? 'picture' : 'message');
    return false;
  };
  expect(await shipSealed(anna.environment(), endless)).toBe(1);
  expect(order).toEqual(['picture', 'message']);
  expect((await shown(bert, 1))[0]?.bytes).toBe(picture('a').bytes);
});

test('lost answers and an engine that ends in between send the same bytes to the same address, and one message', async () => {
  anna.network.fails = (url) => url.includes('/media/');
  await send('a');
  const upload = await anna.until(async () => {
    const [row] = await anna.db.transfers.toArray();
    return row?.kind === 'upload' ? row : undefined;
  }, 'encryption');
  await anna.stop();
  anna.start();
  anna.network.fails = () => false;
  anna.network.faults = { drop: 0.3, duplicate: 0, delay: 0, delayMs: 0, cut: 0 };
  await shown(bert, 1);
  const [message, ...others] = await pictured(bert);
  expect(others).toEqual([]);
  expect(message?.picture).toMatchObject({ address: upload.address });
});

test('a picture that is taken back before it left waits beside the draft again, and nobody was told of it', async () => {
  anna.network.setUp(false);
  await send('a', 'better not');
  const [message] = await pictured(anna);
  expect(await cancel(anna.author, message?.id ?? '')).toBe('better not');
  const [beside] = await waitingPictures(anna.db, conversationId);
  expect(beside?.bytes).toBe(picture('a').bytes);
  await removePicture(anna.author, beside?.id ?? '');
  anna.network.setUp(true);
  anna.hurry();
  await sendText(anna.author, conversationId, 'after');
  await body(bert, 'after');
  expect(await anna.db.pictures.count()).toBe(0);
  expect(await pictured(bert)).toEqual([]);
});

test('deleting a message takes its picture from every device and from the server', async () => {
  const phone = await town.linked(anna);
  await send('a');
  await shown(bert, 1);
  await shown(phone, 1);
  const [message] = await pictured(anna);
  if (!message) throw new Error('nothing was sent');
  expect(await isStored(message)).toBe(true);
  await deleteMessage(anna.author, message);
  for (const device of [anna, bert, phone]) {
    await shown(device, 0);
    expect((await device.db.messages.get(message.id))?.picture).toBe(undefined);
  }
  await anna.until(async () => ((await isStored(message)) ? undefined : true), 'the server forgets it');
});

test('a text beside a picture can be changed, and the picture stays', async () => {
  await send('a', 'a catt');
  await shown(bert, 1);
  const [message] = await pictured(anna);
  if (!message) throw new Error('nothing was sent');
  await editMessage(anna.author, message, 'a cat');
  const changed = await body(bert, 'a cat');
  expect(changed.picture).toBeDefined();
});

test('a picture that the server has no more is said to be gone, and comes when it is there and wished for again', async () => {
  bert.network.answers = (url) => (url.includes('/media/') ? refusal(404, 'not_found') : null);
  await send('a');
  const message = await bert.until(async () => (await pictured(bert))[0], 'the message');
  const row = await bert.until(() => bert.db.pictures.get(message.id), 'the answer');
  expect(row).toMatchObject({ state: 'gone', bytes: '' });
  bert.network.answers = () => null;
  await wishPicture(bert.author, message.id);
  expect((await shown(bert, 1))[0]?.bytes).toBe(picture('a').bytes);
});

test('a picture of which other bytes come than were sent is shown to nobody', async () => {
  bert.network.answers = (url) => (url.includes('/media/') ? new Response(new Uint8Array(60_000)) : null);
  await send('a');
  const message = await bert.until(async () => (await pictured(bert))[0], 'the message');
  const row = await bert.until(() => bert.db.pictures.get(message.id), 'what came');
  expect(row).toMatchObject({ state: 'damaged', bytes: '' });
  bert.network.answers = () => null;
  await wishPicture(bert.author, message.id);
  expect((await shown(bert, 1))[0]?.bytes).toBe(picture('a').bytes);
});

test('pictures are freed with their messages, and come back with them', async () => {
  await send('a');
  await shown(bert, 1);
  for (let index = 0; index < 30; index++) await sendText(anna.author, conversationId, `later ${index}`);
  await body(bert, 'later 29');
  const last = (await bert.db.conversations.get(conversationId))?.cursor ?? 0;
  await bert.db.conversations.update(conversationId, { unread: 0, readSeq: last });
  expect(await freeConversation(bert.author, conversationId)).toBeGreaterThan(0);
  expect(await bert.db.pictures.count()).toBe(0);
  await fetchOlder(bert.author, conversationId);
  const message = await bert.until(async () => (await pictured(bert))[0], 'the message');
  await wishPicture(bert.author, message.id);
  expect((await shown(bert, 1))[0]?.bytes).toBe(picture('a').bytes);
});

test('a picture for which there is no room fails visibly, and goes when there is', async () => {
  anna.network.answers = (url) => (url.includes('/media/') ? refusal(403, 'quota_exceeded') : null);
  await send('a', 'big');
  const failed = await anna.until(
    () => anna.db.messages.filter((row) => row.status === 'failed').first(),
    'the refusal',
  );
  expect(failed.failure).toBe('quota_exceeded');
  anna.network.answers = () => null;
  await retry(anna.author, failed.id);
  await allSent(anna);
  expect((await shown(bert, 1))[0]?.bytes).toBe(picture('a').bytes);
  expect((await pictured(bert)).map((row) => row.body)).toEqual(['big']);
});

test('a text that is sent when the pictures beside it have just gone goes alone, and no message goes twice', async () => {
  const { author } = anna;
  await addPicture(author, conversationId, picture('a'));
  const [first, second] = [author.newId(), author.newId()];
  // As two tabs would that both still show the picture.
  await Promise.all([
    sendWritten(author, conversationId, 'look', null, first),
    sendWritten(author, conversationId, 'ok', null, second),
  ]);
  // As a page does that finds what another has left.
  await sendText(author, conversationId, 'look', null, first);
  await sendWritten(author, conversationId, 'ok', null, second);
  await body(bert, 'ok');
  await shown(bert, 1);
  await allSent(anna);
  const texts = (await bert.db.messages.orderBy('[conversationId+order]').toArray()).map((row) => row.body);
  expect(texts).toEqual(['hello', 'look', 'ok']);
});

test('a picture that is taken back while it goes to the server does not stay there', async () => {
  anna.network.setUp(false);
  await send('a');
  const row = await anna.until(
    async () => (await anna.db.outbox.toArray()).find((one) => one.sealed),
    'sealing',
  );
  await anna.stop();
  anna.network.setUp(true);
  const { db, media } = anna.environment();
  const [message] = await pictured(anna);
  if (!message) throw new Error('nothing was sent');
  const put: typeof media.put = async (...call) => {
    await cancel(anna.author, message.id);
    await media.put(...call);
  };
  await uploadPicture({ db, media: { ...media, put } }, row, endless);
  expect(await isStored(message)).toBe(true);
  anna.start();
  await anna.until(async () => ((await isStored(message)) ? undefined : true), 'the server forgets it');
});

test('what strangers send is fetched only when somebody asks for it', async () => {
  const carl = await town.person('carl');
  const session = await bert.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in there');
  const request = await startDirect(carl.author, session);
  await send('c', 'hello from carl', carl, request);
  const message = await body(bert, 'hello from carl');
  await send('a');
  await shown(bert, 1);
  expect(await bert.db.pictures.get(message.id)).toBe(undefined);
  await wishPicture(bert.author, message.id);
  await shown(bert, 2);
});

test('a picture that is of another size than its message says, and a stand-in that is large, are not shown', async () => {
  const made = { ...picture('a'), bytes: webp(16_000, 16_000, 'a', 2_000), standIn: webp(9_000, 9_000) };
  await addPicture(anna.author, conversationId, made);
  await sendWritten(anna.author, conversationId, 'unpack me', null, anna.author.newId());
  const message = await body(bert, 'unpack me');
  expect(message.picture).toMatchObject({ width: 640, height: 480, standIn: '' });
  const row = await bert.until(() => bert.db.pictures.get(message.id), 'what came');
  expect(row).toMatchObject({ state: 'damaged', bytes: '' });
});

test('pictures that wait or were not sent outlive the keys of a device, as texts do', async () => {
  anna.network.setUp(false);
  await send('a', 'unsent');
  await addPicture(anna.author, conversationId, picture('b'));
  const session = await anna.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in there');
  await anna.stop();
  const { userId, deviceId } = session;
  await anna.db.writeMeta('lost', { what: 'keys', userId, deviceId, handle: 'anna', name: 'Anna' });
  await wipeCache(anna.environment(), userId);
  const waiting = await waitingPictures(anna.db, conversationId);
  expect(waiting.map((row) => row.bytes)).toEqual([picture('a').bytes, picture('b').bytes]);
});
