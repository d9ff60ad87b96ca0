import { afterEach, beforeEach, expect, test } from 'vitest';
import { cancel, deleteMessage, editMessage, retry } from '../lib/client/change-intents';
import type { MessageRow } from '../lib/client/db';
import { freeConversation } from '../lib/client/freeing';
import { sendText } from '../lib/client/intents';
import { isSent } from '../lib/client/picture-rows';
import {
  addPicture,
  removePicture,
  sendPictures,
  waitingPictures,
  wishPicture,
} from '../lib/client/pictures';
import { shipSealed } from '../lib/client/ship';
import { toBase64 } from '../lib/protocol/base64';
import { limits } from '../lib/protocol/limits';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

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

const picture = (letter: string, size = 60_000) => ({
  bytes: toBase64(new TextEncoder().encode(letter.repeat(size))),
  type: 'image/webp' as const,
  width: 640,
  height: 480,
  standIn: toBase64(new TextEncoder().encode('small')),
});

const send = async (letter: string, text = '', author = anna.author) => {
  await addPicture(author, conversationId, picture(letter));
  await sendPictures(author, conversationId, text, null);
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
  expect(await sendPictures(anna.author, conversationId, 'three', null)).toBe(3);
  await shown(bert, 3);
  const messages = await pictured(bert);
  expect(messages.map((row) => row.body)).toEqual(['three', '', '']);
  const rows = await bert.db.pictures.bulkGet(messages.map((row) => row.id));
  expect(rows.map((row) => row?.bytes)).toEqual([...'abc'].map((letter) => picture(letter).bytes));
  expect((await bert.db.conversations.get(conversationId))?.preview).toMatchObject({
    text: '',
    picture: true,
  });
  expect(await sendPictures(anna.author, conversationId, 'none', null)).toBe(0);
});

test('pictures wait beside the draft until they are sent or removed, and no more than one message takes', async () => {
  for (let index = 0; index < limits.picturesPerMessage; index++)
    expect(await addPicture(anna.author, conversationId, picture('a', 10))).toBe(true);
  expect(await addPicture(anna.author, conversationId, picture('b', 10))).toBe(false);
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
  expect(await shipSealed(anna.environment())).toBe(1);
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

test('a picture that is taken back before it left is gone from here and was never told of', async () => {
  anna.network.setUp(false);
  await send('a', 'better not');
  const [message] = await pictured(anna);
  expect(await cancel(anna.author, message?.id ?? '')).toBe('better not');
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
