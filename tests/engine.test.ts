import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteMessage, editMessage } from '../lib/client/change-intents';
import { setTabVisible, showPresence, tellActivity } from '../lib/client/device-intents';
import { startEngine } from '../lib/client/engine';
import { addMembers, removeMember } from '../lib/client/group-intents';
import {
  accept,
  block,
  markRead,
  react,
  sendText,
  startDirect,
  startGroup,
  unblock,
} from '../lib/client/intents';
import { activity, lastMessages, markOf, presenceAt } from '../lib/client/queries';
import { defaultRates, noRates } from '../server/limiter';
import { type RunningServer, startServer } from '../server/start';
import { TestDevice } from './device';
import { dice } from './dice';

let folder: string;
let server: RunningServer;
const devices: TestDevice[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aparte-engine-'));
  server = await startServer({
    port: 0,
    dataDir: folder,
    logLevel: 'error',
    // More people than one address may sign up.
    rates: { ...defaultRates, signUp: noRates.signUp },
  });
});

afterAll(async () => {
  for (const device of devices) await device.close();
  await server.close();
  await rm(folder, { recursive: true });
});

let people = 0;

async function person(name: string) {
  const device = new TestDevice(() => server.origin, dice(people));
  devices.push(device);
  device.start();
  const { userId, handle } = await device.signUp(`${name}${people++}`);
  return { device, userId, handle, author: device.author, db: device.db };
}

type Person = Awaited<ReturnType<typeof person>>;

const bodies = async ({ db }: Person, conversationId: string) =>
  (await lastMessages(db, conversationId, 100))
    .filter((row) => row.kind !== 'group')
    .map((row) => (row.deleted ? '(deleted)' : row.kind === 'text' ? row.body : row.kind));

async function reads(reader: Person, conversationId: string, expected: string[]): Promise<void> {
  await reader.device
    .until(async () => {
      const now = await bodies(reader, conversationId);
      return JSON.stringify(now) === JSON.stringify(expected) ? true : undefined;
    }, `${expected}`)
    .catch(async (error: unknown) => {
      expect(await bodies(reader, conversationId), String(error)).toEqual(expected);
    });
}

async function accepts(someone: Person, conversationId: string): Promise<void> {
  await someone.device.until(
    async () =>
      (await someone.db.conversations.get(conversationId))?.myState === 'requested' ? true : undefined,
    'a request',
  );
  await accept(someone.author, conversationId);
}

test('two people who met by handle write, edit, react, delete and see how far it came', async () => {
  const alice = await person('alice');
  const bob = await person('bob');
  const conversationId = await startDirect(alice.author, bob);
  const first = await sendText(alice.author, conversationId, 'hello bob');
  await reads(bob, conversationId, ['hello bob']);
  await accepts(bob, conversationId);
  await sendText(bob.author, conversationId, 'hello alice', first);
  await reads(alice, conversationId, ['hello bob', 'hello alice']);

  const mine = await alice.db.messages.get(first);
  if (!mine) throw new Error('no message');
  await editMessage(alice.author, mine, 'hello, Bob');
  await reads(bob, conversationId, ['hello, Bob', 'hello alice']);
  const theirs = await bob.db.messages.get(first);
  if (!theirs) throw new Error('no message');
  await react(bob.author, theirs, '👍');
  await alice.device.until(
    async () =>
      (await alice.db.messages.get(first))?.reactions[bob.userId]?.emoji === '👍' ? true : undefined,
    'a reaction',
  );
  await markRead(bob.author, conversationId, 1);
  await alice.device.until(async () => {
    const conversation = await alice.db.conversations.get(conversationId);
    const message = await alice.db.messages.get(first);
    return conversation && message && markOf(conversation, message) === 'read' ? true : undefined;
  }, 'the read mark');
  await deleteMessage(alice.author, mine);
  await reads(bob, conversationId, ['(deleted)', 'hello alice']);
});

test('a third who joins a group reads only what comes after, and nothing once removed', async () => {
  const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')];
  const group = await startGroup(alice.author, 'Theatre', [bob]);
  await sendText(alice.author, group, 'before carol');
  await reads(bob, group, ['before carol']);
  await addMembers(alice.author, group, [carol]);
  await sendText(alice.author, group, 'after carol');
  await reads(carol, group, ['after carol']);
  expect((await carol.db.conversations.get(group))?.title).toBe('Theatre');
  await removeMember(alice.author, group, carol.userId);
  await sendText(alice.author, group, 'without carol');
  await reads(bob, group, ['before carol', 'after carol', 'without carol']);
  await carol.device.until(
    async () => ((await carol.db.conversations.get(group))?.myState === 'left' ? true : undefined),
    'the removal',
  );
  expect(await bodies(carol, group)).toEqual(['after carol']);
});

