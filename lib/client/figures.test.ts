import { expect, test } from 'vitest';
import { testKey } from '../../tests/store-key';
import type { CryptoMachine, OpenResult } from '../crypto/types';
import type { DeviceFrame } from '../protocol/frames';
import { AparteDb } from './db';
import { Figures } from './figures';

/** A clock, a timer and a connection that the test moves, and a machine that takes as long as the test says. */
function setUp() {
  let now = 0;
  let takesMs = 3;
  let result: OpenResult = { status: 'ok', plaintext: 'words' };
  let timer: (() => void) | null = null;
  const posted: DeviceFrame[] = [];
  const figures = new Figures({
    environment: {
      db: new AparteDb(testKey, 'figures'),
      now: () => now,
      random: () => 0,
      log: () => undefined,
      after: (_ms, call) => {
        timer = call;
        return () => {
          timer = null;
        };
      },
    },
    online: () => true,
    post: (frame) => posted.push(frame) > 0,
  });
  const bare = {
    userId: 'anna',
    seal: async () => {
      now += takesMs;
      return {
        ciphertext: 'x',
        envelopes: [],
        withheld: [],
        unreached: [],
        identityChanged: [],
        shareIds: [],
      };
    },
    open: async () => {
      now += takesMs;
      return result;
    },
  };
  return {
    figures,
    posted,
    machine: figures.measured(bare as unknown as CryptoMachine),
    takes: (ms: number) => {
      takesMs = ms;
    },
    answers: (next: OpenResult) => {
      result = next;
    },
    tenMinutesLater: () => timer?.(),
    waits: () => timer !== null,
  };
}

const sealing = { conversationId: 'c', recipientUserIds: [], plaintext: 'words', rotate: false };
const message = {
  conversationId: 'c',
  messageId: 'm',
  seq: 1,
  senderUserId: 'bert',
  senderDeviceId: 'd',
  ciphertext: 'x',
  at: 1,
};

test('counts nothing and tells nothing unless its owner agreed', async () => {
  const { figures, machine, posted, waits, tenMinutesLater } = setUp();
  await machine.seal(sealing);
  expect(waits()).toBe(false);
  figures.share(true);
  tenMinutesLater();
  expect(posted).toEqual([]);
});

test('tells counts by slot, once, with no word of what or whose it was', async () => {
  const { figures, machine, posted, takes, answers, tenMinutesLater } = setUp();
  figures.share(true);
  await machine.seal(sealing);
  takes(60_000);
  answers({ status: 'invalid' });
  await machine.open(message);
  answers({ status: 'missing_key' });
  await machine.open(message);
  tenMinutesLater();
  tenMinutesLater();
  expect(posted).toEqual([
    {
      t: 'figures',
      figures: {
        encryptions: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        decryptions: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        decryptionFailures: 1,
      },
    },
  ]);
});

test('forgets what it counted when its owner thinks better of it', async () => {
  const { figures, machine, posted, waits, tenMinutesLater } = setUp();
  figures.share(true);
  await machine.seal(sealing);
  figures.share(false);
  expect(waits()).toBe(false);
  figures.share(true);
  tenMinutesLater();
  expect(posted).toEqual([]);
});

test('leaves out a time that a changed clock made negative', async () => {
  const { figures, machine, posted, takes, tenMinutesLater } = setUp();
  figures.share(true);
  takes(-5000);
  await machine.seal(sealing);
  tenMinutesLater();
  expect(posted).toEqual([]);
});

test('leaves the rest of the machine as it is', () => {
  expect(setUp().machine.userId).toBe('anna');
});
