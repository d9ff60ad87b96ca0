import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../lib/protocol/limits';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { person, type TestDomain, testDomain } from '../../tests/domain';
import { readAttachment, removeAttachment, storeAttachment } from './attachments';

const picture = (size = 1_000) => {
  const bytes = randomBytes(size);
  return { bytes, address: createHash('sha256').update(bytes).digest('base64url') };
};

describe.each(databaseKinds)('attachments on %s', (kind) => {
  let database: TestDatabase;
  let domain: TestDomain;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(() => {
    domain = testDomain(database);
  });

  test('what is stored is read by its address, byte for byte, and the same again changes nothing', async () => {
    const anna = await person(domain);
    const { bytes, address } = picture(300_000);
    await Promise.all([
      storeAttachment(domain, anna, address, bytes),
      storeAttachment(domain, anna, address, bytes),
    ]);
    await storeAttachment(domain, anna, address, bytes);
    expect(Buffer.from((await readAttachment(domain.db, address)) ?? [])).toEqual(bytes);
    expect(await readAttachment(domain.db, picture().address)).toBe(undefined);
  });

  test('bytes that are not what the address says are refused, and so is what is too large', async () => {
    const anna = await person(domain);
    const { address } = picture();
    await expect(storeAttachment(domain, anna, address, randomBytes(1_000))).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const large = picture(limits.attachmentMaxBytes + 1);
    await expect(storeAttachment(domain, anna, large.address, large.bytes)).rejects.toMatchObject({
      code: 'too_large',
    });
    expect(await readAttachment(domain.db, address)).toBe(undefined);
    expect(await readAttachment(domain.db, large.address)).toBe(undefined);
  });

  test('only who stored an attachment takes it back', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const { bytes, address } = picture();
    await storeAttachment(domain, anna, address, bytes);
    await removeAttachment(domain, bert, address);
    expect(await readAttachment(domain.db, address)).toBeDefined();
    await removeAttachment(domain, anna, address);
    await removeAttachment(domain, anna, address);
    expect(await readAttachment(domain.db, address)).toBe(undefined);
  });

  test('an account that has used all its room stores nothing more until it takes something back', async () => {
    const [anna, bert] = [await person(domain), await person(domain)];
    const first = picture();
    await storeAttachment(domain, anna, first.address, first.bytes);
    // As if it were that large.
    await domain.db
      .updateTable('attachments')
      .set({ size_bytes: limits.attachmentBytesPerUser })
      .where('address', '=', first.address)
      .execute();
    const second = picture();
    await expect(storeAttachment(domain, anna, second.address, second.bytes)).rejects.toMatchObject({
      code: 'quota_exceeded',
    });
    await storeAttachment(domain, bert, second.address, second.bytes);
    await removeAttachment(domain, anna, first.address);
    const third = picture();
    await storeAttachment(domain, anna, third.address, third.bytes);
    expect(await readAttachment(domain.db, third.address)).toBeDefined();
  });
});
