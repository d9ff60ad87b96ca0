/** What a person is found by: lower case, starts with a letter, 3 to 30 characters. */
export const handlePattern = /^[a-z][a-z0-9_.]{2,29}$/;

/** What a person types becomes a handle: an `@` in front and capitals do not matter. */
export function normalizeHandle(typed: string): string {
  return typed.trim().replace(/^@/, '').toLowerCase();
}

/**
 * The id of the one-to-one conversation of two users: SHA-256 of both ids in order, as a UUID of version 8
 * (RFC 9562, section 5.8). Both devices derive the same id, so two people who start at the same moment meet
 * in one conversation, and one can be started without a network.
 */
export async function directConversationId(userId: string, otherUserId: string): Promise<string> {
  const pair = [userId, otherUserId].sort().join('|');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`aparte-direct|${pair}`));
  const bytes = new Uint8Array(digest).slice(0, 16);
  const view = new DataView(bytes.buffer);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x80);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
