import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { openTestDatabase, type TestDatabase } from '../../tests/databases';
import { commitAloneText } from './commit-alone';
import { commitText } from './commit-statement';

/** A node may connect while the tables are empty, and known to be: it keeps the plans that it makes then. */
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('postgres');
  await database.pool.query('analyze');
});
afterAll(() => database.close());

interface Plan {
  'Node Type': string;
  'Relation Name'?: string | undefined;
  'Index Cond'?: string | undefined;
  'Recheck Cond'?: string | undefined;
  Plans?: Plan[] | undefined;
}
const plan: z.ZodType<Plan> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Cond': z.string().optional(),
    'Recheck Cond': z.string().optional(),
    Plans: z.array(plan).optional(),
  }),
);
const explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: plan })]) })]);

test.each([
  { of: 'a batch', statement: commitText, parameters: 15 },
  { of: 'one message', statement: commitAloneText, parameters: 9 },
])(
  'the commit of $of that was planned over empty tables reads each of them by key',
  async ({ statement, parameters }) => {
    const client = await database.pool.connect();
    try {
      await client.query(`prepare planned as ${statement}`);
      const nothing = Array.from({ length: parameters }, () => 'null').join(', ');
      const { rows } = await client.query(`explain (format json) execute planned(${nothing})`);
      const whole = scans(explained.parse(rows)[0]['QUERY PLAN'][0].Plan).filter(
        (scan) => scan['Index Cond'] === undefined && scan['Recheck Cond'] === undefined,
      );
      expect(whole.map((scan) => `${scan['Node Type']} of ${scan['Relation Name']}`)).toEqual([]);
    } finally {
      client.release(true);
    }
  },
);

function scans(of: Plan): Plan[] {
  const own = of['Relation Name'] !== undefined && of['Node Type'].includes('Scan') ? [of] : [];
  return [...own, ...(of.Plans ?? []).flatMap(scans)];
}
