import { afterEach, beforeEach, expect, test } from 'vitest';
import { cancel, deleteMessage, editMessage, retry } from '../lib/client/change-intents';
import { addMembers, leave, removeMember, setRole, setTitle } from '../lib/client/group-intents';
import {
  block,
  markRead,
  react,
  rename,
  saveDraft,
  sendText,
  startDirect,
  startGroup,
  unblock,
} from '../lib/client/intents';
import {
  cancelChange,
  dismissRefusal,
  refusals,
  retryRefusal,
  waitingChanges,
  waitingTargets,
} from '../lib/client/refusal-intents';
import type { TestDevice } from './device';
import { body, Town } from './own-devices';

let town: Town;
let anna: TestDevice;
let bert: TestDevice;
let carl: TestDevice;
let direct: string;

beforeEach(async () => {
  town = await Town.open();
  anna = await town.person('anna');
  bert = await town.person('bert');
  carl = await town.person('carl');
  direct = await town.contacts(anna, bert);
});
afterEach(() => town.close());

async function personOf(device: TestDevice) {
  const session = await device.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in');
  return session;
}

async function messageOf(device: TestDevice, text: string) {
  return body(device, text);
}

async function online(device: TestDevice): Promise<void> {
  device.network.setUp(true);
  device.hurry();
  await device.until(
    async () => ((await device.db.outbox.count()) === 0 ? true : undefined),
    'all to be done',
  );
}

/** A group of anna's and bert's, made by its owner, that both are in. */
async function groupOf(owner: TestDevice, ...members: TestDevice[]): Promise<string> {
  const group = await startGroup(owner.author, 'Choir', await Promise.all(members.map(personOf)));
  for (const member of members) {
    await member.until(() => member.db.conversations.get(group), 'the group');
  }
  await sendText(owner.author, group, 'welcome');
  for (const member of members) await body(member, 'welcome');
  return group;
}

const rosterOf = async (device: TestDevice, conversationId: string) =>
  Object.fromEntries(
    ((await device.db.conversations.get(conversationId))?.members ?? []).map(({ userId, role, state }) => [
      userId,
      `${role} ${state}`,
    ]),
  );

test('what is said without a network is shown as waiting, and done when it is back', async () => {
  await sendText(anna.author, direct, 'to mend');
  await sendText(anna.author, direct, 'to delete');
  await sendText(bert.author, direct, 'from bert');
  const theirs = await body(anna, 'from bert');
  await body(bert, 'to delete');
  anna.network.setUp(false);
  await sendText(anna.author, direct, 'new');
  await sendText(anna.author, direct, 'an answer', theirs.id);
  const mended = await messageOf(anna, 'to mend');
  const deleted = await messageOf(anna, 'to delete');
  await editMessage(anna.author, mended, 'mended');
  await deleteMessage(anna.author, deleted);
  await react(anna.author, theirs, '👍');
  await markRead(anna.author, direct, theirs.seq ?? 0);
  await saveDraft(anna.author, direct, 'half a sentence');
  expect(await waitingTargets(anna.db, direct)).toEqual(new Set([mended.id, deleted.id, theirs.id]));
  expect((await anna.db.messages.get(mended.id))?.body).toBe('mended');
  expect((await messageOf(anna, 'new')).status).toBe('queued');
  await online(anna);
  await body(bert, 'new');
  expect((await body(bert, 'an answer')).replyTo).toBe(theirs.id);
  await body(bert, 'mended');
  const { userId } = await personOf(anna);
  await bert.until(async () => {
    const reacted = (await bert.db.messages.get(theirs.id))?.reactions[userId]?.emoji === '👍';
    const gone = (await bert.db.messages.get(deleted.id))?.deleted;
    const read = (await bert.db.conversations.get(direct))?.marks[userId]?.read ?? 0;
    return reacted && gone && read >= (theirs.seq ?? 0) ? true : undefined;
  }, 'reaction, deletion and mark');
  expect(await waitingTargets(anna.db, direct)).toEqual(new Set());
  expect((await messageOf(anna, 'new')).status).toBe('sent');
});