test('what was written offline is sent on return, in order', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const conversationId = await startDirect(alice.author, bob);
  await sendText(alice.author, conversationId, 'online');
  await reads(bob, conversationId, ['online']);
  alice.device.network.setUp(false);
  for (const body of ['one', 'two', 'three']) await sendText(alice.author, conversationId, body);
  expect((await lastMessages(alice.db, conversationId, 1))[0]?.status).toBe('queued');
  alice.device.network.setUp(true);
  await reads(bob, conversationId, ['online', 'one', 'two', 'three']);
});

test('an engine that starts again goes on where it ended', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const conversationId = await startDirect(alice.author, bob);
  await sendText(alice.author, conversationId, 'one');
  await reads(bob, conversationId, ['one']);
  await bob.device.stop();
  await sendText(alice.author, conversationId, 'two');
  bob.device.start();
  await reads(bob, conversationId, ['one', 'two']);
  await alice.device.stop();
  await sendText(alice.author, conversationId, 'three');
  alice.device.start();
  await reads(bob, conversationId, ['one', 'two', 'three']);
});

/** @returns what is waited for, and what lets it go on */
function gate(): [opening: Promise<void>, open: () => void] {
  let open: () => void = () => undefined;
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [opening, open];
}

test('at a start what is new is asked for while the keys are still being opened, and read once they are', async () => {
  const [anna, bert] = [await person('anna'), await person('bert')];
  const conversationId = await startDirect(anna.author, bert);
  await sendText(anna.author, conversationId, 'before');
  await reads(bert, conversationId, ['before']);
  await bert.device.stop();
  await sendText(anna.author, conversationId, 'meanwhile');
  await reads(anna, conversationId, ['before', 'meanwhile']);
  await anna.device.until(async () => ((await anna.db.outbox.count()) === 0 ? true : undefined), 'sending');
  const environment = bert.device.environment();
  const [opening, open] = gate();
  const asked: string[] = [];
  bert.device.network.answers = (url) => {
    asked.push(url);
    return null;
  };
  const engine = startEngine({
    ...environment,
    openMachine: async (...given) => {
      await opening;
      return environment.openMachine(...given);
    },
  });
  const isPulled = async () => (asked.some((url) => url.includes('messages.pull')) ? true : undefined);
  await bert.device.until(isPulled, 'a question for messages');
  expect(await bodies(bert, conversationId)).toEqual(['before']);
  open();
  await reads(bert, conversationId, ['before', 'meanwhile']);
  await engine.stop();
});

test('an engine whose keys cannot be opened lets go of its connection', async () => {
  const bert = await person('bert');
  await bert.device.stop();
  const environment = bert.device.environment();
  const { opened } = bert.device.network;
  const [failing, fail] = gate();
  const openMachine = () => failing.then(() => Promise.reject(new Error('the store is broken')));
  const engine = startEngine({ ...environment, openMachine });
  const isOpened = async () => (bert.device.network.opened > opened ? true : undefined);
  await bert.device.until(isOpened, 'a connection');
  fail();
  await bert.device.until(
    async () => (bert.device.network.sockets === 0 ? true : undefined),
    'the end of the connection',
  );
  await engine.stop();
});

test('neither a start that fails nor one that is stopped leaves the keys open', async () => {
  const bert = await person('bert');
  await bert.device.stop();
  const environment = bert.device.environment();
  let [opened, closed, sockets] = [0, 0, 0];
  const [opening, open] = gate();
  const engine = startEngine({
    ...environment,
    openMachine: async (...given) => {
      opened += 1;
      if (opened === 2) await opening;
      const machine = await environment.openMachine(...given);
      const close = machine.close.bind(machine);
      return Object.assign(machine, {
        close: () => {
          closed += 1;
          return close();
        },
      });
    },
    openSocket: (on) => {
      sockets += 1;
      if (sockets === 1) throw new Error('no sockets now');
      return environment.openSocket(on);
    },
  });
  await bert.device.until(async () => (closed === 1 ? true : undefined), 'the end of the first');
  engine.hurry();
  await bert.device.until(async () => (sockets === 2 ? true : undefined), 'a second start');
  const stopped = engine.stop();
  open();
  await stopped;
  expect({ opened, closed }).toEqual({ opened: 2, closed: 2 });
  // Nothing of the first goes on.
  expect(bert.device.log.filter((line) => line.includes('closed'))).toEqual([]);
});

