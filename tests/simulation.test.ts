import { expect, test } from 'vitest';
import { seedsFrom } from './seeds';
import { type SimulatedConversation, type SimulatedPerson, simulate } from './simulation';

/** `SEEDS=1-20 MESSAGES=2000` is `npm run simulate`; some seeds by name: `SEEDS=3,7`. */
const seeds = seedsFrom(process.env.SEEDS ?? '1-3');
const messages = Number(process.env.MESSAGES ?? 300);

test.each(seeds)(
  'seed %i: over a bad network every device of twenty has every message once, in one order',
  async (seed) => {
    const startedAt = performance.now();
    const { conversations, people, restarts, close } = await simulate(seed, messages);
    try {
      for (const conversation of conversations) await agrees(conversation);
      for (const { device } of people) expect(await device.db.outbox.count()).toBe(0);
      expect(restarts).toBeGreaterThan(0);
    } finally {
      await close();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`seed ${seed}: ${messages} messages, ${restarts} restarts, ${seconds.toFixed(1)} s`);
  },
  120_000 + messages * 600,
);

async function agrees(conversation: SimulatedConversation): Promise<void> {
  const written = [...conversation.written.values()].flat().sort();
  const logs = await Promise.all(conversation.members.map((member) => logOf(member, conversation.id)));
  for (const { name, seqs, orders, kinds, texts } of logs) {
    const where = `${name} in ${conversation.id}`;
    expect(seqs, where).toEqual(seqs.map((_, index) => index + 1));
    expect(orders, where).toEqual(seqs);
    expect(
      kinds.filter((kind) => kind === 'sealed' || kind === 'invalid'),
      where,
    ).toEqual([]);
    expect(texts.map(({ body }) => body).sort(), where).toEqual(written);
    expect(texts, where).toEqual(logs[0]?.texts);
    for (const [senderId, bodies] of conversation.written) {
      const theirs = texts.filter((text) => text.senderId === senderId).map(({ body }) => body);
      expect(theirs, where).toEqual(bodies);
    }
  }
}

async function logOf({ device, name }: SimulatedPerson, conversationId: string) {
  const rows = await device.db.messages
    .where('[conversationId+order]')
    .between([conversationId, 0], [conversationId, Number.POSITIVE_INFINITY])
    .toArray();
  const texts = rows.filter((row) => row.kind !== 'group');
  return {
    name,
    seqs: rows.map((row) => row.seq),
    orders: rows.map((row) => row.order),
    kinds: rows.map((row) => row.kind),
    texts: texts.map(({ id, seq, senderId, body }) => ({ id, seq, senderId, body })),
  };
}
