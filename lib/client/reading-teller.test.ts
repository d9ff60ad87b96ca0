import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { conversationRow } from '../../tests/rows';
import { testKey } from '../../tests/store-key';
import { KeyDirectory } from '../crypto/key-directory.testing';
import type { CryptoMachine } from '../crypto/types';
import type { NoteResult, SendNote } from '../protocol/messages';
import { AparteDb } from './db';
import type { ReadingHint } from './reading-hint';
import { ReadingTeller } from './reading-teller';
import type { Work } from './work';

let runs = 0;
let db: AparteDb;
let laptop: CryptoMachine;
let phone: CryptoMachine;
let teller: ReadingTeller;
/** How many notes were encrypted. */
let sealed: number;
let told: SendNote[];
let answer: NoteResult | Promise<NoteResult>;
let directory: KeyDirectory;
/** What waits for a moment. */
let quiet: () => void;

beforeEach(async () => {
  directory = new KeyDirectory();
  laptop = await directory.join();
  phone = await directory.link(laptop);
  db = new AparteDb(testKey, `reading-teller-${runs++}`);
  await db.writeMeta('devices', { version: 3, deviceIds: [laptop.deviceId, phone.deviceId], names: {} });
  await db.writeMeta('visibleTabs', { tab: 2_000 });
  await db.conversations.put(conversationRow({ cursor: 7, lastSeq: 7, unread: 2 }));
  [sealed, told, answer, quiet] = [0, [], { status: 'noted' }, () => undefined];
  const machine = new Proxy(laptop, {
    get: (target, name) => {
      if (name === 'sealNote') sealed += 1;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const after = (_: number, call: () => void) => {
    quiet = call;
    return () => {
      quiet = () => undefined;
    };
  };
  // The parts of the engine that this needs.
  const work = {
    environment: {
      db,
      after,
      now: () => 1_000,
      log: (event: string, error?: unknown) => expect.fail(`${event} ${error}`),
    },
    machine,
    online: () => true,
    tell: async (note: SendNote) => {
      told.push(note);
      return answer;
    },
  } as unknown as Work;
  teller = new ReadingTeller(work, (reading) => (reading ? `${reading.conversationId} ${reading.seq}` : ''));
});

const reading: ReadingHint = { conversationId: 'c', seq: 7 };

async function arrive(): Promise<void> {
  teller.arrived('c');
  await teller.makeReady();
}

async function tell(of: ReadingHint): Promise<void> {
  await teller.tell(of);
  await teller.settled;
}

/** What the other device reads in what was told last; `null`: it lacks the key. */
const heard = async () => {
  const [envelope] = told.at(-1)?.envelopes ?? [];
  if (!envelope) return undefined;
  const { userId: senderUserId, deviceId: senderDeviceId } = laptop;
  return phone.openNote({ senderUserId, senderDeviceId, type: envelope.type, content: envelope.content });
};

async function deliver(): Promise<void> {
  const { userId: senderUserId, deviceId: senderDeviceId } = laptop;
  const envelopes = told.flatMap((note) => note.envelopes);
  await phone.receive(
    envelopes.map(({ type, content }) => ({ senderUserId, senderDeviceId, type, content })),
    null,
  );
}

test('when a message has come, a note lies ready that the other device can open before it is stored', async () => {
  await arrive();
  // The key went ahead, with a note that tells nothing.
  expect(told).toHaveLength(1);
  expect(await heard()).toBeNull();
  await deliver();
  const before = sealed;
  await tell(reading);
  expect(sealed).toBe(before);
  expect(told).toHaveLength(2);
  expect(told[1]?.devicesVersion).toBe(3);
  expect(await heard()).toBe('c 7');
  expect(teller.toldUpTo('c')).toBe(7);
});

test('a note that lies ready goes out once', async () => {
  await arrive();
  await tell(reading);
  const before = sealed;
  await tell(reading);
  expect(sealed).toBe(before + 1);
});

test('what was read up to another message is encrypted then', async () => {
  await arrive();
  await deliver();
  await tell({ conversationId: 'c', seq: 6 });
  expect(await heard()).toBe('c 6');
  expect(teller.toldUpTo('c')).toBe(6);
});

test('a note that lies ready does not go where no key may go any more, nor to one that may have lost the key', async () => {
  await arrive();
  await deliver();
  const before = sealed;
  // An envelope tells the library that a session was begun anew.
  const sealing = {
    conversationId: randomUUID(),
    recipientUserIds: [laptop.userId],
    plaintext: '',
    rotate: true,
  };
  const { envelopes } = await phone.seal(sealing);
  const { userId: senderUserId, deviceId: senderDeviceId } = phone;
  await laptop.receive(
    envelopes.map(({ type, content }) => ({ senderUserId, senderDeviceId, type, content })),
    null,
  );
  await tell(reading);
  expect(sealed).toBe(before + 1);
  expect(await heard()).toBe('c 7');
  await arrive();
  await laptop.revokeDevice(phone.deviceId, 10);
  await tell(reading);
  expect(told).toHaveLength(2);
});

test('nothing is made ready where nobody looks, nor where there is no other device', async () => {
  await db.writeMeta('visibleTabs', { tab: 1_000 });
  await arrive();
  expect(sealed).toBe(0);
  await db.writeMeta('devices', { version: 3, deviceIds: [laptop.deviceId], names: {} });
  await db.writeMeta('visibleTabs', { tab: 2_000 });
  await arrive();
  expect(sealed).toBe(0);
});

test('what came while nobody looked is made ready when somebody does', async () => {
  await db.writeMeta('visibleTabs', {});
  await arrive();
  await db.writeMeta('visibleTabs', { tab: 2_000 });
  teller.makeReadySoon();
  quiet();
  // The key goes ahead; then the note is made.
  await vi.waitFor(() => expect(sealed).toBe(3));
  const before = sealed;
  await tell(reading);
  expect(sealed).toBe(before);
});

test('what was read already is not made ready, and what the server has refused is not told', async () => {
  await db.conversations.update('c', { unread: 0, readSeq: 7 });
  await arrive();
  expect([sealed, told]).toEqual([0, []]);
  answer = { status: 'stale', devicesVersion: 4 };
  await tell(reading);
  expect(told).toHaveLength(1);
  expect(teller.toldUpTo('c')).toBe(0);
});

test('whoever tells does not wait long for the answer, and nothing is made ready once it is stopped', async () => {
  let answered = (_: NoteResult): void => undefined;
  answer = new Promise((resolve) => {
    answered = resolve;
  });
  const goneOn = teller.tell(reading);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  quiet();
  await goneOn;
  expect(teller.toldUpTo('c')).toBe(0);
  const stopped = teller.stop();
  answered({ status: 'noted' });
  await stopped;
  expect(teller.toldUpTo('c')).toBe(7);
  const before = sealed;
  await arrive();
  expect(sealed).toBe(before);
});
