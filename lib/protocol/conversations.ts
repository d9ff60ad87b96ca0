import * as z from 'zod';
import { id } from './ids';
import { limits } from './limits';

export const conversationKind = z.enum(['direct', 'group']);
export type ConversationKind = z.infer<typeof conversationKind>;

/** `owner` may do all, `admin` adds and removes members, `member` writes. */
export const role = z.enum(['owner', 'admin', 'member']);
export type Role = z.infer<typeof role>;

/** `requested`: added by a stranger and not yet accepted; they read, and answer once they have accepted. */
export type MemberState = 'requested' | 'active' | 'left' | 'blocked';

export interface Member {
  userId: string;
  handle: string;
  role: Role;
  /** To others, one who has blocked looks as before. */
  state: MemberState;
  devicesVersion: number;
}

export interface Conversation {
  conversationId: string;
  kind: ConversationKind;
  /**
   * Grows with every change to the members, their roles and states, and their devices. A send names the version
   * that it was encrypted for; the server commits it only if that is still the version.
   */
  rosterVersion: number;
  lastSeq: number;
  /** The asker reads what comes after this number. */
  joinedSeq: number;
  createdBy: string;
  members: Member[];
}

/** What a device compares with its own state on connecting. */
export interface ConversationSummary {
  conversationId: string;
  rosterVersion: number;
  lastSeq: number;
  /** Server time of the message with this number; 0 where there is none. */
  lastAt: number;
}

export const createConversation = z.strictObject({
  conversationId: id,
  kind: conversationKind,
  /** Without the creator; exactly one for `direct`. */
  memberIds: z.array(id).max(limits.membersPerRequest),
});
export const addMembers = z.strictObject({
  conversationId: id,
  userIds: z.array(id).min(1).max(limits.membersPerRequest),
});
export const removeMember = z.strictObject({ conversationId: id, userId: id });
export const setRole = z.strictObject({ conversationId: id, userId: id, role });
export const conversationRef = z.strictObject({ conversationId: id });
