import type { ConversationKind, MemberState, Role } from '../../lib/protocol/conversations';
import { AparteError } from '../../lib/protocol/errors';
import { limits } from '../../lib/protocol/limits';

/** The rules of who may change what. Pure: they read a roster and answer with the changes, or refuse. */
export interface RosterMember {
  readonly userId: string;
  readonly role: Role;
  readonly state: MemberState;
  readonly joinedAt: number;
}

export interface Roster {
  readonly kind: ConversationKind;
  readonly members: ReadonlyMap<string, RosterMember>;
}

export interface MemberChange {
  readonly userId: string;
  readonly role: Role;
  readonly state: MemberState;
}

/** How the people to be added stand to the one who adds. */
export interface Relations {
  /** Share an accepted direct conversation with the adder. */
  readonly contacts: ReadonlySet<string>;
  /** Have blocked the adder. */
  readonly blockers: ReadonlySet<string>;
}

export const isCurrent = (state: MemberState | undefined) => state === 'active' || state === 'requested';

/** Refuses with `not_found` who never was a member, with `forbidden` who is not an active one. */
function requireActive(roster: Roster, userId: string): RosterMember {
  const member = requireMember(roster, userId);
  if (member.state !== 'active') throw new AparteError('forbidden');
  return member;
}

function requireMember(roster: Roster, userId: string): RosterMember {
  const member = roster.members.get(userId);
  if (member === undefined) throw new AparteError('not_found');
  return member;
}

function requireGroup(roster: Roster): void {
  if (roster.kind !== 'group') throw new AparteError('forbidden');
}

/** A one-to-one conversation is made, met from the other side, or taken up again after one has left. */
export function startDirect(
  roster: Roster,
  creatorId: string,
  otherId: string,
  relations: Relations,
): MemberChange[] {
  const mine = roster.members.get(creatorId);
  const theirs = roster.members.get(otherId);
  if (relations.blockers.has(otherId) || mine?.state === 'blocked') throw new AparteError('forbidden');
  const changes: MemberChange[] = [];
  if (mine?.state !== 'active') changes.push({ userId: creatorId, role: 'owner', state: 'active' });
  if (!isCurrent(theirs?.state)) changes.push({ userId: otherId, role: 'member', state: 'requested' });
  return changes;
}

/** A new group. Its creator is the owner. */
export function startGroup(
  creatorId: string,
  memberIds: readonly string[],
  relations: Relations,
): MemberChange[] {
  const others = [...new Set(memberIds)].filter((userId) => userId !== creatorId);
  return [
    { userId: creatorId, role: 'owner', state: 'active' },
    ...others.map((userId) => addition(userId, relations)),
  ];
}

function addition(userId: string, relations: Relations): MemberChange {
  if (relations.blockers.has(userId)) throw new AparteError('forbidden');
  return { userId, role: 'member', state: relations.contacts.has(userId) ? 'active' : 'requested' };
}

export function add(
  roster: Roster,
  actorId: string,
  userIds: readonly string[],
  relations: Relations,
): MemberChange[] {
  const actor = requireActive(roster, actorId);
  requireGroup(roster);
  if (actor.role === 'member') throw new AparteError('forbidden');
  const added = [...new Set(userIds)].filter((userId) => !isCurrent(roster.members.get(userId)?.state));
  const current = [...roster.members.values()].filter((member) => isCurrent(member.state)).length;
  if (current + added.length > limits.membersPerGroup) throw new AparteError('group_full');
  return added.map((userId) => addition(userId, relations));
}

/** Owners remove anyone, admins remove members. To remove oneself is to leave. */
export function remove(roster: Roster, actorId: string, userId: string): MemberChange[] {
  if (actorId === userId) return leave(roster, actorId);
  const actor = requireActive(roster, actorId);
  requireGroup(roster);
  const target = requireMember(roster, userId);
  const may = actor.role === 'owner' || (actor.role === 'admin' && target.role === 'member');
  if (!may) throw new AparteError('forbidden');
  return isCurrent(target.state) ? [{ userId, role: target.role, state: 'left' }] : [];
}

/** Owners only. A group keeps an owner: the last one cannot step down (`conflict`), only leave. */
export function changeRole(roster: Roster, actorId: string, userId: string, role: Role): MemberChange[] {
  const actor = requireActive(roster, actorId);
  requireGroup(roster);
  if (actor.role !== 'owner') throw new AparteError('forbidden');
  const target = requireMember(roster, userId);
  if (!isCurrent(target.state)) throw new AparteError('not_found');
  if (target.role === role) return [];
  if (target.role === 'owner' && otherOwners(roster, userId).length === 0) throw new AparteError('conflict');
  return [{ userId, role, state: target.state }];
}

/** When the last owner leaves, the oldest admin follows, or else the oldest member; who has accepted goes first. */
export function leave(roster: Roster, userId: string): MemberChange[] {
  const member = requireMember(roster, userId);
  if (!isCurrent(member.state)) return [];
  const left: MemberChange = { userId, role: member.role, state: 'left' };
  if (roster.kind === 'direct' || member.role !== 'owner' || otherOwners(roster, userId).length > 0)
    return [left];
  const heir = [...roster.members.values()]
    .filter((other) => other.userId !== userId && isCurrent(other.state))
    .sort((a, b) => rank(a) - rank(b) || a.joinedAt - b.joinedAt || (a.userId < b.userId ? -1 : 1))[0];
  return heir === undefined ? [left] : [left, { userId: heir.userId, role: 'owner', state: heir.state }];
}

const rank = (member: RosterMember) =>
  (member.state === 'active' ? 0 : 2) + (member.role === 'admin' ? 0 : 1);

function otherOwners(roster: Roster, userId: string): RosterMember[] {
  return [...roster.members.values()].filter(
    (member) => member.userId !== userId && member.role === 'owner' && isCurrent(member.state),
  );
}

export function accept(roster: Roster, userId: string): MemberChange[] {
  const member = requireMember(roster, userId);
  if (!isCurrent(member.state)) throw new AparteError('forbidden');
  return member.state === 'requested' ? [{ userId, role: member.role, state: 'active' }] : [];
}

/** One-to-one: nothing more comes, and the other does not notice. A group is simply left. */
export function block(roster: Roster, userId: string): MemberChange[] {
  const member = requireMember(roster, userId);
  if (roster.kind === 'group') return leave(roster, userId);
  return member.state === 'blocked' ? [] : [{ userId, role: member.role, state: 'blocked' }];
}

export function unblock(roster: Roster, userId: string): MemberChange[] {
  const member = requireMember(roster, userId);
  return member.state === 'blocked' ? [{ userId, role: member.role, state: 'active' }] : [];
}
