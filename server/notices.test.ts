import { expect, test } from 'vitest';
import { activityKind, type ServerFrame } from '../lib/protocol/frames';
import type { Delivery } from './broker';
import { createMemoryBroker } from './broker-memory';
import { createNotices, frameText } from './notices';

test('a signal is written as any frame is', () => {
  const delivered: Delivery[] = [];
  const node = {
    size: 0,
    deliver: (one: Delivery) => delivered.push(one),
    sessions: () => [],
    sessionsOf: () => [],
  };
  const conversationId = 'a7c2f3d0-0000-4000-8000-000000000001';
  const userId = 'a7c2f3d0-0000-4000-8000-000000000002';
  const notices = createNotices(createMemoryBroker(node), () => undefined);
  for (const kind of activityKind.options) {
    notices.activity({ conversationId, userId, activity: kind, toUserIds: ['other'] });
    const frame = { t: 'activity', conversationId, userId, kind } satisfies ServerFrame;
    expect(delivered.pop()).toMatchObject({ kind: 'frames', userIds: ['other'], frame: frameText(frame) });
  }
});
