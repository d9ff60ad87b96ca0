import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, group, person, type TestDomain, testDomain } from '../../tests/domain';
import { keyMaterial } from '../../tests/key-material';
import { find, handleTaken, me, signUp } from '../accounts/accounts';
import { readConversations } from '../conversations/read';
import { state } from '../sync/state';
import { authenticate } from './authentication';
import { keysOf, list, rename, revoke } from './devices';
import { claim, upload } from './pre-keys';
import { tokenCookie, tokenOf } from './tokens';

const refused = (code: AparteError['code']) => new AparteError(code);

describe.each(databaseKinds)('accounts and devices on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
  });
  afterAll(() => database.close());

  test('makes an account once, and gives the same request again a new token only', async () => {
    const { request } = keyMaterial();
    expect(await handleTaken(domain, request.handle)).toBe(false);
    const first = await signUp(domain, request);
    const again = await signUp(domain, request);
    expect(again.account).toEqual(first.account);
    expect(await authenticate(domain, first.token)).toBeUndefined();
    expect(await authenticate(domain, again.token)).toMatchObject({ deviceId: request.deviceId });
    expect(await handleTaken(domain, request.handle)).toBe(true);
    expect(await find(domain, request.handle)).toEqual({ userId: request.userId, handle: request.handle });
    expect(await me(domain, request)).toEqual(first.account);
    expect(tokenOf(`x=1; ${tokenCookie(again.token, true).split(';')[0]}`)).toBe(again.token);
  });

  test('the same sign-up twice at the same moment makes one account', async () => {
    const { request } = keyMaterial();
    const both = await Promise.all([signUp(domain, request), signUp(domain, request)]);
    expect(both[0].account).toEqual(both[1].account);
    expect(await list(domain, request)).toHaveLength(1);
  });

  test('refuses a handle, an id and an idempotency key that are in use', async () => {
    const { request } = keyMaterial();
    await signUp(domain, request);
    const other = keyMaterial({ handle: request.handle }).request;
    await expect(signUp(domain, other)).rejects.toEqual(refused('handle_taken'));
    const reused = { ...keyMaterial().request, idempotencyKey: request.idempotencyKey };
    await expect(signUp(domain, reused)).rejects.toEqual(refused('conflict'));
    const sameIds = { ...request, handle: 'another', idempotencyKey: keyMaterial().request.idempotencyKey };
    await expect(signUp(domain, sameIds)).rejects.toEqual(refused('conflict'));
  });

  test('notes that a device was seen, at most once a minute', async () => {
    const anna = await person(domain);
    const seen = async () => (await list(domain, anna))[0]?.lastSeenAt;
    const start = domain.now();
    domain.clock.now += 59_000;
    await authenticate(domain, anna.token);
    expect(await seen()).toBe(start);
    domain.clock.now += 1_000;
    await authenticate(domain, anna.token);
    expect(await seen()).toBe(start + 60_000);
  });

  test('hands each one-time key out once, then the signed prekey, and tells a device that runs low', async () => {
    const [anna, bert] = [await person(domain, { oneTimeKeys: 100 }), await person(domain)];
    await contacts(domain, anna, bert);
    domain.told.length = 0;
    const wanted = [{ userId: anna.userId, deviceId: anna.deviceId }];
    const claims = await Promise.all(Array.from({ length: 130 }, () => claim(domain, bert, wanted)));
    const bundles = claims.flat();
    expect(bundles).toHaveLength(130);
    const oneTime = bundles.filter((bundle) => bundle.key.fallback !== true);
    expect(new Set(oneTime.map((bundle) => bundle.keyId)).size).toBe(oneTime.length);
    expect(oneTime.length).toBeGreaterThan(90);
    expect(domain.told).toContainEqual(expect.objectContaining({ kind: 'keys', deviceId: anna.deviceId }));
    expect(await state(domain, anna, 0)).toMatchObject({ hasUnusedFallbackKey: false });
  });

  test('takes new keys from the device, never again one that was handed out, and not too many', async () => {
    const { request, preKeys } = keyMaterial({ oneTimeKeys: 1 });
    await signUp(domain, request);
    const anna = request;
    const bert = await person(domain);
    await contacts(domain, anna, bert);
    await claim(domain, bert, [{ userId: anna.userId, deviceId: anna.deviceId }]);
    const again = { oneTimeKeys: request.keys.oneTimeKeys, fallbackKeys: {} };
    expect(await upload(domain, anna, again)).toEqual({ oneTimeKeyCount: 0 });
    const most = preKeys(limits.oneTimeKeysPerDevice, true);
    expect(await upload(domain, anna, most)).toEqual({ oneTimeKeyCount: limits.oneTimeKeysPerDevice });
    await expect(upload(domain, anna, preKeys(1, false))).rejects.toEqual(refused('conflict'));
    await expect(upload(domain, anna, keyMaterial().preKeys(1, false))).rejects.toEqual(
      refused('bad_signature'),
    );
  });

  test('gives keys and bundles to those who share a conversation, and to nobody else', async () => {
    const [anna, bert, eve] = [await person(domain), await person(domain), await person(domain)];
    await contacts(domain, anna, bert);
    const wanted = [{ userId: anna.userId, deviceId: anna.deviceId }];
    expect(await keysOf(domain, eve, [anna.userId])).toEqual([]);
    expect(await claim(domain, eve, wanted)).toEqual([]);
    expect(await keysOf(domain, bert, [anna.userId])).toMatchObject([
      { userId: anna.userId, userSigningKey: null, devices: [{ deviceId: anna.deviceId }] },
    ]);
    expect((await keysOf(domain, anna, [anna.userId]))[0]?.userSigningKey).not.toBeNull();
    const wrongOwner = [{ userId: bert.userId, deviceId: anna.deviceId }];
    expect(await claim(domain, bert, wrongOwner)).toEqual([]);
  });

  test('revokes an own device: token, keys and listing end, and every conversation has a new version', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const conversation = await contacts(domain, anna, bert);
    const other = await group(domain, bert, anna);
    await expect(revoke(domain, bert, anna.deviceId)).rejects.toEqual(refused('not_found'));
    domain.told.length = 0;
    await revoke(domain, anna, anna.deviceId);
    await expect(authenticate(domain, anna.token)).rejects.toEqual(refused('device_revoked'));
    expect(domain.told[0]).toEqual({ kind: 'revoked', userId: anna.userId, deviceId: anna.deviceId });
    const ids = [conversation.conversationId, other.conversationId];
    const versions = (await readConversations(domain.db, bert.userId, ids)).map((one) => one.rosterVersion);
    expect(versions.sort()).toEqual([conversation.rosterVersion + 1, other.rosterVersion + 1].sort());
    expect(await keysOf(domain, bert, [anna.userId])).toMatchObject([{ devicesVersion: 2, devices: [] }]);
    expect(await claim(domain, bert, [{ userId: anna.userId, deviceId: anna.deviceId }])).toEqual([]);
    await revoke(domain, anna, anna.deviceId);
    expect((await keysOf(domain, bert, [anna.userId]))[0]?.devicesVersion).toBe(2);
    await expect(state(domain, anna, 0)).rejects.toEqual(refused('device_revoked'));
  });

  test('renames own devices only', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    await rename(domain, anna, anna.deviceId, 'Laptop');
    expect(await list(domain, anna)).toMatchObject([{ name: 'Laptop', current: true }]);
    await expect(rename(domain, bert, anna.deviceId, 'Mine')).rejects.toEqual(refused('not_found'));
  });
});
