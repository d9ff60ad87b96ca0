import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import {
  contacts,
  linkedDevice,
  person,
  revocationOf,
  type TestDomain,
  testDomain,
} from '../../tests/domain';
import { keyMaterial, newSecret } from '../../tests/key-material';
import { pull, store } from '../backup/key-backup';
import { readConversations } from '../conversations/read';
import { join, leave, lookUp, open, post, read } from '../linking/rendezvous';
import { keysOf, list, revoke, revoked, wiped } from './devices';
import { claim } from './pre-keys';
import { link, pending, register, sign } from './register';

const refused = (code: AparteError['code']) => new AparteError(code);
const publicKey = 'A'.repeat(43);
let names = 0;
const newName = () => `ABCD${String(names++).padStart(4, '0')}`;

describe.each(databaseKinds)('linking on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
  });
  afterAll(() => database.close());

  test('two devices exchange messages through a rendezvous, in order, until one leaves', async () => {
    const [rendezvousId, shower, scanner] = [newName(), newSecret(), newSecret()];
    const opened = await open(domain, { rendezvousId, publicKey, token: shower });
    expect(opened).toEqual({ expiresInMs: limits.linkTtlMs });
    expect(await lookUp(domain, rendezvousId)).toEqual({ publicKey, ...opened });
    await join(domain, { rendezvousId, token: scanner, body: 'hello' });
    await post(domain, { rendezvousId, token: shower, seq: 1, body: 'one' });
    await post(domain, { rendezvousId, token: shower, seq: 2, body: 'two' });
    await post(domain, { rendezvousId, token: shower, seq: 2, body: 'not two' });
    expect(await read(domain, { rendezvousId, token: shower, after: 0 })).toEqual({
      messages: [{ seq: 1, body: 'hello' }],
      closed: false,
    });
    await leave(domain, { rendezvousId, token: shower });
    expect(await read(domain, { rendezvousId, token: scanner, after: 1 })).toEqual({
      messages: [{ seq: 2, body: 'two' }],
      closed: true,
    });
  });

  test('a code that was used, has expired or is unknown links nobody', async () => {
    const [rendezvousId, shower, scanner] = [newName(), newSecret(), newSecret()];
    await open(domain, { rendezvousId, publicKey, token: shower });
    await join(domain, { rendezvousId, token: scanner, body: 'hello' });
    // The answer was lost: the same again.
    await join(domain, { rendezvousId, token: scanner, body: 'hello' });
    const late = { rendezvousId, token: newSecret(), body: 'me too' };
    await expect(join(domain, late)).rejects.toEqual(refused('link_used'));
    await expect(lookUp(domain, rendezvousId)).rejects.toEqual(refused('link_used'));
    await expect(open(domain, { rendezvousId, publicKey, token: newSecret() })).rejects.toEqual(
      refused('link_used'),
    );
    await expect(read(domain, { rendezvousId, token: newSecret(), after: 0 })).rejects.toEqual(
      refused('link_expired'),
    );
    domain.clock.now += limits.linkTtlMs;
    await expect(read(domain, { rendezvousId, token: scanner, after: 0 })).rejects.toEqual(
      refused('link_expired'),
    );
    await expect(lookUp(domain, 'ZZZZZZZZ')).rejects.toEqual(refused('link_expired'));
  });

  test('of many who come at once one gets in', async () => {
    const rendezvousId = newName();
    await open(domain, { rendezvousId, publicKey, token: newSecret() });
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => join(domain, { rendezvousId, token: newSecret(), body: 'me' })),
    );
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  test('a registered device counts for nothing until its owner has signed it', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    // The list is in the order of joining.
    domain.clock.now += 1_000;
    const { grant } = await link(domain, anna);
    const material = anna.material.linked();
    const registered = await register(domain, { grant, ...material.request });
    expect(registered.account).toMatchObject({ userId: anna.userId, handle: anna.handle });
    expect(await domain.authentication.askerOf(registered.token)).toBeUndefined();
    expect(await list(domain, anna)).toHaveLength(1);
    const { deviceId } = material.request;
    expect(await claim(domain, bert, [{ userId: anna.userId, deviceId }])).toEqual([]);
    expect(await pending(domain, anna, deviceId)).toEqual(material.request.deviceKeys);

    await expect(sign(domain, bert, { deviceId, deviceKeys: material.signed })).rejects.toEqual(
      refused('not_found'),
    );
    const unsigned = { deviceId, deviceKeys: material.request.deviceKeys };
    await expect(sign(domain, anna, unsigned)).rejects.toEqual(refused('bad_signature'));
    domain.told.length = 0;
    await sign(domain, anna, { deviceId, deviceKeys: material.signed });
    await sign(domain, anna, { deviceId, deviceKeys: material.signed });
    expect(domain.told.filter((one) => one.kind === 'devices')).toEqual([
      { kind: 'devices', event: 'device:linked', userId: anna.userId, devicesVersion: 2 },
    ]);
    expect(await domain.authentication.askerOf(registered.token)).toMatchObject({ deviceId });
    expect(await list(domain, anna)).toMatchObject([{ linkedBy: null }, { linkedBy: anna.deviceId }]);
    expect((await keysOf(domain, bert, [anna.userId]))[0]?.devices).toHaveLength(2);
    const [roster] = await readConversations(domain.db, bert.userId, [conversation.conversationId]);
    expect(roster?.rosterVersion).toBe(conversation.rosterVersion + 1);
    expect(await claim(domain, bert, [{ userId: anna.userId, deviceId }])).toHaveLength(1);
  });

  test('a grant registers one device, and the same one again after a lost answer', async () => {
    const anna = await person(domain);
    const { grant } = await link(domain, anna);
    const { request } = anna.material.linked();
    const first = await register(domain, { grant, ...request });
    const again = await register(domain, { grant, ...request });
    expect(again.account).toEqual(first.account);
    expect(again.token).not.toBe(first.token);
    await expect(register(domain, { grant, ...anna.material.linked().request })).rejects.toEqual(
      refused('link_used'),
    );
    const stranger = keyMaterial().linked().request;
    const other = await link(domain, anna);
    await expect(register(domain, { ...other, ...stranger })).rejects.toEqual(refused('bad_signature'));
    domain.clock.now += limits.linkTtlMs;
    await expect(register(domain, { ...other, ...anna.material.linked().request })).rejects.toEqual(
      refused('link_expired'),
    );
  });

  test('a person has so many devices and no more', async () => {
    const anna = await person(domain);
    for (let count = 1; count < limits.devicesPerUser; count++) await linkedDevice(domain, anna);
    await expect(linkedDevice(domain, anna)).rejects.toEqual(refused('too_many_devices'));
  });

  test('a revoked device tells when it has wiped itself, and nobody else can say so', async () => {
    const anna = await person(domain);
    const phone = await linkedDevice(domain, anna);
    await wiped(domain, phone.token);
    await expect(revoked(domain, anna, phone.deviceId)).rejects.toEqual(refused('not_found'));
    await revoke(domain, anna, revocationOf(domain, phone, phone.deviceId));
    await wiped(domain, anna.token);
    expect(await revoked(domain, anna, phone.deviceId)).toEqual({ wipedAt: null });
    await wiped(domain, phone.token);
    expect(await revoked(domain, anna, phone.deviceId)).toEqual({ wipedAt: domain.now() });
    // Told to who is there; nobody is woken for it.
    expect(domain.told.at(-1)).toEqual({ kind: 'wiped', userId: anna.userId, devicesVersion: 3 });
  });

  test('pages of the key backup are numbered, kept once, and pulled by their owner only', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const clientId = randomUUID();
    expect(await store(domain, anna, { clientId, page: 'AAAA' })).toEqual({ seq: 1 });
    expect(await store(domain, anna, { clientId, page: 'BBBB' })).toEqual({ seq: 1 });
    await Promise.all(
      Array.from({ length: 8 }, () => store(domain, anna, { clientId: randomUUID(), page: 'CCCC' })),
    );
    const first = await pull(domain, anna, { after: 0 });
    expect(first.lastSeq).toBe(9);
    expect(first.pages[0]).toEqual({ seq: 1, page: 'AAAA' });
    expect(first.pages).toHaveLength(limits.backupPagesPerPull);
    expect(await pull(domain, bert, { after: 0 })).toEqual({ pages: [], lastSeq: 0 });
  });
});
