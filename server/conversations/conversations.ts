import type { Transaction } from 'kysely';
import type * as z from 'zod';
import type { Conversation, createConversation, Role } from '../../lib/protocol/conversations';
import { AparteError } from '../../lib/protocol/errors';
import { directConversationId } from '../../lib/protocol/names';
import type { Database } from '../db/schema';
import type { Asker, Ground } from '../ground';
import { readConversations } from './read';
import { applyChanges, changeRoster, holdUsers, lockRoster } from './roster-change';
import * as rules from './roster-rules';

/**
 * Makes a conversation, or answers with the one that is there: asked twice, it is made once.
 * @throws invalid_input for a direct conversation under another id than its own or not with one other person,
 * not_found for an unknown person, forbidden when one of them has blocked the asker, conflict for a foreign id
 */
export async function create(
  ground: Ground,
  asker: Asker,
  wish: z.infer<typeof createConversation>,
): Promise<Conversation> {
  const { conversationId, kind, memberIds } = wish;
  const otherId = memberIds[0];
  if (kind === 'direct') {
    if (otherId === undefined || memberIds.length !== 1 || otherId === asker.userId)
      throw new AparteError('invalid_input');
    if (conversationId !== (await directConversationId(asker.userId, otherId)))
      throw new AparteError('invalid_input');
  }
  const notice = await ground.db.transaction().execute(async (trx) => {
    await holdUsers(trx, [asker.userId, ...memberIds]);
    const made = await trx
      .insertInto('conversations')
      .values({
        id: conversationId,
        kind,
        roster_version: 0,
        created_by: asker.userId,
        created_at: ground.now(),
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .executeTakeFirst();
    const roster = await lockRoster(trx, conversationId);
    if (roster === undefined) throw new AparteError('internal');
    if (roster.kind !== kind) throw new AparteError('conflict');
    const relations = await relationsOf(trx, asker.userId, memberIds);
    if (kind === 'direct' && otherId !== undefined) {
      const changes = rules.startDirect(roster, asker.userId, otherId, relations);
      return applyChanges(trx, roster, changes, ground.now());
    }
    if (made === undefined) {
      if (!roster.members.has(asker.userId)) throw new AparteError('conflict');
      return undefined;
    }
    return applyChanges(trx, roster, rules.startGroup(asker.userId, memberIds, relations), ground.now());
  });
  if (notice !== undefined) ground.notices.rosterChanged(notice);
  const [conversation] = await readConversations(ground.db, asker.userId, [conversationId]);
  if (conversation === undefined) throw new AparteError('internal');
  return conversation;
}

async function relationsOf(
  trx: Transaction<Database>,
  userId: string,
  otherIds: readonly string[],
): Promise<rules.Relations> {
  if (otherIds.length === 0) return { contacts: new Set(), blockers: new Set() };
  const contacts = await trx
    .selectFrom('members as mine')
    .innerJoin('conversations as c', 'c.id', 'mine.conversation_id')
    .innerJoin('members as theirs', 'theirs.conversation_id', 'c.id')
    .select('theirs.user_id')
    .where('c.kind', '=', 'direct')
    .where('mine.user_id', '=', userId)
    .where('mine.state', '=', 'active')
    .where('theirs.user_id', 'in', [...otherIds])
    .where('theirs.state', '=', 'active')
    .execute();
  const blockers = await trx
    .selectFrom('blocks')
    .select('user_id')
    .where('blocked_user_id', '=', userId)
    .where('user_id', 'in', [...otherIds])
    .execute();
  return {
    contacts: new Set(contacts.map((row) => row.user_id)),
    blockers: new Set(blockers.map((row) => row.user_id)),
  };
}

export async function addMembers(
  ground: Ground,
  asker: Asker,
  conversationId: string,
  userIds: readonly string[],
): Promise<void> {
  await changeRoster(
    ground,
    conversationId,
    async (roster, trx) =>
      rules.add(roster, asker.userId, userIds, await relationsOf(trx, asker.userId, userIds)),
    (trx) => holdUsers(trx, userIds),
  );
}

export async function removeMember(
  ground: Ground,
  asker: Asker,
  conversationId: string,
  userId: string,
): Promise<void> {
  await changeRoster(ground, conversationId, (roster) => rules.remove(roster, asker.userId, userId));
}

export async function setRole(
  ground: Ground,
  asker: Asker,
  conversationId: string,
  userId: string,
  role: Role,
): Promise<void> {
  await changeRoster(ground, conversationId, (roster) =>
    rules.changeRole(roster, asker.userId, userId, role),
  );
}

export async function leave(ground: Ground, asker: Asker, conversationId: string): Promise<void> {
  await changeRoster(ground, conversationId, (roster) => rules.leave(roster, asker.userId));
}

export async function accept(ground: Ground, asker: Asker, conversationId: string): Promise<void> {
  await changeRoster(ground, conversationId, (roster) => rules.accept(roster, asker.userId));
}

export async function block(ground: Ground, asker: Asker, conversationId: string): Promise<void> {
  await changeRoster(ground, conversationId, async (roster, trx) => {
    const changes = rules.block(roster, asker.userId);
    const other = [...roster.members.keys()].find((userId) => userId !== asker.userId);
    if (roster.kind === 'direct' && other !== undefined)
      await storeBlock(trx, asker.userId, other, ground.now());
    return changes;
  });
}

/** Blocks a person, whether or not there is a conversation with them yet. */
export async function blockUser(ground: Ground, asker: Asker, userId: string): Promise<void> {
  if (userId === asker.userId) throw new AparteError('invalid_input');
  await ground.db.transaction().execute(async (trx) => {
    await holdUsers(trx, [userId]);
    await storeBlock(trx, asker.userId, userId, ground.now());
  });
  await changeDirect(ground, asker, userId, rules.block);
}

/** What was sent in between stays unread: it was encrypted for nobody here. */
export async function unblockUser(ground: Ground, asker: Asker, userId: string): Promise<void> {
  await ground.db
    .deleteFrom('blocks')
    .where('user_id', '=', asker.userId)
    .where('blocked_user_id', '=', userId)
    .execute();
  await changeDirect(ground, asker, userId, rules.unblock);
}

async function changeDirect(
  ground: Ground,
  asker: Asker,
  userId: string,
  rule: (roster: rules.Roster, userId: string) => rules.MemberChange[],
): Promise<void> {
  const conversationId = await directConversationId(asker.userId, userId);
  const known = await ground.db
    .selectFrom('members')
    .select('user_id')
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', asker.userId)
    .executeTakeFirst();
  if (known === undefined) return;
  // A device of theirs that is removed meanwhile raises the version of what it belongs to, which this one joins.
  const hold = (trx: Transaction<Database>) => holdUsers(trx, [asker.userId]);
  await changeRoster(ground, conversationId, (roster) => rule(roster, asker.userId), hold);
}

async function storeBlock(
  trx: Transaction<Database>,
  userId: string,
  blockedUserId: string,
  now: number,
): Promise<void> {
  await trx
    .insertInto('blocks')
    .values({ user_id: userId, blocked_user_id: blockedUserId, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
