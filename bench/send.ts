import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { openTestDatabase } from '../tests/databases';
import { contacts, person, type TestDomain, type TestPerson, testDomain, text } from '../tests/domain';
import { type Bench, median, percentile, type Row, rounded } from './rows';

const rounds = 3;
const secondsEach = 4;
/** How many send at once while looking for the most that is possible. */
const senders = 1_000;
/** How many insert at once: as many as the pool has connections. */
const inserters = 10;
const conversations = 50;
/** A short text, sealed. */
const ciphertext = randomBytes(450).toString('base64');

interface Measured {
  messagesPerS: number;
  singleRowPerS: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Durable sends at the committer, beside bare inserts of one row each through the same driver and pool: in rounds,
 * so that both have the same weather. Latency is that of an open loop at half of what is possible, counted from
 * the moment at which a send was due.
 */
export const send: Bench = async (tell) => {
  const postgres = await measure('postgres', tell);
  const embedded = await measure('embedded', tell);
  return [...rowsOf('postgres', postgres, 20), ...rowsOf('embedded', embedded)].filter(
    ({ name }) => !['embedded_ratio', 'embedded_p50_ms'].includes(name),
  );
};

function rowsOf(kind: string, of: Measured, p99AimMs?: number): Row[] {
  const perS = { unit: '/s', better: 'higher' } as const;
  const ms = { unit: 'ms', better: 'lower' } as const;
  return [
    { name: `${kind}_messages_per_s`, value: Math.round(of.messagesPerS), ...perS },
    { name: `${kind}_single_row_per_s`, value: Math.round(of.singleRowPerS), ...perS },
    {
      name: `${kind}_ratio`,
      value: rounded(of.messagesPerS / of.singleRowPerS),
      unit: '',
      aim: 5,
      better: 'higher',
    },
    { name: `${kind}_p50_ms`, value: rounded(of.p50Ms), ...ms },
    {
      name: `${kind}_p99_ms_at_half`,
      value: rounded(of.p99Ms),
      ...ms,
      ...(p99AimMs === undefined ? {} : { aim: p99AimMs }),
    },
  ];
}

async function measure(kind: 'postgres' | 'embedded', tell: (line: string) => void): Promise<Measured> {
  const database = await openTestDatabase(kind);
  try {
    const { pool } = database;
    await pool.query('create table bench_rows (id bigserial primary key, body text not null)');
    const sendOne = await sendOf(testDomain(database));
    const insertOne = () => pool.query(insert).then(() => undefined);
    await closedLoop(1, senders, sendOne);
    await closedLoop(1, inserters, insertOne);
    const inserted: number[] = [];
    const sent: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      inserted.push(await closedLoop(secondsEach, inserters, insertOne));
      sent.push(await closedLoop(secondsEach, senders, sendOne));
      tell(`${kind} ${round}/${rounds}: ${at(sent)} messages/s, ${at(inserted)} single rows/s`);
    }
    const messagesPerS = median(sent);
    const p50: number[] = [];
    const p99: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const latencies = await openLoop(secondsEach, messagesPerS / 2, sendOne);
      p50.push(percentile(latencies, 0.5));
      p99.push(percentile(latencies, 0.99));
      tell(`${kind} at half: p50 ${p50.at(-1)?.toFixed(1)} ms, p99 ${p99.at(-1)?.toFixed(1)} ms`);
    }
    await checkStored(pool, tell);
    return { messagesPerS, singleRowPerS: median(inserted), p50Ms: median(p50), p99Ms: median(p99) };
  } finally {
    await database.close();
  }
}

const insert = { name: 'bench', text: 'insert into bench_rows (body) values ($1)', values: [ciphertext] };
const at = (values: number[]) => Math.round(values.at(-1) ?? 0);

/** Sends between people who have the key already, as most are: a message without envelopes. */
async function sendOf(domain: TestDomain): Promise<() => Promise<void>> {
  const pairs: { sender: TestPerson; conversation: Awaited<ReturnType<typeof contacts>> }[] = [];
  for (let index = 0; index < conversations; index++) {
    const [sender, other] = [await person(domain), await person(domain)];
    pairs.push({ sender, conversation: await contacts(domain, sender, other) });
  }
  let next = 0;
  return async () => {
    const pair = pairs[next++ % pairs.length];
    if (pair === undefined) throw new Error('There is no conversation.');
    const message = text(pair.conversation, { ciphertext });
    const outcome = await domain.committer.commit({ sender: pair.sender, message });
    if (outcome.status !== 'sent') throw new Error(`A send was answered with ${outcome.status}.`);
  };
}

/** As many at once as told, each waiting for its answer. @returns how many per second */
async function closedLoop(seconds: number, atOnce: number, call: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let done = 0;
  const one = async () => {
    while (performance.now() < endsAt) {
      await call();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return done / ((performance.now() - startedAt) / 1000);
}

/** So many per second, whether or not the earlier ones are answered. @returns the latencies in ms, sorted */
async function openLoop(seconds: number, perSecond: number, call: () => Promise<void>): Promise<number[]> {
  const startedAt = performance.now();
  const count = Math.floor(seconds * perSecond);
  const latencies: number[] = [];
  const running: Promise<void>[] = [];
  while (running.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1000) * perSecond));
    while (running.length < due) {
      const dueAt = startedAt + (running.length / perSecond) * 1000;
      running.push(call().then(() => void latencies.push(performance.now() - dueAt)));
    }
    // Not at every turn: the clock would be looked at on a core that the database needs.
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  return latencies.sort((a, b) => a - b);
}

/** Every conversation has as many messages as numbers. */
async function checkStored(pool: pg.Pool, tell: (line: string) => void): Promise<void> {
  const { rows } = await pool.query<{ given: number; stored: number }>(
    `select (select sum(last_seq)::integer from conversations) as given,
      (select count(*)::integer from messages) as stored`,
  );
  const [row] = rows;
  if (row === undefined || row.given !== row.stored) throw new Error('Numbers and messages differ.');
  tell(`${row.stored} messages stored, as many as numbers given`);
}
