import { expect, test } from 'vitest';
import type { ServerFrame } from '../lib/protocol/frames';
import { frameText } from './notices';

test('a signal is written as any frame is', () => {
  const frame = {
    t: 'activity',
    conversationId: 'a7c2f3d0-0000-4000-8000-000000000001',
    userId: 'a7c2f3d0-0000-4000-8000-000000000002',
    kind: 'typing',
  } satisfies ServerFrame;
  expect(frameText(frame)).toBe(JSON.stringify(frame));
});
