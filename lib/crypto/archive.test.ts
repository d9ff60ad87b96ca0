import { randomUUID } from 'node:crypto';
import { DecryptedRoomEvent, DeviceId, initAsync, OlmMachine } from '@matrix-org/matrix-sdk-crypto-wasm';
import { beforeEach, expect, test } from 'vitest';
import { Archive } from './archive';
import { parseObject } from './json';
import { roomOf, userOf } from './names';
import { settings } from './policy';

const conversationId = randomUUID();
const userId = randomUUID();
let olm: OlmMachine;
let archive: Archive;

beforeEach(async () => {
  await initAsync();
  olm = await OlmMachine.initialize(userOf(userId), new DeviceId(randomUUID()));
  archive = new Archive(olm);
});

/** A message under a key of its own. */
async function say() {
  await olm.invalidateGroupSession(roomOf(conversationId));
  await olm.shareRoomKey(roomOf(conversationId), [], settings());
  const text = await olm.encryptRoomEvent(roomOf(conversationId), 'aparte.message', '{}');
  const content = parseObject(text);
  const room = roomOf(conversationId);
  const event = JSON.stringify({
    type: 'm.room.encrypted',
    event_id: '$1',
    room_id: room.toString(),
    sender: userOf(userId).toString(),
    origin_server_ts: 1,
    content,
    unsigned: {},
  });
  return {
    session: String(content?.session_id),
    open: (session: string) => archive.open(session, event, room),
  };
}

test('a key that opens message after message is taken into memory, and with it those that have opened a few', async () => {
  const [busy, some, rare] = [await say(), await say(), await say()];
  for (let reads = 0; reads < 19; reads++) archive.read(busy.session, false, 1);
  for (let reads = 0; reads < 3; reads++) archive.read(some.session, false, 1);
  archive.read(rare.session, false, 1);
  expect(await archive.recall(1)).toEqual([]);
  expect(await busy.open(busy.session)).toBeNull();
  archive.read(busy.session, false, 1);
  expect((await archive.recall(1)).sort()).toEqual([busy.session, some.session].sort());
  for (const { open, session } of [busy, some])
    expect(await open(session)).toBeInstanceOf(DecryptedRoomEvent);
  expect(await rare.open(rare.session)).toBeNull();
  expect(archive.has(rare.session)).toBe(false);
});

test('a key of notes is taken at once', async () => {
  const note = await say();
  archive.read(note.session, true, 1);
  expect(await archive.recall(1)).toEqual([note.session]);
});

test('what was read before the server told of devices anew does not count', async () => {
  const said = await say();
  for (let reads = 0; reads < 20; reads++) archive.read(said.session, false, 1);
  expect(await archive.recall(2)).toEqual([]);
  for (let reads = 0; reads < 19; reads++) archive.read(said.session, false, 2);
  expect(await archive.recall(2)).toEqual([]);
});