test('conversations are made, changed, left and blocked without a network', async () => {
  const group = await groupOf(anna, bert);
  const known = await personOf(carl);
  anna.network.setUp(false);
  await rename(anna.author, 'Anna the Second');
  const fresh = await startDirect(anna.author, known);
  await sendText(anna.author, fresh, 'hello carl');
  const choir = await startGroup(anna.author, 'Band', [await personOf(bert)]);
  await sendText(anna.author, choir, 'first rehearsal');
  await addMembers(anna.author, group, [known]);
  await setTitle(anna.author, group, 'Great Choir');
  const { userId } = await personOf(bert);
  await setRole(anna.author, group, userId, 'admin');
  expect((await waitingChanges(anna.db, group)).map(({ intent }) => intent.kind)).toEqual(['add', 'role']);
  await online(anna);
  await body(carl, 'hello carl');
  await body(bert, 'first rehearsal');
  expect((await carl.db.people.get((await personOf(anna)).userId))?.name).toBe('Anna the Second');
  await bert.until(async () => {
    const row = await bert.db.conversations.get(group);
    return row?.title === 'Great Choir' && row.myRole === 'admin' && row.members.length === 3
      ? true
      : undefined;
  }, 'the changes of the group');
  anna.network.setUp(false);
  await removeMember(anna.author, group, known.userId);
  await leave(anna.author, choir);
  await block(anna.author, direct);
  await online(anna);
  await bert.until(async () => {
    const roster = await rosterOf(bert, group);
    return roster[known.userId]?.endsWith('left') ? true : undefined;
  }, 'carl to be gone');
  expect((await anna.db.conversations.get(choir))?.myState).toBe('left');
  expect((await anna.db.conversations.get(direct))?.myState).toBe('blocked');
  anna.network.setUp(false);
  await unblock(anna.author, direct, userId);
  await online(anna);
  await sendText(bert.author, direct, 'friends again');
  await body(anna, 'friends again');
});

test('a change that waits can be taken back, and what hangs on it goes too', async () => {
  const group = await groupOf(anna, bert);
  anna.network.setUp(false);
  await addMembers(anna.author, group, [await personOf(carl)]);
  await block(anna.author, direct);
  for (const conversationId of [group, direct])
    for (const row of await waitingChanges(anna.db, conversationId)) await cancelChange(anna.author, row);
  expect((await anna.db.conversations.get(direct))?.myState).toBe('active');
  await online(anna);
  await sendText(anna.author, group, 'nobody came');
  await body(bert, 'nobody came');
  expect(Object.keys(await rosterOf(bert, group))).toHaveLength(2);
  const notices = await bert.db.messages.filter((row) => row.notice?.added.length === 1).toArray();
  expect(notices.map((row) => row.seq)).toEqual([1]);
});

test('a stranger whose block is taken back is a stranger who asks again', async () => {
  const asked = await startDirect(carl.author, await personOf(anna));
  await anna.until(() => anna.db.conversations.get(asked), 'the request');
  anna.network.setUp(false);
  await block(anna.author, asked);
  for (const row of await waitingChanges(anna.db, asked)) await cancelChange(anna.author, row);
  expect((await anna.db.conversations.get(asked))?.myState).toBe('requested');
});

