import type { ActivityKind } from '../../lib/protocol/frames';
import type { Asker, Ground } from '../ground';
import type { ListedMember } from './member-lists';

/** Tells the conversation's other members. Never stored; who may not write there is ignored. */
export async function tellActivity(
  ground: Ground,
  asker: Asker,
  activity: { conversationId: string; kind: ActivityKind },
): Promise<void> {
  const listed = ground.memberLists.of(activity.conversationId);
  tell(ground, asker, activity, listed instanceof Promise ? await listed : listed);
}

function tell(
  ground: Ground,
  { userId }: Asker,
  { conversationId, kind }: { conversationId: string; kind: ActivityKind },
  members: readonly ListedMember[],
): void {
  const toUserIds: string[] = [];
  let mayWrite = false;
  for (const member of members)
    if (member.userId !== userId) toUserIds.push(member.userId);
    else mayWrite = member.active;
  if (mayWrite) ground.notices.activity({ conversationId, userId, activity: kind, toUserIds });
}
