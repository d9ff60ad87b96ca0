import type { Asker, Ground } from '../ground';

/** Tells the conversation's other members. Never stored; who may not write there is ignored. */
export async function tellTyping(ground: Ground, asker: Asker, conversationId: string): Promise<void> {
  const members = await ground.db
    .selectFrom('members')
    .select(['user_id', 'state'])
    .where('conversation_id', '=', conversationId)
    .where('state', 'in', ['active', 'requested'])
    .execute();
  const mine = members.find((member) => member.user_id === asker.userId);
  if (mine?.state !== 'active') return;
  const toUserIds = members.map((member) => member.user_id).filter((userId) => userId !== asker.userId);
  ground.notices.typing({ conversationId, userId: asker.userId, toUserIds });
}
