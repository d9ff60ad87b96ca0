import { createECDH, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { linkedDevice, person, revocationOf, type TestDomain, testDomain } from '../../tests/domain';
import { revoke } from '../devices/devices';
import { pushKeys } from './keys';
import { prune, subscribe, subscriptionsOf, unsubscribe } from './subscriptions';

const subscription = (endpoint = `https://push.example.org/${randomBytes(8).toString('hex')}`) => ({
  endpoint,
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: randomBytes(16).toString('base64url'),
});

describe.each(databaseKinds)('push subscriptions on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(() => {
    domain = testDomain(database);
  });

  test('the key pair is made once, whoever asks first, and stays', async () => {
    const asked = await Promise.all([pushKeys(domain.db), pushKeys(domain.db), pushKeys(domain.db)]);
    expect(new Set(asked.map((keys) => keys.publicKey)).size).toBe(1);
    expect(await pushKeys(testDomain(database).db)).toEqual(asked[0]);
  });

  test('a device has one address, the last, until it takes it back', async () => {
    const anna = await person(domain);
    await subscribe(domain, anna, subscription(), 'public');
    const last = subscription();
    await subscribe(domain, anna, last, 'public');
    const { userId, deviceId } = anna;
    expect(await subscriptionsOf(domain.db, [userId], [])).toEqual([{ userId, deviceId, ...last }]);
    expect(await subscriptionsOf(domain.db, [], [deviceId])).toHaveLength(1);
    await unsubscribe(domain, anna);
    expect(await subscriptionsOf(domain.db, [userId], [deviceId])).toEqual([]);
  });

  test('a browser that has another account now is woken for that one only', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const one = subscription();
    await subscribe(domain, anna, one, 'public');
    await subscribe(domain, bert, one, 'public');
    expect(await subscriptionsOf(domain.db, [anna.userId], [])).toEqual([]);
    expect(await subscriptionsOf(domain.db, [bert.userId], [])).toHaveLength(1);
  });

  test('refuses addresses inside and keys that are no point of the curve', async () => {
    const anna = await person(domain);
    const refusal = { code: 'invalid_input' };
    await expect(subscribe(domain, anna, subscription('https://10.0.0.1/x'), 'public')).rejects.toMatchObject(
      refusal,
    );
    const off = { ...subscription(), p256dh: `B${'A'.repeat(86)}` };
    await expect(subscribe(domain, anna, off, 'public')).rejects.toMatchObject(refusal);
    expect(await subscriptionsOf(domain.db, [anna.userId], [])).toEqual([]);
  });

  test('what the push service has forgotten goes, but not what has replaced it', async () => {
    const anna = await person(domain);
    const [before, after] = [subscription(), subscription()];
    await subscribe(domain, anna, before, 'public');
    await subscribe(domain, anna, after, 'public');
    await prune(domain.db, { ...anna, ...before });
    expect(await subscriptionsOf(domain.db, [anna.userId], [])).toHaveLength(1);
    await prune(domain.db, { ...anna, ...after });
    expect(await subscriptionsOf(domain.db, [anna.userId], [])).toEqual([]);
  });

  test('dies with its device, which cannot make a new one', async () => {
    const anna = await person(domain);
    const phone = await linkedDevice(domain, anna);
    await subscribe(domain, phone, subscription(), 'public');
    await revoke(domain, anna, revocationOf(domain, anna, phone.deviceId));
    expect(await subscriptionsOf(domain.db, [anna.userId], [])).toEqual([]);
    await expect(subscribe(domain, phone, subscription(), 'public')).rejects.toMatchObject({
      code: 'device_revoked',
    });
  });
});
