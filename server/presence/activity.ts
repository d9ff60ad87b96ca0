import type { ActivityKind } from '../../lib/protocol/frames';
import type { Asker, Ground } from '../ground';
import type { ListedMember } from './member-lists';

/**
 * Tells the conversation's other members, at once where they are known. Never stored; who may not write there is
 * ignored.
 */
export function tellActivity(
  ground: Ground,
  asker: Asker,
  activity: { conversationId: string; kind: ActivityKind },
): Promise<void> | undefined {
  const listed = ground.memberLists.of(activity.conversationId);
  if (listed instanceof Promise) return listed.then((members) => tell(ground, asker, activity, members));
  tell(ground, asker, activity, listed);
  return undefined;
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
