import { AparteDb, type ConversationRow, type MessageRow, type PersonRow } from '../lib/client/db';
import { borrowKey } from '../lib/client/key-ring';
import { makeBlocks } from '../lib/client/search-blocks';
import { dice } from '../tests/dice';

const openKey = async () => {
  const key = await borrowKey('cache');
  if (!key) throw new Error('the app is locked');
  return key;
};

/**
 * Runs in a page: fills the app's cache with the rows that years of use would have left there, through the app's own
 * modules, encrypted as always, and makes what is searched from them.
 */
window.fillCache = async ({ conversations, messages }) => {
  const db = new AparteDb(openKey);
  const session = await db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('nobody is signed in');
  const me = session.userId;
  const chance = dice(4);
  const pick = (below: number) => Math.floor(chance() * below);
  const id = () => crypto.randomUUID();
  // As in any language, few words are said often and most of them rarely.
  const words = Array.from({ length: 20_000 }, () => syllables(1 + pick(4), pick));
  const word = () => words[Math.floor(words.length ** chance()) - 1] ?? 'a';
  const sentence = () => Array.from({ length: 3 + pick(22) }, word).join(' ');
  const people: PersonRow[] = Array.from({ length: conversations }, (_, index) => ({
    userId: id(),
    handle: `person${index}`,
    name: `${syllables(2, pick)} ${syllables(3, pick)}`,
    nameAt: 1,
  }));
  await db.people.bulkPut(people);
  const start = Date.now() - 300 * 24 * 3600_000;
  let left = messages;
  for (let index = 0; index < conversations; index++) {
    // One conversation has a sixth of all, the next half as many, and most have few.
    const share = Math.max(20, Math.floor(messages / 6 / (index + 1)));
    const last = index === conversations - 1;
    const count = last ? left : Math.min(left - (conversations - index - 1) * 20, share);
    left -= count;
    const isGroup = index % 3 === 0;
    const others = isGroup ? people.slice(index, index + 3 + pick(8)) : [people[index] ?? people[0]];
    const memberIds = [me, ...others.flatMap((person) => person?.userId ?? [])];
    const conversationId = id();
    const rows: MessageRow[] = Array.from({ length: count }, (_, place) => {
      const senderId = memberIds[pick(memberIds.length)] ?? me;
      return {
        id: id(),
        conversationId,
        kind: 'text',
        order: place + 1,
        seq: place + 1,
        senderId,
        senderDeviceId: id(),
        at: start + Math.floor(((place + chance()) / count) * 299 * 24 * 3600_000),
        status: senderId === me ? 'sent' : 'received',
        failure: null,
        body: sentence(),
        replyTo: null,
        deleted: false,
        editSeq: 0,
        reactions: {},
        notice: null,
      };
    });
    const newest = rows.at(-1);
    const member = { state: 'active' as const, devicesVersion: 1 };
    const row: ConversationRow = {
      conversationId,
      kind: isGroup ? 'group' : 'direct',
      title: isGroup ? `Group ${syllables(3, pick)}` : null,
      titleSeq: 0,
      members: memberIds.map((userId) => ({ userId, role: 'member' as const, ...member })),
      myRole: 'member',
      myState: 'active',
      createdBy: me,
      rosterVersion: 1,
      joinedSeq: 0,
      cursor: count,
      lastSeq: count,
      readSeq: count,
      unread: 0,
      mustRotate: false,
      marks: {},
      preview: newest
        ? {
            messageId: newest.id,
            senderId: newest.senderId,
            kind: 'text',
            text: newest.body,
            at: newest.at,
            seq: count,
          }
        : null,
      draft: '',
      sortAt: newest?.at ?? start,
    };
    await db.transaction('rw', db.messages, db.conversations, async () => {
      await db.messages.bulkPut(rows);
      await db.conversations.put(row);
    });
  }
  while (await makeBlocks(db));
  const stored = { conversations: await db.conversations.count(), messages: await db.messages.count() };
  db.close();
  return { ...stored, words: words.slice(0, 400) };
};

function syllables(count: number, pick: (below: number) => number): string {
  const consonants = 'bcdfghjklmnprstvz';
  const vowels = ['a', 'e', 'i', 'o', 'u', 'é', 'ou', 'ai'];
  let made = '';
  for (let index = 0; index < count; index++)
    made += `${consonants[pick(consonants.length)]}${vowels[pick(vowels.length)]}`;
  return made;
}

declare global {
  interface Window {
    fillCache: (size: {
      conversations: number;
      messages: number;
    }) => Promise<{ conversations: number; messages: number; words: string[] }>;
  }
}
