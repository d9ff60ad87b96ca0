import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AparteError } from '../../lib/protocol/errors';
import { AparteError as Refusal } from '../../lib/protocol/errors';
import { directConversationId } from '../../lib/protocol/names';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, group, person, type TestDomain, testDomain, text } from '../../tests/domain';
import type { Asker } from '../ground';
import { send } from '../messages/messages';
import * as conversations from './conversations';
import { readConversations, summaries } from './read';

const refused = (code: AparteError['code']) => new Refusal(code);

describe.each(databaseKinds)('conversations on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
  });
  afterAll(() => database.close());

  const seenBy = async (asker: Asker, conversationId: string) => {
    const [conversation] = await readConversations(domain.db, asker.userId, [conversationId]);
    return conversation;
  };
  const states = async (asker: Asker, conversationId: string) =>
    Object.fromEntries(
      (await seenBy(asker, conversationId))?.members.map((member) => [
        member.userId,
        `${member.state} ${member.role}`,
      ]) ?? [],
    );
  const people = (count: number) => Promise.all(Array.from({ length: count }, () => person(domain)));
  const startDirect = async (from: Asker, to: Asker, conversationId?: string) =>
    conversations.create(domain, from, {
      conversationId: conversationId ?? (await directConversationId(from.userId, to.userId)),
      kind: 'direct',
      memberIds: [to.userId],
    });

  test('starts a one-to-one conversation as a request, once, and both starting it accepts it', async () => {
    const [anna, bert] = await Promise.all([person(domain), person(domain)]);
    const first = await startDirect(anna, bert);
    expect(first).toMatchObject({ rosterVersion: 1, lastSeq: 0, joinedSeq: 0 });
    expect(await startDirect(anna, bert)).toEqual(first);
    expect(await states(anna, first.conversationId)).toMatchObject({
      [anna.userId]: 'active owner',
      [bert.userId]: 'requested member',
    });
    const met = await startDirect(bert, anna);
    expect(met.rosterVersion).toBe(2);
    expect(met.members.map((member) => member.state)).toEqual(['active', 'active']);
  });

  test('both starting at the same moment meet in one conversation', async () => {
    const [anna, bert] = await Promise.all([person(domain), person(domain)]);
    const [one, two] = await Promise.all([startDirect(anna, bert), startDirect(bert, anna)]);
    expect(one.conversationId).toBe(two.conversationId);
    expect((await seenBy(anna, one.conversationId))?.members.map((member) => member.state)).toEqual([
      'active',
      'active',
    ]);
  });

  test('refuses a one-to-one conversation under another id, with oneself or with a stranger to all', async () => {
    const [anna, bert] = await Promise.all([person(domain), person(domain)]);
    await expect(startDirect(anna, bert, randomUUID())).rejects.toEqual(refused('invalid_input'));
    await expect(startDirect(anna, anna)).rejects.toEqual(refused('invalid_input'));
    await expect(startDirect(anna, { userId: randomUUID(), deviceId: '' })).rejects.toEqual(
      refused('not_found'),
    );
  });

  test('adds contacts to a group at once and asks others first', async () => {
    const [anna, bert, carl] = await Promise.all([person(domain), person(domain), person(domain)]);
    await contacts(domain, anna, bert);
    const { conversationId } = await group(domain, anna, bert, carl);
    expect(await states(anna, conversationId)).toEqual({
      [anna.userId]: 'active owner',
      [bert.userId]: 'active member',
      [carl.userId]: 'requested member',
    });
    await conversations.accept(domain, carl, conversationId);
    expect((await states(anna, conversationId))[carl.userId]).toBe('active member');
  });

  test('makes a group once, and not under an id that is another’s', async () => {
    const [anna, bert, eve] = await Promise.all([person(domain), person(domain), person(domain)]);
    const made = await group(domain, anna, bert);
    const again = { conversationId: made.conversationId, kind: 'group' as const, memberIds: [eve.userId] };
    expect(await conversations.create(domain, anna, again)).toEqual(made);
    await expect(conversations.create(domain, eve, again)).rejects.toEqual(refused('conflict'));
  });

  test('lets owners and admins change the group as far as their role goes', async () => {
    const all = await people(5);
    const [owner, admin, member, other, stranger] = all;
    if (!owner || !admin || !member || !other || !stranger) throw new Error('too few people');
    for (const one of [admin, member, other]) await contacts(domain, owner, one);
    const { conversationId: id } = await group(domain, owner, admin, member, other);
    const { addMembers, removeMember, setRole } = conversations;
    await expect(setRole(domain, member, id, member.userId, 'owner')).rejects.toEqual(refused('forbidden'));
    await expect(setRole(domain, owner, id, owner.userId, 'member')).rejects.toEqual(refused('conflict'));
    await setRole(domain, owner, id, admin.userId, 'admin');
    await expect(addMembers(domain, member, id, [stranger.userId])).rejects.toEqual(refused('forbidden'));
    await expect(addMembers(domain, stranger, id, [stranger.userId])).rejects.toEqual(refused('not_found'));
    await expect(removeMember(domain, member, id, other.userId)).rejects.toEqual(refused('forbidden'));
    await expect(removeMember(domain, admin, id, owner.userId)).rejects.toEqual(refused('forbidden'));
    await addMembers(domain, admin, id, [stranger.userId]);
    await removeMember(domain, admin, id, member.userId);
    await removeMember(domain, admin, id, member.userId);
    await expect(addMembers(domain, member, id, [member.userId])).rejects.toEqual(refused('forbidden'));
    expect(await states(owner, id)).toEqual({
      [owner.userId]: 'active owner',
      [admin.userId]: 'active admin',
      [member.userId]: 'left member',
      [other.userId]: 'active member',
      [stranger.userId]: 'requested member',
    });
  });

  test('tells everyone concerned of a change, the removed one included, and keeps later ones from them', async () => {
    const [anna, bert, carl] = await Promise.all([person(domain), person(domain), person(domain)]);
    const { conversationId, rosterVersion } = await group(domain, anna, bert, carl);
    domain.told.length = 0;
    await conversations.removeMember(domain, anna, conversationId, bert.userId);
    await conversations.accept(domain, carl, conversationId);
    expect(domain.told.map((one) => (one.kind === 'roster' ? new Set(one.userIds) : one))).toEqual([
      new Set([anna.userId, bert.userId, carl.userId]),
      new Set([anna.userId, carl.userId]),
    ]);
    const mine = (await summaries(domain.db, bert.userId)).find(
      (one) => one.conversationId === conversationId,
    );
    expect(mine).toEqual({ conversationId, rosterVersion: rosterVersion + 1, lastSeq: 0, lastAt: 0 });
  });

  test('passes the group to the oldest admin, or else member, when its last owner leaves', async () => {
    const [anna, bert, carl] = await Promise.all([person(domain), person(domain), person(domain)]);
    for (const one of [bert, carl]) await contacts(domain, anna, one);
    const { conversationId } = await group(domain, anna, bert);
    domain.clock.now += 1;
    await conversations.addMembers(domain, anna, conversationId, [carl.userId]);
    await conversations.setRole(domain, anna, conversationId, carl.userId, 'admin');
    await conversations.leave(domain, anna, conversationId);
    expect((await states(carl, conversationId))[carl.userId]).toBe('active owner');
    await conversations.leave(domain, carl, conversationId);
    expect((await states(bert, conversationId))[bert.userId]).toBe('active owner');
    await conversations.leave(domain, bert, conversationId);
    await conversations.leave(domain, bert, conversationId);
  });

  test('a blocked person starts nothing with and adds nothing of the one who blocked, until unblocked', async () => {
    const [anna, bert] = await Promise.all([person(domain), person(domain)]);
    await conversations.blockUser(domain, bert, anna.userId);
    await expect(startDirect(anna, bert)).rejects.toEqual(refused('forbidden'));
    await expect(group(domain, anna, bert)).rejects.toEqual(refused('forbidden'));
    await conversations.unblockUser(domain, bert, anna.userId);
    const { conversationId } = await startDirect(anna, bert);
    await conversations.block(domain, bert, conversationId);
    expect((await states(anna, conversationId))[bert.userId]).toBe('active member');
    expect((await states(bert, conversationId))[bert.userId]).toBe('blocked member');
    await expect(conversations.accept(domain, bert, conversationId)).rejects.toEqual(refused('forbidden'));
    await conversations.unblockUser(domain, bert, anna.userId);
    expect((await states(bert, conversationId))[bert.userId]).toBe('active member');
  });

  test('starting again after leaving continues the numbers and asks the other who left', async () => {
    const [anna, bert] = await Promise.all([person(domain), person(domain)]);
    const conversation = await contacts(domain, anna, bert);
    await send(domain, anna, text(conversation));
    await conversations.leave(domain, anna, conversation.conversationId);
    await conversations.leave(domain, bert, conversation.conversationId);
    const again = await startDirect(bert, anna);
    expect(again).toMatchObject({ lastSeq: 1, joinedSeq: 1 });
    expect(await states(bert, conversation.conversationId)).toMatchObject({
      [anna.userId]: 'requested member',
      [bert.userId]: 'active owner',
    });
  });
});
