import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ManualClock } from '../../tests/clock';
import { testKey } from '../../tests/store-key';
import type { ActivityKind, DeviceFrame } from '../protocol/frames';
import { Activity } from './activity';
import { AparteDb } from './db';
import { tellActivity } from './device-intents';
import { activity } from './queries';

let clock: ManualClock;
let db: AparteDb;
let said: DeviceFrame[];
let connected: boolean;
let databases = 0;

beforeEach(() => {
  clock = new ManualClock();
  db = new AparteDb(testKey, `activity-${databases++}`);
  said = [];
  connected = true;
});
afterEach(() => db.close());

function start(): Activity {
  return new Activity({
    environment: {
      db,
      now: clock.now,
      after: clock.after,
      random: () => 0,
      log: (_, error) => expect(error).toBeNull(),
    },
    me: { userId: 'me' },
    online: () => connected,
    post: (frame) => {
      if (connected) said.push(frame);
      return connected;
    },
  });
}

const shows = (conversationId: string, expected: Awaited<ReturnType<typeof activity>>) =>
  vi.waitFor(async () => expect(await activity(db, conversationId)).toEqual(expected), { timeout: 20_000 });

test('is told at most every three seconds for each kind and conversation, and each wish is dropped after', async () => {
  const teller = start();
  const author = { db, now: clock.now, newId: () => '' };
  const type = async (conversationId: string, kind: ActivityKind) => {
    await tellActivity(author, conversationId, kind);
    teller.tell(await db.signals.toArray());
  };
  for (let key = 0; key < 10; key++) await type('c', 'typing');
  await type('c', 'recording');
  await type('d', 'typing');
  clock.pass(3_000);
  await type('c', 'typing');
  expect(said).toEqual([
    { t: 'activity', conversationId: 'c', kind: 'typing' },
    { t: 'activity', conversationId: 'c', kind: 'recording' },
    { t: 'activity', conversationId: 'd', kind: 'typing' },
    { t: 'activity', conversationId: 'c', kind: 'typing' },
  ]);
  await vi.waitFor(async () => expect(await db.signals.count()).toBe(0), { timeout: 20_000 });
});

test('a wish made without a connection is forgotten, and does not silence the next', async () => {
  const teller = start();
  connected = false;
  teller.tell([{ id: 1, conversationId: 'c', kind: 'typing' }]);
  connected = true;
  teller.tell([{ id: 2, conversationId: 'c', kind: 'typing' }]);
  expect(said).toHaveLength(1);
});

test('what was heard goes by itself six seconds after it was last said', async () => {
  const hearer = start();
  hearer.heard({ conversationId: 'c', userId: 'alice', kind: 'recording' });
  await shows('c', { kind: 'recording', userIds: ['alice'] });
  clock.pass(5_000);
  hearer.heard({ conversationId: 'c', userId: 'alice', kind: 'recording' });
  clock.pass(5_000);
  await shows('c', { kind: 'recording', userIds: ['alice'] });
  clock.pass(1_000);
  await shows('c', null);
});

test('of several kinds the strongest is shown, with all who do it', async () => {
  const hearer = start();
  hearer.heard({ conversationId: 'c', userId: 'alice', kind: 'typing' });
  hearer.heard({ conversationId: 'c', userId: 'bob', kind: 'calling' });
  hearer.heard({ conversationId: 'c', userId: 'carol', kind: 'calling' });
  hearer.heard({ conversationId: 'd', userId: 'dora', kind: 'typing' });
  await shows('c', { kind: 'calling', userIds: ['bob', 'carol'] });
  await shows('d', { kind: 'typing', userIds: ['dora'] });
});

test('an engine that starts forgets what one before it had heard', async () => {
  await db.activities.put({ conversationId: 'c', userId: 'alice', kind: 'typing' });
  start();
  await shows('c', null);
});
