import type { PresenceState } from '../../lib/protocol/frames';
import type { Db } from '../db/database';
import type { Asker, Ground } from '../ground';

/**
 * Passes a device's word on to the people of its user's conversations, or to one of them. Nothing is stored, and
 * whoever shares none is left out without a word, as one who does not exist.
 */
export async function tellPresence(
  ground: Ground,
  asker: Asker,
  presence: { state: PresenceState; toUserId: string | null },
): Promise<void> {
  const { state, toUserId } = presence;
  const toUserIds = await audience(ground.db, asker.userId, toUserId);
  if (toUserIds.length === 0) return;
  const broadcast = toUserId === null;
  ground.notices.presence({
    userId: asker.userId,
    state,
    broadcast,
    at: ground.now(),
    // The user's other devices hear it too: one that is looked at contradicts another's `away`.
    toUserIds: broadcast ? [...toUserIds, asker.userId] : toUserIds,
    exceptDeviceId: asker.deviceId,
  });
}

/** Who takes part with the user in a conversation that both have accepted, and neither has blocked the other. */
async function audience(db: Db, userId: string, only: string | null): Promise<string[]> {
  const rows = await db
    .selectFrom('members as mine')
    .innerJoin('members as theirs', 'theirs.conversation_id', 'mine.conversation_id')
    .select('theirs.user_id')
    .distinct()
    .where('mine.user_id', '=', userId)
    .where('mine.state', '=', 'active')
    .where('theirs.state', '=', 'active')
    .where('theirs.user_id', '!=', userId)
    .$if(only !== null, (query) => query.where('theirs.user_id', '=', only ?? ''))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('blocks')
            .select('blocks.user_id')
            .where(({ or, and, eb, ref }) =>
              or([
                and([
                  eb('blocks.user_id', '=', userId),
                  eb('blocks.blocked_user_id', '=', ref('theirs.user_id')),
                ]),
                and([
                  eb('blocks.blocked_user_id', '=', userId),
                  eb('blocks.user_id', '=', ref('theirs.user_id')),
                ]),
              ]),
            ),
        ),
      ),
    )
    .execute();
  return rows.map((row) => row.user_id);
}
