import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import type { Conversation } from '../lib/protocol/conversations';
import type { sendMessage } from '../lib/protocol/messages';
import { directConversationId } from '../lib/protocol/names';
import { signUp } from '../server/accounts/accounts';
import { accept, create } from '../server/conversations/conversations';
import { createDb } from '../server/db/database';
import type { Database } from '../server/db/pool';
import { Authentication } from '../server/devices/authentication';
import { link, register, sign } from '../server/devices/register';
import type { Asker, Ground } from '../server/ground';
import { Committer, lanesOn } from '../server/messages/commit';
import { createMetrics } from '../server/metrics/metrics';
import type { Committed, Notices } from '../server/notices';
import { MemberLists } from '../server/presence/member-lists';
import { type KeyMaterial, keyMaterial } from './key-material';

type Told =
  | ({ kind: 'roster' } & Parameters<Notices['rosterChanged']>[0])
  | ({ kind: 'committed' } & Committed)
  | ({ kind: 'activity' } & Parameters<Notices['activity']>[0])
  | ({ kind: 'presence' } & Parameters<Notices['presence']>[0])
  | ({ kind: 'keys' } & Parameters<Notices['keysLow']>[0])
  | ({ kind: 'devices' } & Parameters<Notices['devicesChanged']>[0])
  | ({ kind: 'wiped' } & Parameters<Notices['deviceWiped']>[0])
  | ({ kind: 'early' } & Parameters<Notices['readSync']>[0])
  | ({ kind: 'noted' } & Parameters<Notices['noted']>[0])
  | ({ kind: 'revoked' } & Parameters<Notices['deviceRevoked']>[0]);

/** The rules on a database, with a clock that the test turns and everything that is told written down. */
export interface TestDomain extends Ground {
  readonly committer: Committer;
  readonly authentication: Authentication;
  readonly told: Told[];
  readonly clock: { now: number };
}

export function testDomain(database: Pick<Database, 'pool' | 'kind'>): TestDomain {
  const told: Told[] = [];
  const clock = { now: 1_800_000_000_000 };
  const now = () => clock.now;
  const db = createDb(database.pool);
  const memberLists = new MemberLists({ db, now, maxAgeMs: 10_000 });
  const metrics = createMetrics();
  return {
    metrics,
    db,
    now,
    clock,
    told,
    authentication: new Authentication({ pool: database.pool, now }),
    committer: new Committer({
      pool: database.pool,
      now,
      lanes: lanesOn[database.kind],
      maxBatch: 500,
      maxBatchBytes: 8 * 1024 * 1024,
      maxQueue: 10_000,
      metrics,
    }),
    memberLists,
    notices: {
      rosterChanged: (notice) => {
        memberLists.forget(notice.conversationId);
        told.push({ kind: 'roster', ...notice });
      },
      committed: (news) => told.push({ kind: 'committed', ...news }),
      activity: (notice) => told.push({ kind: 'activity', ...notice }),
      presence: (notice) => told.push({ kind: 'presence', ...notice }),
      keysLow: (notice) => told.push({ kind: 'keys', ...notice }),
      devicesChanged: (notice) => told.push({ kind: 'devices', ...notice }),
      deviceWiped: (notice) => told.push({ kind: 'wiped', ...notice }),
      readSync: (notice) => told.push({ kind: 'early', ...notice }),
      noted: (notice) => told.push({ kind: 'noted', ...notice }),
      deviceRevoked: (notice) => told.push({ kind: 'revoked', ...notice }),
    },
  };
}

export interface TestPerson extends Asker {
  readonly material: KeyMaterial;
  readonly handle: string;
  readonly token: string;
}

export async function person(ground: Ground, given: { oneTimeKeys?: number } = {}): Promise<TestPerson> {
  const material = keyMaterial(given);
  const { account, token } = await signUp(ground, material.request);
  return { ...account, token, material };
}

/** A further device of a person, linked and signed. */
export async function linkedDevice(ground: Ground, owner: TestPerson): Promise<TestPerson> {
  const { grant } = await link(ground, owner);
  const { request, signed } = owner.material.linked();
  const { account, token } = await register(ground, { grant, ...request });
  await sign(ground, owner, { deviceId: request.deviceId, deviceKeys: signed });
  return { ...account, token, material: owner.material };
}

/** A one-to-one conversation that both have accepted. */
export async function contacts(ground: Ground, a: Asker, b: Asker): Promise<Conversation> {
  const conversationId = await directConversationId(a.userId, b.userId);
  await create(ground, a, { conversationId, kind: 'direct', memberIds: [b.userId] });
  await accept(ground, b, conversationId);
  return create(ground, a, { conversationId, kind: 'direct', memberIds: [b.userId] });
}

export function group(ground: Ground, owner: Asker, ...members: Asker[]): Promise<Conversation> {
  const memberIds = members.map((member) => member.userId);
  return create(ground, owner, { conversationId: randomUUID(), kind: 'group', memberIds });
}

type Message = z.infer<typeof sendMessage>;

export function text(
  conversation: { conversationId: string; rosterVersion: number },
  given: Partial<Message> = {},
): Message {
  return {
    conversationId: conversation.conversationId,
    rosterVersion: conversation.rosterVersion,
    clientId: randomUUID(),
    slot: 'log',
    ciphertext: 'sealed',
    envelopes: [],
    ...given,
  };
}

/** What a person signs to shut one of their devices out. */
export const revocationOf = (ground: Ground, owner: TestPerson, deviceId: string) =>
  owner.material.revocation(deviceId, ground.now());
