import type { ActivityKind } from '../../lib/protocol/frames';
import type { Asker, Ground } from '../ground';

/** Tells the conversation's other members. Never stored; who may not write there is ignored. */
export async function tellActivity(
  ground: Ground,
  asker: Asker,
  activity: { conversationId: string; kind: ActivityKind },
): Promise<void> {
  const { conversationId, kind } = activity;
  const members = await ground.db
    .selectFrom('members')
    .select(['user_id', 'state'])
    .where('conversation_id', '=', conversationId)
    .where('state', 'in', ['active', 'requested'])
    .execute();
  const mine = members.find((member) => member.user_id === asker.userId);
  if (mine?.state !== 'active') return;
  const toUserIds = members.map((member) => member.user_id).filter((userId) => userId !== asker.userId);
  ground.notices.activity({ conversationId, userId: asker.userId, activity: kind, toUserIds });
}