test('a refused edit gives the old text back, keeps the new one for its writer, and says why', async () => {
  const group = await groupOf(bert, anna);
  await sendText(anna.author, group, 'as it was');
  await body(bert, 'as it was');
  const mine = await body(anna, 'as it was');
  await anna.until(
    async () => ((await anna.db.messages.get(mine.id))?.status === 'sent' ? true : undefined),
    'sent',
  );
  anna.network.setUp(false);
  const sent = await body(anna, 'as it was');
  await editMessage(anna.author, sent, 'once more');
  await editMessage(anna.author, await body(anna, 'once more'), 'and again');
  await react(anna.author, await body(anna, 'and again'), '👍');
  const unsent = await sendText(anna.author, group, 'too late');
  await removeMember(bert.author, group, (await personOf(anna)).userId);
  await bert.until(async () => ((await bert.db.outbox.count()) === 0 ? true : undefined), 'the removal');
  await online(anna);
  expect(await anna.db.messages.get(mine.id)).toMatchObject({ body: 'as it was', editSeq: 0, reactions: {} });
  expect(await anna.db.messages.get(unsent)).toMatchObject({ status: 'failed', failure: expect.any(String) });
  const told = await refusals(anna.db, group);
  expect(told.map(({ intent }) => (intent.kind === 'message' ? intent.content : null))).toMatchObject([
    { kind: 'edit', body: 'once more' },
    { kind: 'edit', body: 'and again' },
    { kind: 'react' },
  ]);
  for (const refusal of told) await dismissRefusal(anna.author, refusal);
  expect(await refusals(anna.db, group)).toEqual([]);
  expect(await cancel(anna.author, unsent)).toBe('too late');
});

test('a refused change of a group is told of to its owner only, and can be asked for again', async () => {
  const group = await groupOf(bert, anna);
  const { userId } = await personOf(anna);
  await setRole(bert.author, group, userId, 'admin');
  await anna.until(async () => {
    return (await anna.db.conversations.get(group))?.myRole === 'admin' ? true : undefined;
  }, 'the role');
  anna.network.setUp(false);
  await addMembers(anna.author, group, [await personOf(carl)]);
  await setRole(bert.author, group, userId, 'member');
  await bert.until(
    async () => ((await bert.db.outbox.count()) === 0 ? true : undefined),
    'the role to be taken',
  );
  await online(anna);
  const [refusal] = await refusals(anna.db, group);
  expect(refusal).toMatchObject({ intent: { kind: 'add' }, code: 'forbidden' });
  await sendText(anna.author, group, 'just me');
  await body(bert, 'just me');
  expect(await bert.db.messages.filter((row) => row.senderId === userId && row.notice !== null).count()).toBe(
    0,
  );
  expect(await anna.db.messages.filter((row) => row.senderId === userId && row.notice !== null).count()).toBe(
    0,
  );
  await setRole(bert.author, group, userId, 'admin');
  await anna.until(async () => {
    return (await anna.db.conversations.get(group))?.myRole === 'admin' ? true : undefined;
  }, 'the role');
  if (refusal) await retryRefusal(anna.author, refusal);
  await carl.until(() => carl.db.conversations.get(group), 'the group');
  expect(await refusals(anna.db, group)).toEqual([]);
});

test('a conversation that is refused keeps what was written for it until its writer gives up', async () => {
  const blocked = await startDirect(bert.author, await personOf(carl));
  await bert.until(async () => ((await bert.db.outbox.count()) === 0 ? true : undefined), 'the conversation');
  await carl.until(() => carl.db.conversations.get(blocked), 'the request');
  await block(carl.author, blocked);
  await carl.until(async () => ((await carl.db.outbox.count()) === 0 ? true : undefined), 'the block');
  const session = await personOf(bert);
  const freshBert = await personOf(carl);
  const group = await startGroup(bert.author, 'With Carl', [freshBert]);
  const message = await sendText(bert.author, group, 'dear carl');
  const refused = await bert.until(async () => (await refusals(bert.db, group))[0], 'the refusal');
  expect(refused.intent.kind).toBe('create');
  expect(await bert.db.messages.get(message)).toMatchObject({ status: 'failed', body: 'dear carl' });
  expect(session.userId).not.toBe(freshBert.userId);
  await retry(bert.author, message);
  await dismissRefusal(bert.author, refused);
  expect(await bert.db.conversations.get(group)).toBeUndefined();
});

test('one’s own name follows to one’s other devices', async () => {
  const phone = await town.linked(anna);
  anna.network.setUp(false);
  await rename(anna.author, 'Anna B.');
  await online(anna);
  await phone.until(async () => ((await personOf(phone)).name === 'Anna B.' ? true : undefined), 'the name');
  await sendText(phone.author, direct, 'from the phone');
  await body(bert, 'from the phone');
  expect((await bert.db.people.get((await personOf(anna)).userId))?.name).toBe('Anna B.');
});
