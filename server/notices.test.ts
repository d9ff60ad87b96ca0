import { expect, test } from 'vitest';
import { activityKind, type ServerFrame } from '../lib/protocol/frames';
import type { Delivery } from './broker';
import { createMemoryBroker } from './broker-memory';
import { createNotices, frameText } from './notices';

const conversationId = 'a7c2f3d0-0000-4000-8000-000000000001';
const userId = 'a7c2f3d0-0000-4000-8000-000000000002';

function listening() {
  const delivered: Delivery[] = [];
  const node = {
    size: 0,
    deliver: (one: Delivery) => delivered.push(one),
    sessions: () => [],
    sessionsOf: () => [],
  };
  return { delivered, notices: createNotices(createMemoryBroker(node), () => undefined) };
}

test('a signal is written as any frame is', () => {
  const { delivered, notices } = listening();
  for (const kind of activityKind.options) {
    notices.activity({ conversationId, userId, activity: kind, toUserIds: ['other'] });
    const frame = { t: 'activity', conversationId, userId, kind } satisfies ServerFrame;
    expect(delivered.pop()).toMatchObject({ kind: 'frames', userIds: ['other'], frame: frameText(frame) });
  }
});

test('a message is written as any frame is, whatever its ciphertext', () => {
  const { delivered, notices } = listening();
  const ids = { conversationId, clientId: userId, senderUserId: userId, senderDeviceId: conversationId };
  for (const ciphertext of ['{"a":"b\\n"}\n', '\ud800 \u2028 \u0007 ü', 'plain']) {
    const message = { ...ids, ciphertext, at: 1_764_000_000_123, seq: 7 };
    const times = { receivedAt: 1, committedAt: 2 };
    notices.committed({ userIds: ['other'], frame: { t: 'message', message }, envelopes: [], times });
    const said = delivered.pop();
    expect(said?.kind === 'frames' && JSON.parse(said.frame)).toEqual({ t: 'message', message });
  }
});
