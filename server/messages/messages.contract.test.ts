import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, group, person, revocationOf, type TestDomain, testDomain, text } from '../../tests/domain';
import { accept, addMembers, block, leave, removeMember, unblockUser } from '../conversations/conversations';
import { readConversations } from '../conversations/read';
import { revoke } from '../devices/devices';
import { ack, pull as pullEnvelopes } from '../envelopes/envelopes';
import type { Asker } from '../ground';
import { state } from '../sync/state';
import { pull, send } from './messages';

const refused = (code: AparteError['code']) => new AparteError(code);

describe.each(databaseKinds)('messages on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
  });
  afterAll(() => database.close());

  const current = async (asker: Asker, conversationId: string) => {
    const [conversation] = await readConversations(domain.db, asker.userId, [conversationId]);
    if (conversation === undefined) throw new Error('no such conversation');
    return conversation;
  };
  const envelopeFor = (asker: Asker, content = 'key') => ({
    recipientDeviceId: asker.deviceId,
    type: 'm.room_key',
    content,
  });

  test('numbers messages without gaps and answers a repeated one as the first time', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const first = text(conversation, { envelopes: [envelopeFor(bert)] });
    expect(await send(domain, anna, first)).toEqual({ status: 'sent', seq: 1, at: domain.now() });
    const firstAt = domain.now();
    domain.clock.now += 1000;
    domain.told.length = 0;
    expect(await send(domain, anna, first)).toEqual({ status: 'sent', seq: 1, at: firstAt });
    expect(domain.told).toEqual([]);
    expect(await send(domain, bert, text(conversation))).toMatchObject({ seq: 2 });
    expect((await pullEnvelopes(domain, bert, { after: 0, limit: 10 })).envelopes).toHaveLength(1);
  });

  test('a page of messages or envelopes is bounded in bytes, and the next one goes on where it ended', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const ciphertext = 'x'.repeat(limits.ciphertextMaxBytes);
    const envelopes = [envelopeFor(bert, 'k'.repeat(limits.envelopeMaxBytes))];
    const count = 80;
    for (let sent = 0; sent < count; sent++)
      await send(domain, anna, text(conversation, { ciphertext, envelopes }));
    const { conversationId } = conversation;
    const seqs: number[] = [];
    while (seqs.length < count) {
      const asked = { conversationId, after: seqs.at(-1) ?? 0, limit: limits.pullPageSize };
      const { messages } = await pull(domain, bert, asked);
      expect(messages.length).toBeGreaterThan(0);
      expect(JSON.stringify(messages).length).toBeLessThan(limits.pullPageBytes * 1.2);
      seqs.push(...messages.map((message) => message.seq));
    }
    expect(seqs).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    const ids: number[] = [];
    for (let more = true; more; ) {
      const page = await pullEnvelopes(domain, bert, {
        after: ids.at(-1) ?? 0,
        limit: limits.envelopePageSize,
      });
      expect(JSON.stringify(page).length).toBeLessThan(limits.pullPageBytes * 1.2);
      ids.push(...page.envelopes.map((envelope) => envelope.id));
      more = page.more;
    }
    expect(new Set(ids).size).toBe(count);
  });

  test('stores one row for the same message twice in one batch, and one number', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const twice = text(conversation);
    const results = await Promise.all([
      send(domain, anna, twice),
      send(domain, anna, twice),
      send(domain, anna, text(conversation)),
      send(domain, bert, text(conversation)),
    ]);
    const seqs = results.map((result) => (result.status === 'sent' ? result.seq : 0));
    expect(seqs[0]).toBe(seqs[1]);
    expect(new Set(seqs)).toEqual(new Set([1, 2, 3]));
    expect(
      (await pull(domain, bert, { ...{ conversationId: conversation.conversationId }, after: 0, limit: 10 }))
        .messages,
    ).toHaveLength(3);
  });

  test('tells of an old roster, stores nothing then, and answers a repeated message in spite of it', async () => {
    const [anna, bert, carl] = [await person(domain), await person(domain), await person(domain)];
    const conversation = await group(domain, anna, bert);
    const sent = text(conversation);
    await send(domain, anna, sent);
    await addMembers(domain, anna, conversation.conversationId, [carl.userId]);
    const rosterVersion = conversation.rosterVersion + 1;
    expect(await send(domain, anna, text(conversation))).toEqual({ status: 'stale', rosterVersion });
    expect(await send(domain, anna, sent)).toMatchObject({ status: 'sent', seq: 1 });
    expect((await current(anna, conversation.conversationId)).lastSeq).toBe(1);
  });

  test('refuses strangers, people who have not accepted, who have left, and huge roster versions', async () => {
    const [anna, bert, eve] = [await person(domain), await person(domain), await person(domain)];
    const conversation = await group(domain, anna, bert);
    await expect(send(domain, eve, text(conversation))).rejects.toEqual(refused('not_found'));
    await expect(send(domain, anna, text({ ...conversation, conversationId: randomUUID() }))).rejects.toEqual(
      refused('not_found'),
    );
    await expect(send(domain, bert, text(conversation))).rejects.toEqual(refused('forbidden'));
    expect(
      await send(domain, anna, text(conversation, { rosterVersion: Number.MAX_SAFE_INTEGER })),
    ).toMatchObject({ status: 'stale' });
    await leave(domain, bert, conversation.conversationId);
    await expect(send(domain, bert, text(conversation))).rejects.toEqual(refused('forbidden'));
  });

  test('refuses a client id that its device has used in another conversation', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const [one, two] = [await group(domain, anna, bert), await group(domain, anna, bert)];
    const message = text(one);
    await send(domain, anna, message);
    await expect(send(domain, anna, text(two, { clientId: message.clientId }))).rejects.toEqual(
      refused('conflict'),
    );
  });

  test('keeps one mark per device, tells others of it, and gives it no number', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const mark = (ciphertext: string) => text(conversation, { slot: 'mark', ciphertext });
    domain.told.length = 0;
    const [first, second] = await Promise.all([
      send(domain, bert, mark('first')),
      send(domain, bert, mark('second')),
    ]);
    expect([first, second]).toMatchObject([{ seq: 0 }, { seq: 0 }]);
    expect(domain.told).toMatchObject([
      { kind: 'committed', frame: { t: 'mark', mark: { ciphertext: 'first' } } },
      { kind: 'committed', frame: { t: 'mark', mark: { ciphertext: 'second' } } },
    ]);
    expect((await state(domain, anna, domain.now())).marks).toMatchObject([{ ciphertext: 'second' }]);
    expect((await state(domain, bert, 0)).marks).toEqual([]);
    expect((await current(anna, conversation.conversationId)).lastSeq).toBe(0);
  });

  test('hands envelopes to devices of members only, in the order of sending, until they are acked', async () => {
    const [anna, bert, eve] = [await person(domain), await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    domain.told.length = 0;
    const envelopes = [envelopeFor(bert, '1'), envelopeFor(eve, 'x'), envelopeFor(bert, '2')];
    await Promise.all([
      send(domain, anna, text(conversation, { envelopes })),
      send(domain, anna, text(conversation, { envelopes: [envelopeFor(bert, '3')] })),
    ]);
    const waiting = (await pullEnvelopes(domain, bert, { after: 0, limit: 2 })).envelopes;
    expect(new Set(waiting.map((one) => one.conversationId))).toEqual(new Set([conversation.conversationId]));
    expect(waiting.map((envelope) => envelope.content)).toEqual(['1', '2']);
    const told = domain.told.flatMap((one) => (one.kind === 'committed' ? one.envelopes : []));
    expect(told.map((one) => [one.recipientDeviceId, one.envelope.content])).toEqual([
      [bert.deviceId, '1'],
      [bert.deviceId, '2'],
      [bert.deviceId, '3'],
    ]);
    expect(told.slice(0, 2).map((one) => one.envelope)).toEqual(waiting);
    expect((await pullEnvelopes(domain, eve, { after: 0, limit: 10 })).envelopes).toEqual([]);
    const ids = waiting.map((envelope) => envelope.id);
    await ack(domain, anna, ids);
    expect((await pullEnvelopes(domain, bert, { after: 0, limit: 10 })).envelopes).toHaveLength(3);
    await ack(domain, bert, ids);
    const left = await pullEnvelopes(domain, bert, { after: 0, limit: 10 });
    expect(left.envelopes.map((envelope) => envelope.content)).toEqual(['3']);
  });

  test('tells a device when the last message was said that it may read', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const direct = await contacts(domain, anna, bert);
    const { conversationId } = await group(domain, anna);
    await addMembers(domain, anna, conversationId, [bert.userId]);
    const said = await send(domain, anna, text(await current(anna, conversationId)));
    await removeMember(domain, anna, conversationId, bert.userId);
    domain.clock.now += 1_000;
    await send(domain, anna, text(await current(anna, conversationId)));
    const lastAt = async (asker: Asker, id: string) =>
      (await state(domain, asker, 0)).conversations.find((one) => one.conversationId === id)?.lastAt;
    expect(await lastAt(bert, direct.conversationId)).toBe(0);
    if (said.status !== 'sent') throw new Error(said.status);
    expect(await lastAt(bert, conversationId)).toBe(said.at);
    expect(await lastAt(anna, conversationId)).toBe(said.at + 1_000);
  });

  test('lets a member read from joining to leaving, and from coming back on', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    await contacts(domain, anna, bert);
    const { conversationId } = await group(domain, anna);
    const write = async () => send(domain, anna, text(await current(anna, conversationId)));
    const seen = async () =>
      (await pull(domain, bert, { conversationId, after: 0, limit: 100 })).messages.map(
        (message) => message.seq,
      );
    await write();
    await addMembers(domain, anna, conversationId, [bert.userId]);
    await write();
    await removeMember(domain, anna, conversationId, bert.userId);
    await write();
    expect(await seen()).toEqual([2]);
    expect(await current(bert, conversationId)).toMatchObject({
      lastSeq: 2,
      members: [{ userId: bert.userId, state: 'left' }],
    });
    await addMembers(domain, anna, conversationId, [bert.userId]);
    await write();
    expect(await seen()).toEqual([4]);
  });

  test('drops what is sent to one who has blocked, without showing it', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const { conversationId } = await contacts(domain, anna, bert);
    await block(domain, bert, conversationId);
    const seen = await current(anna, conversationId);
    expect(seen.members.map((member) => member.state)).toEqual(['active', 'active']);
    domain.told.length = 0;
    await send(domain, anna, text(seen, { envelopes: [envelopeFor(bert)] }));
    expect(domain.told).toMatchObject([{ userIds: [anna.userId], envelopes: [] }]);
    expect((await pullEnvelopes(domain, bert, { after: 0, limit: 10 })).envelopes).toEqual([]);
    expect((await pull(domain, bert, { conversationId, after: 0, limit: 10 })).messages).toEqual([]);
    await expect(send(domain, bert, text(await current(bert, conversationId)))).rejects.toEqual(
      refused('forbidden'),
    );
    await unblockUser(domain, bert, anna.userId);
    expect(await send(domain, bert, text(await current(bert, conversationId)))).toMatchObject({ seq: 2 });
  });

  test('takes nothing from a revoked device and keeps nothing for it', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    await revoke(domain, bert, revocationOf(domain, bert, bert.deviceId));
    await expect(send(domain, bert, text(conversation))).rejects.toEqual(refused('device_revoked'));
    expect(await send(domain, anna, text(conversation))).toMatchObject({ status: 'stale' });
    const now = await current(anna, conversation.conversationId);
    await send(domain, anna, text(now, { envelopes: [envelopeFor(bert)] }));
    expect((await pullEnvelopes(domain, bert, { after: 0, limit: 10 })).envelopes).toEqual([]);
  });

  test('judges who has sent before by the roster of now, also one who guesses its version', async () => {
    const [anna, bert, carl] = [await person(domain), await person(domain), await person(domain)];
    const { conversationId } = await group(domain, anna, bert, carl);
    for (const one of [bert, carl]) await accept(domain, one, conversationId);
    const before = await current(anna, conversationId);
    for (const sender of [anna, bert, carl, anna, bert, carl])
      expect(await send(domain, sender, text(before))).toMatchObject({ status: 'sent' });
    const receivers = domain.told.flatMap((one) =>
      one.kind === 'committed' ? [[...one.userIds].sort()] : [],
    );
    expect(receivers.slice(-6)).toEqual(Array(6).fill([anna.userId, bert.userId, carl.userId].sort()));
    await leave(domain, bert, conversationId);
    await revoke(domain, carl, revocationOf(domain, carl, carl.deviceId));
    const now = await current(anna, conversationId);
    for (const roster of [before, now]) {
      await expect(send(domain, bert, text(roster))).rejects.toEqual(refused('forbidden'));
      await expect(send(domain, carl, text(roster))).rejects.toEqual(refused('device_revoked'));
    }
    expect(await send(domain, anna, text(before))).toMatchObject({ status: 'stale' });
    domain.told.length = 0;
    for (let count = 0; count < 2; count++)
      expect(await send(domain, anna, text(now))).toMatchObject({ status: 'sent' });
    const told = domain.told.flatMap((one) => (one.kind === 'committed' ? [[...one.userIds].sort()] : []));
    expect(told).toEqual(Array(2).fill([anna.userId, carl.userId].sort()));
  });

  test('stores a message alone with the next number, once, and at the time of its commit', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const { conversationId } = conversation;
    const [first, second] = [text(conversation), text(conversation)];
    await send(domain, anna, first);
    domain.clock.now += 1_000;
    const at = domain.now();
    expect(await send(domain, anna, second)).toEqual({ status: 'sent', seq: 2, at });
    domain.clock.now += 1_000;
    domain.told.length = 0;
    expect(await send(domain, anna, second)).toEqual({ status: 'sent', seq: 2, at });
    expect(domain.told).toEqual([]);
    const other = await group(domain, anna, bert);
    await send(domain, anna, text(other));
    await expect(send(domain, anna, text(other, { clientId: second.clientId }))).rejects.toEqual(
      refused('conflict'),
    );
    await expect(send(domain, anna, text(conversation, { ciphertext: 'a\u0000b' }))).rejects.toThrow();
    const { messages, lastSeq } = await pull(domain, bert, { conversationId, after: 0, limit: 10 });
    expect(lastSeq).toBe(2);
    const sender = { senderUserId: anna.userId, senderDeviceId: anna.deviceId };
    expect(messages).toMatchObject([
      { ...sender, seq: 1, clientId: first.clientId },
      { ...sender, seq: 2, clientId: second.clientId, ciphertext: second.ciphertext, at },
    ]);
  });

  test('tells all members of what is sent at once by those who have sent before and those who have not', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    await send(domain, anna, text(conversation));
    domain.told.length = 0;
    await Promise.all([anna, bert, anna].map((sender) => send(domain, sender, text(conversation))));
    const told = domain.told.flatMap((one) => (one.kind === 'committed' ? [[...one.userIds].sort()] : []));
    expect(told).toEqual(Array(3).fill([anna.userId, bert.userId].sort()));
  });

  test('refuses a text that the database cannot hold without failing its neighbours', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const [bad, good] = await Promise.allSettled([
      send(domain, anna, text(conversation, { ciphertext: 'a\u0000b' })),
      send(domain, bert, text(conversation)),
    ]);
    expect(bad.status).toBe('rejected');
    expect(good).toMatchObject({ status: 'fulfilled', value: { seq: 1 } });
  });
});
