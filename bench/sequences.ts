import pg from 'pg';
import type { Town } from './town';

/** How often a number of a conversation must have been seen: each number once by each device of its members. */
export async function seqsGiven(databaseUrl: string, town: Town): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string; last_seq: number }>(
    'select id, last_seq from conversations where last_seq > 0',
  );
  await client.end();
  const lastSeq = new Map(rows.map((row) => [row.id, row.last_seq]));
  return town.conversations.reduce(
    (sum, { id, devices }) => sum + (lastSeq.get(id) ?? 0) * devices.length,
    0,
  );
}