test('one who is blocked reaches the other no more', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const conversationId = await startDirect(alice.author, bob);
  await sendText(alice.author, conversationId, 'hello');
  await reads(bob, conversationId, ['hello']);
  await block(bob.author, conversationId);
  await bob.device.until(async () => ((await bob.db.outbox.count()) === 0 ? true : undefined), 'the block');
  const shouted = await sendText(alice.author, conversationId, 'are you there?');
  await alice.device.until(
    async () => ((await alice.db.messages.get(shouted))?.status === 'sent' ? true : undefined),
    'the send',
  );
  expect(await bodies(bob, conversationId)).toEqual(['hello']);

  // Taken back: what was said in between is for ever unread, and what comes from then on is read.
  await unblock(bob.author, conversationId, alice.userId);
  await bob.device.until(async () => ((await bob.db.outbox.count()) === 0 ? true : undefined), 'the unblock');
  await sendText(alice.author, conversationId, 'there you are');
  await bob.device.until(
    async () => ((await bodies(bob, conversationId)).includes('there you are') ? true : undefined),
    'the message',
  );
  await sendText(bob.author, conversationId, 'here I am');
  await alice.device.until(
    async () => ((await bodies(alice, conversationId)).includes('here I am') ? true : undefined),
    'the answer',
  );
});

const thinks = async ({ db }: Person, { userId }: Person) =>
  presenceAt(await db.presences.get(userId), Date.now()).state;

const comesToThink = (someone: Person, other: Person, state: string) =>
  someone.device.until(
    async () => ((await thinks(someone, other)) === state ? true : undefined),
    `${other.handle} to be ${state}`,
  );

const look = (someone: Person, visible: boolean) => setTabVisible(someone.author, 'tab', visible);

test('contacts see who is online, a newcomer learns it too, and a stranger sees nothing', async () => {
  const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')];
  const conversationId = await startDirect(alice.author, bob);
  // Carol is asked, and has not answered.
  await startDirect(alice.author, carol);
  await accepts(bob, conversationId);
  await bob.device.until(async () => ((await bob.db.outbox.count()) === 0 ? true : undefined), 'to accept');
  await look(carol, true);
  await look(alice, true);
  await comesToThink(bob, alice, 'online');
  await bob.device.stop();
  await bob.db.presences.clear();
  bob.device.start();
  await look(bob, true);
  await comesToThink(bob, alice, 'online');
  await comesToThink(alice, bob, 'online');
  await look(bob, false);
  await comesToThink(alice, bob, 'away');
  expect(await carol.db.presences.count()).toBe(0);
  expect(await thinks(alice, carol)).toBe('unknown');
});

test('presence that is switched off is neither told nor shown, until it is switched on again', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const conversationId = await startDirect(alice.author, bob);
  await accepts(bob, conversationId);
  await bob.device.until(async () => ((await bob.db.outbox.count()) === 0 ? true : undefined), 'to accept');
  await alice.device.stop();
  await showPresence(alice.author, false);
  await look(alice, true);
  alice.device.start();
  await look(bob, true);
  // Typing comes over the same way after it: what had been told of presence would be there by now.
  await alice.device.until(async () => {
    await tellActivity(bob.author, conversationId, 'typing');
    return (await activity(alice.db, conversationId)) ? true : undefined;
  }, 'bob typing');
  await bob.device.until(async () => {
    await tellActivity(alice.author, conversationId, 'recording');
    return (await activity(bob.db, conversationId))?.kind === 'recording' ? true : undefined;
  }, 'alice recording');
  expect(await thinks(alice, bob)).toBe('unknown');
  expect(await thinks(bob, alice)).toBe('unknown');
  await showPresence(alice.author, true);
  await comesToThink(bob, alice, 'online');
  await comesToThink(alice, bob, 'online');
});

test('a group sees who types, which ends by itself', async () => {
  const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')];
  const group = await startGroup(alice.author, 'Theatre', [bob]);
  await accepts(bob, group);
  await alice.device.until(async () => {
    await tellActivity(bob.author, group, 'typing');
    return JSON.stringify(await activity(alice.db, group)) ===
      JSON.stringify({ kind: 'typing', userIds: [bob.userId] })
      ? true
      : undefined;
  }, 'bob typing');
  await alice.device.until(
    async () => ((await activity(alice.db, group)) === null ? true : undefined),
    'the end of it',
  );
  expect(await carol.db.activities.count()).toBe(0);
});

test('a handle that is taken is refused with its code, and another try works', async () => {
  const alice = await person('alice');
  const device = new TestDevice(() => server.origin, dice(999));
  devices.push(device);
  device.start();
  await expect(device.signUp(alice.handle)).rejects.toThrow('handle_taken');
  expect((await device.signUp(`${alice.handle}x`)).state).toBe('signed_in');
});
