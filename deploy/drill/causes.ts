import pg from 'pg';
import { directConversationId } from '../../lib/protocol/names';
import type { Cluster, ClusterNode } from '../cluster/cluster';
import { BareDevice } from './bare-device';

export interface Pair {
  readonly conversationId: string;
  readonly rosterVersion: number;
  readonly from: BareDevice;
  readonly to: BareDevice;
}

let addresses = 0;
/** Each device is somebody else's: one address may make only so many accounts. */
const nextAddress = () => `10.9.${Math.floor(addresses / 250)}.${(addresses++ % 250) + 1}`;

export async function device(node: ClusterNode): Promise<BareDevice> {
  const made = new BareDevice(node.origin, nextAddress());
  await made.signUp();
  await made.connect();
  return made;
}

/** Two people on two nodes who write to each other. */
export async function pair(one: ClusterNode, other: ClusterNode): Promise<Pair> {
  const [from, to] = [await device(one), await device(other)];
  const conversationId = await directConversationId(from.userId, to.userId);
  await from.api.conversations.create.mutate({ conversationId, kind: 'direct', memberIds: [to.userId] });
  await to.api.conversations.accept.mutate({ conversationId });
  const [conversation] = await from.api.conversations.get.query({ conversationIds: [conversationId] });
  if (conversation === undefined) throw new Error('There is no conversation.');
  return { conversationId, rosterVersion: conversation.rosterVersion, from, to };
}

/** So many messages at once. @returns when all are committed */
export async function talk({ from, conversationId, rosterVersion }: Pair, messages: number): Promise<void> {
  await Promise.all(Array.from({ length: messages }, () => from.say(conversationId, { rosterVersion })));
}

/** Within a connection's allowance for as long as an alert takes. */
const perRound = 40;

/** Stops Redis for half a second while messages wait in it for the other node. */
export async function freezeRedis(cluster: Cluster, db: pg.Client, said: Pair): Promise<void> {
  cluster.redis.freeze();
  try {
    await talk(said, perRound);
    await db.query('select pg_sleep(0.5)');
  } finally {
    cluster.redis.thaw();
  }
}

/** Something else holds the conversation's row: nobody can write there until `release`. */
export async function lockConversation(
  db: pg.Client,
  { conversationId }: Pair,
): Promise<() => Promise<void>> {
  await db.query('begin');
  await db.query('select 1 from conversations where id = $1 for update', [conversationId]);
  return async () => {
    await db.query('commit');
  };
}

export async function lockForHalfASecond(db: pg.Client, said: Pair): Promise<void> {
  const release = await lockConversation(db, said);
  const talked = talk(said, perRound);
  await db.query('select pg_sleep(0.5)');
  await release();
  await talked;
}

/** Two megabytes: the most that a frame may hold. */
const largeEnvelopes = Array.from({ length: 120 }, () => ({
  recipientDeviceId: '00000000-0000-4000-8000-000000000000',
  type: 'm.room_key',
  content: 'x'.repeat(16_000),
}));

/** Devices send the largest messages that they may, while the database stands still: they wait in memory. */
export function fillMemory(devices: readonly BareDevice[], { conversationId }: Pair): void {
  for (const sender of devices)
    for (let time = 0; time < 4; time++) void sender.say(conversationId, { envelopes: largeEnvelopes });
}

/** A caller who asks a node as much as one request holds, again as soon as it has answered, until `stop`. */
export function floodWithCalls(node: ClusterNode, lanes = 16): { stop(): Promise<void> } {
  const perRequest = 20;
  const paths = Array.from({ length: perRequest }, () => 'accounts.handleTaken').join(',');
  const input = Object.fromEntries(Array.from({ length: perRequest }, (_, at) => [at, { handle: 'nobody' }]));
  // As POST, which queries may come by: so many inputs do not fit into an address.
  const headers = { origin: node.origin, 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body: JSON.stringify(input) };
  let open = true;
  const lane = async () => {
    while (open) await (await fetch(`${node.origin}/trpc/${paths}?batch=1`, request)).arrayBuffer();
  };
  // A lane ends early when its node does.
  const ended = Promise.allSettled(Array.from({ length: lanes }, lane));
  return {
    async stop() {
      open = false;
      await ended;
    },
  };
}

export async function client(url: string): Promise<pg.Client> {
  const opened = new pg.Client({ connectionString: url });
  // The database is killed on purpose; who asks it then is told by the query.
  opened.on('error', () => undefined);
  await opened.connect();
  return opened;
}
