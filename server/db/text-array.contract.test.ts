import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../../tests/databases';
import { textArray } from './text-array';

describe.each(databaseKinds)('an array of texts in binary form on %s', (kind) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());

  const texts = ['', '"', '\\', '{a,b}', 'NULL', ' ', 'a\nb', 'ü€𝄞', 'x'.repeat(100_000), ''];

  test.each([[[]], [['one']], [texts]])('arrives as it was sent', async (sent) => {
    const { rows } = await database.pool.query({
      name: 'texts',
      text: 'select to_json($1::text[]) as texts',
      values: [textArray(sent)],
    });
    expect(rows).toEqual([{ texts: sent }]);
  });
});
