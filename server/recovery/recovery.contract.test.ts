import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AparteError } from '../../lib/protocol/errors';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { contacts, person, type TestDomain, testDomain } from '../../tests/domain';
import { newSecret } from '../../tests/key-material';
import { keysOf, list } from '../devices/devices';
import { createLimiters, defaultRates } from '../limiter';
import { appRouter } from '../routers/app';
import { open, register, status, store } from './recovery';

const refused = (code: AparteError['code']) => new AparteError(code);
const bundle = Buffer.from('sealed').toString('base64');

describe.each(databaseKinds)('recovery on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
    domain = testDomain(database);
  });
  afterAll(() => database.close());

  test('hands the bundle and the public keys to whoever brings the right secret, and to nobody else', async () => {
    const anna = await person(domain);
    const authentication = newSecret();
    expect(await status(domain, anna)).toEqual({ storedAt: null });
    await store(domain, anna, { authentication, bundle });
    expect(await status(domain, anna)).toEqual({ storedAt: domain.now() });
    const { handle, userId } = anna;
    const { masterKey } = anna.material.request.keys;
    expect(await open(domain, { handle, authentication })).toMatchObject({ userId, bundle, masterKey });
    for (const wrong of [
      { handle, authentication: newSecret() },
      { handle: 'nobody-at-all', authentication },
    ])
      await expect(open(domain, wrong)).rejects.toEqual(refused('wrong_recovery_key'));
  });

  test('a new recovery key takes the place of the old one', async () => {
    const anna = await person(domain);
    const [old, fresh] = [newSecret(), newSecret()];
    await store(domain, anna, { authentication: old, bundle });
    await store(domain, anna, { authentication: fresh, bundle });
    await expect(open(domain, { handle: anna.handle, authentication: old })).rejects.toEqual(
      refused('wrong_recovery_key'),
    );
    expect(await open(domain, { handle: anna.handle, authentication: fresh })).toMatchObject({ bundle });
  });

  test('a device that its owner’s keys have signed joins by recovery, and all are told', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    await contacts(domain, anna, bert);
    const authentication = newSecret();
    await store(domain, anna, { authentication, bundle });
    const { request, signed } = anna.material.linked();
    domain.clock.now += 1;
    const wish = { handle: anna.handle, authentication, ...request, deviceKeys: signed };
    domain.told.length = 0;
    await expect(register(domain, { ...wish, deviceKeys: request.deviceKeys })).rejects.toEqual(
      refused('bad_signature'),
    );
    await expect(register(domain, { ...wish, authentication: newSecret() })).rejects.toEqual(
      refused('wrong_recovery_key'),
    );
    expect(domain.told).toEqual([]);
    const { token, account } = await register(domain, wish);
    expect(await domain.authentication.askerOf(token)).toEqual({
      userId: anna.userId,
      deviceId: wish.deviceId,
    });
    expect(domain.told).toContainEqual(expect.objectContaining({ kind: 'devices', event: 'device:linked' }));
    expect(await keysOf(domain, bert, [anna.userId])).toMatchObject([
      { devicesVersion: 2, devices: [{ deviceId: anna.deviceId }, { deviceId: wish.deviceId }] },
    ]);
    // The answer was lost: the same again.
    domain.told.length = 0;
    expect((await register(domain, wish)).account).toEqual(account);
    expect(await list(domain, anna)).toHaveLength(2);
    expect(domain.told).toEqual([]);
    const taken = { ...wish, idempotencyKey: newSecret() };
    await expect(register(domain, taken)).rejects.toEqual(refused('conflict'));
  });

  test('who tries keys is soon held back, by handle and by address', async () => {
    const limiters = createLimiters(defaultRates, domain.now);
    const attempt = (ip: string, handle: string) =>
      appRouter
        .createCaller({
          ground: domain,
          limiters,
          ip,
          pushEndpoints: 'public',
          token: undefined,
          asker: async () => undefined,
          setToken: () => undefined,
        })
        .recovery.open({ handle, authentication: newSecret() })
        .catch((error: { cause: AparteError }) => error.cause.code);
    const handle = 'somebody';
    for (let tries = 0; tries < 10; tries++)
      expect(await attempt(`10.0.0.${tries}`, handle)).toBe('wrong_recovery_key');
    expect(await attempt('10.0.1.1', handle)).toBe('rate_limited');
    for (let tries = 0; tries < 10; tries++) await attempt('10.0.2.1', `user${tries}`);
    expect(await attempt('10.0.2.1', 'another')).toBe('rate_limited');
    domain.clock.now += 6 * 60_000;
    expect(await attempt('10.0.1.1', handle)).toBe('wrong_recovery_key');
  });
});
