import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import {
  contacts,
  group,
  linkedDevice,
  person,
  revocationOf,
  type TestDomain,
  testDomain,
} from '../../tests/domain';
import { keyMaterial } from '../../tests/key-material';
import { find, handleTaken, me, signUp } from '../accounts/accounts';
import { readConversations } from '../conversations/read';
import { note, pull, tell } from '../envelopes/envelopes';
import { createLimiters, defaultRates } from '../limiter';
import { appRouter } from '../routers/app';
import { state } from '../sync/state';
import { keysOf, list, rename, revoke, version } from './devices';
import { claim, countOneTimeKeys, upload } from './pre-keys';
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
    expect(await domain.authentication.askerOf(first.token)).toBeUndefined();
    expect(await domain.authentication.askerOf(again.token)).toMatchObject({ deviceId: request.deviceId });
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
    await domain.authentication.askerOf(anna.token);
    await domain.authentication.settled();
    expect(await seen()).toBe(start);
    domain.clock.now += 1_000;
    await domain.authentication.askerOf(anna.token);
    await domain.authentication.settled();
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

  test('of 1,000 claims at the same moment on 50 one-time keys, 50 get one each and the rest the signed prekey', async () => {
    const [anna, bert] = [await person(domain, { oneTimeKeys: 50 }), await person(domain)];
    await contacts(domain, anna, bert);
    const wanted = [{ userId: anna.userId, deviceId: anna.deviceId }];
    const claims = await Promise.all(Array.from({ length: 1_000 }, () => claim(domain, bert, wanted)));
    const keyIds = claims.flat().map((bundle) => bundle.keyId);
    const [signed] = Object.keys(anna.material.request.keys.fallbackKeys);
    const oneTime = keyIds.filter((keyId) => keyId !== signed);
    expect(keyIds).toHaveLength(1_000);
    expect(oneTime.sort()).toEqual(Object.keys(anna.material.request.keys.oneTimeKeys).sort());
  });

  test('who takes many one-time keys of a device gets its signed prekey instead', async () => {
    const [anna, bert] = [await person(domain, { oneTimeKeys: 50 }), await person(domain)];
    await contacts(domain, anna, bert);
    const wanted = [{ userId: anna.userId, deviceId: anna.deviceId }];
    const caller = appRouter.createCaller({
      ground: domain,
      limiters: createLimiters(defaultRates, domain.now),
      ip: '127.0.0.1',
      pushEndpoints: 'public',
      token: bert.token,
      asker: async () => bert,
      setToken: () => undefined,
    });
    const bundles = [];
    for (let tries = 0; tries < 12; tries++)
      bundles.push(...(await caller.devices.bundles({ devices: wanted })));
    expect(bundles.map((bundle) => bundle.key.fallback ?? false)).toEqual([
      ...Array.from({ length: 10 }, () => false),
      true,
      true,
    ]);
  });

  test('what a device tells its others is passed on before it is stored, where the note before was allowed to go', async () => {
    const anna = await person(domain);
    const phone = await linkedDevice(domain, anna);
    const stranger = await person(domain);
    const { devicesVersion } = await version(domain, anna);
    const to = ({ deviceId: recipientDeviceId }: { deviceId: string }, content: string) => ({
      recipientDeviceId,
      type: 'm.x',
      content,
    });
    const told = async (envelopes: ReturnType<typeof to>[], version = devicesVersion) => {
      domain.told.length = 0;
      await tell(domain, anna, { devicesVersion: version, envelopes }).catch(() => undefined);
      return domain.told.map(({ kind }) => kind);
    };
    expect(await told([to(phone, 'one')])).toEqual(['noted']);
    expect(await told([to(phone, 'two')])).toEqual(['early', 'noted']);
    const envelope = {
      senderUserId: anna.userId,
      senderDeviceId: anna.deviceId,
      type: 'm.x',
      content: 'two',
    };
    expect(domain.told).toMatchObject([
      { userId: anna.userId, deviceId: phone.deviceId, envelope },
      { userId: anna.userId, deviceId: phone.deviceId },
    ]);
    for (const wrong of [to(stranger, 'x'), to(anna, 'x')]) {
      expect(await told([wrong])).toEqual([]);
      expect(await told([to(phone, 'x'), wrong])).toEqual([]);
    }
    expect(await told([to(phone, 'x')], devicesVersion + 1)).toEqual([]);
    expect(await told([to(phone, 'three')])).toEqual(['noted']);
    expect((await pull(domain, stranger, { after: 0, limit: 10 })).envelopes).toEqual([]);
  });

  test('a note reaches the other devices of its account, and no one else’s', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    await contacts(domain, anna, bert);
    const phone = await linkedDevice(domain, anna);
    const tablet = await linkedDevice(domain, anna);
    const { devicesVersion } = await version(domain, anna);
    const to = (...devices: { deviceId: string }[]) =>
      devices.map(({ deviceId }) => ({
        recipientDeviceId: deviceId,
        type: 'm.x',
        content: `to ${deviceId}`,
      }));
    domain.told.length = 0;
    expect(await note(domain, anna, { devicesVersion, envelopes: to(phone, tablet) })).toEqual({
      status: 'noted',
    });
    expect(domain.told).toMatchObject([
      { kind: 'noted', deviceId: phone.deviceId },
      { kind: 'noted', deviceId: tablet.deviceId },
    ]);
    expect((await pull(domain, phone, { after: 0, limit: 10 })).envelopes).toMatchObject([
      { senderDeviceId: anna.deviceId, content: `to ${phone.deviceId}` },
    ]);
    for (const wrong of [to(bert), to(anna), to(phone, bert)])
      await expect(note(domain, anna, { devicesVersion, envelopes: wrong })).rejects.toEqual(
        refused('forbidden'),
      );
    expect((await pull(domain, phone, { after: 0, limit: 10 })).envelopes).toHaveLength(1);
    await revoke(domain, anna, revocationOf(domain, anna, phone.deviceId));
    expect(await note(domain, anna, { devicesVersion, envelopes: to(phone, tablet) })).toEqual({
      status: 'stale',
      devicesVersion: devicesVersion + 1,
    });
    expect((await pull(domain, tablet, { after: 0, limit: 10 })).envelopes).toHaveLength(1);
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

  test('forgets used one-time keys when a day has passed and the device tops up', async () => {
    const anna = await person(domain, { oneTimeKeys: 2 });
    const bert = await person(domain);
    await contacts(domain, anna, bert);
    const rows = async () =>
      (
        await domain.db
          .selectFrom('one_time_keys')
          .select('key')
          .where('device_id', '=', anna.deviceId)
          .execute()
      ).length;
    await claim(domain, bert, [{ userId: anna.userId, deviceId: anna.deviceId }]);
    domain.clock.now += 23 * 3_600_000;
    await upload(domain, anna, anna.material.preKeys(1, false));
    expect(await rows()).toBe(3);
    domain.clock.now += 2 * 3_600_000;
    await upload(domain, anna, anna.material.preKeys(1, false));
    expect(await rows()).toBe(3);
    expect(await countOneTimeKeys(domain.db, anna.deviceId)).toBe(3);
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
    await expect(revoke(domain, bert, revocationOf(domain, anna, anna.deviceId))).rejects.toEqual(
      refused('not_found'),
    );
    domain.told.length = 0;
    await revoke(domain, anna, revocationOf(domain, anna, anna.deviceId));
    await expect(domain.authentication.askerOf(anna.token)).rejects.toEqual(refused('device_revoked'));
    const [told] = await keysOf(domain, bert, [anna.userId]);
    expect(told?.revocations).toEqual([revocationOf(domain, anna, anna.deviceId)]);
    expect(domain.told[0]).toEqual({ kind: 'revoked', userId: anna.userId, deviceId: anna.deviceId });
    const ids = [conversation.conversationId, other.conversationId];
    const versions = (await readConversations(domain.db, bert.userId, ids)).map((one) => one.rosterVersion);
    expect(versions.sort()).toEqual([conversation.rosterVersion + 1, other.rosterVersion + 1].sort());
    expect(await keysOf(domain, bert, [anna.userId])).toMatchObject([{ devicesVersion: 2, devices: [] }]);
    expect(await claim(domain, bert, [{ userId: anna.userId, deviceId: anna.deviceId }])).toEqual([]);
    await revoke(domain, anna, revocationOf(domain, anna, anna.deviceId));
    expect((await keysOf(domain, bert, [anna.userId]))[0]?.devicesVersion).toBe(2);
    await expect(state(domain, anna, 0)).rejects.toEqual(refused('device_revoked'));
  });

  test('a revocation must be signed by the account and be about now', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const right = revocationOf(domain, anna, anna.deviceId);
    const wrong = [
      revocationOf(domain, bert, anna.deviceId),
      { ...right, at: right.at + 1 },
      { ...right, signature: bert.material.revocation(anna.deviceId, right.at).signature },
    ];
    for (const given of wrong)
      await expect(revoke(domain, anna, given)).rejects.toEqual(refused('bad_signature'));
    const old = anna.material.revocation(anna.deviceId, domain.now() - limits.revocationSkewMs - 1);
    await expect(revoke(domain, anna, old)).rejects.toEqual(refused('conflict'));
    expect(await domain.authentication.askerOf(anna.token)).toMatchObject({ deviceId: anna.deviceId });
  });

  test('renames own devices only', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    await rename(domain, anna, anna.deviceId, 'Laptop');
    expect(await list(domain, anna)).toMatchObject([{ name: 'Laptop', current: true }]);
    await expect(rename(domain, bert, anna.deviceId, 'Mine')).rejects.toEqual(refused('not_found'));
  });
});
