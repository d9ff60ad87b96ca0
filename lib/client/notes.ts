import { z } from 'zod';
import type { KnownIdentity } from '../crypto/types';
import { id } from '../protocol/ids';
import { limits } from '../protocol/limits';
import { backoffMs } from './connection-state';
import type { AparteDb, ConversationRow, TellingRow } from './db';
import { lookAtDevices } from './devices';
import { readUpTo } from './unread';
import type { Work } from './work';

/** So much is told at once; an envelope holds it. */
const tellingsPerNote = 20;
/** A note is filled up to a multiple of this, so that its size does not tell what is in it. */
const paddingStep = 1_024;
/** Tries to reach all devices before a note goes without one: what it missed comes with the next change. */
const unreadyTries = 3;

const stamp = z.string().max(80);
/** An identity that the account goes by, as its devices tell it to each other. */
export const toldIdentity = z.object({
  userId: id,
  masterKey: z.string().max(100),
  verification: z.record(z.string().max(100), z.string().max(200)).nullable(),
  decidedAt: stamp,
});

/**
 * What the devices of an account tell each other. Each part is a state, not a step: told twice or in another order it
 * comes to the same. Reads only grow; of drafts and decisions the one with the later stamp stands.
 */
const note = z.object({
  v: z.literal(1),
  reads: z.record(id, z.int().min(0)),
  drafts: z.record(id, z.object({ text: z.string().max(limits.textMaxLength), at: stamp })),
  identities: z.array(toldIdentity),
  padding: z.string(),
});
type Note = z.infer<typeof note>;

/** Tells the other devices of the account what has changed here. */
export class Notes {
  #cancelTimer: (() => void) | null = null;
  #tries = 0;

  constructor(
    private readonly job: Work,
    private readonly kick: () => void,
  ) {}

  stop(): void {
    this.#cancelTimer?.();
  }

  /** A new connection: what waited for a better time need not wait. */
  hurry(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#tries = 0;
  }

  /** Tells all there is to tell. What could not be told now stays, and is tried again. */
  async flush(): Promise<void> {
    if (this.#cancelTimer) return;
    try {
      while (this.job.online() && (await this.#tellOnce()));
      this.#tries = 0;
    } catch (error) {
      const { after, random } = this.job.environment;
      this.#wait(after, backoffMs(this.#tries++, random()));
      throw error;
    }
  }

  #wait(after: Work['environment']['after'], ms: number): void {
    this.#cancelTimer ??= after(ms, () => {
      this.#cancelTimer = null;
      this.kick();
    });
  }

  /** @returns whether there may be more */
  async #tellOnce(): Promise<boolean> {
    const { db } = this.job.environment;
    const sealed = (await db.readMeta('note')) ?? (await this.#seal());
    if (!sealed) return false;
    const { devicesVersion, envelopes, told } = sealed;
    if (envelopes.length > 0) {
      // The same bytes after a lost answer: what the others have opened once, they pass over.
      const result = await this.job.tell({ devicesVersion, envelopes });
      if (result.status === 'stale') {
        await lookAtDevices(this.job);
        await db.meta.delete('note');
        return true;
      }
    }
    await db.transaction('rw', db.tellings, db.meta, async () => {
      for (const { key, version } of told)
        await db.tellings
          .where('key')
          .equals(key)
          .filter((row) => row.version === version)
          .delete();
      await db.meta.delete('note');
    });
    return true;
  }

  /** Encrypts what waits, and stores the bytes before they are sent. `null`: nothing waits that may go now. */
  async #seal() {
    const { environment, machine } = this.job;
    const { db, now } = environment;
    const waiting = await db.tellings.toArray();
    const ready = waiting.filter((row) => row.notBefore <= now()).slice(0, tellingsPerNote);
    if (ready.length === 0) {
      const next = Math.min(...waiting.map((row) => row.notBefore));
      if (waiting.length > 0) this.#wait(environment.after, Math.max(1, next - now()));
      return null;
    }
    let devices = await db.readMeta('devices');
    if (!devices) {
      await lookAtDevices(this.job);
      devices = await db.readMeta('devices');
    }
    const { envelopes, withheld } = await machine.sealNote(padded(await noteOf(db, ready)));
    const unready = withheld.some((device) => device.reason === 'no_session');
    if (unready && this.#tries < unreadyTries) throw new Error('a device could not be reached');
    const sealed = {
      devicesVersion: devices?.version ?? 1,
      envelopes: envelopes.map(({ recipientDeviceId, type, content }) => ({
        recipientDeviceId,
        type,
        content,
      })),
      told: ready.map(({ key, version }) => ({ key, version })),
    };
    await db.writeMeta('note', sealed);
    return sealed;
  }
}

async function noteOf(db: AparteDb, rows: TellingRow[]): Promise<Note> {
  const made: Note = { v: 1, reads: {}, drafts: {}, identities: [], padding: '' };
  for (const { kind, about } of rows) {
    if (kind === 'identity') {
      const known = await db.identities.get(about);
      if (known) made.identities.push(pickIdentity(known));
      continue;
    }
    const conversation = await db.conversations.get(about);
    if (!conversation) continue;
    if (kind === 'read') made.reads[about] = conversation.readSeq;
    else made.drafts[about] = { text: conversation.draft, at: conversation.draftAt ?? '' };
  }
  return made;
}

export const pickIdentity = ({
  userId,
  masterKey,
  verification,
  decidedAt,
}: KnownIdentity & { decidedAt: string }) => ({ userId, masterKey, verification, decidedAt });

function padded(made: Note): string {
  const bytes = new TextEncoder().encode(JSON.stringify(made)).length;
  return JSON.stringify({
    ...made,
    padding: ' '.repeat((paddingStep - (bytes % paddingStep)) % paddingStep),
  });
}

/** Takes in what other devices of the account have told. What is no note is passed over. */
export async function takeNotes(work: Work, texts: string[]): Promise<void> {
  for (const text of texts) {
    const parsed = note.safeParse(parseJson(text));
    if (parsed.success) await takeNote(work, parsed.data);
    else work.environment.log('a note could not be read');
  }
}

async function takeNote(work: Work, { reads, drafts, identities }: Note): Promise<void> {
  const { environment, machine, me } = work;
  const { db } = environment;
  await db.transaction('rw', db.conversations, db.messages, db.meta, async () => {
    for (const [conversationId, seq] of Object.entries(reads)) {
      const conversation = await db.conversations.get(conversationId);
      if (conversation) {
        await readUpTo(db, conversation, seq, me.userId);
        await db.conversations.put(conversation);
      } else await arrive(db, conversationId, (row) => ({ readSeq: Math.max(row.readSeq ?? 0, seq) }));
    }
    for (const [conversationId, { text: draft, at: draftAt }] of Object.entries(drafts)) {
      await seeStamp(db, draftAt);
      const later = (row: { draftAt?: string }) => draftAt > (row.draftAt ?? '');
      const conversation = await db.conversations.get(conversationId);
      if (!conversation) await arrive(db, conversationId, (row) => (later(row) ? { draft, draftAt } : {}));
      else if (later(conversation)) await db.conversations.update(conversationId, { draft, draftAt });
    }
    for (const { decidedAt } of identities) await seeStamp(db, decidedAt);
  });
  for (const told of identities) {
    const known = await db.identities.get(told.userId);
    if (told.userId === me.userId || (known && known.decidedAt >= told.decidedAt)) continue;
    await machine.learnIdentity({
      userId: told.userId,
      masterKey: told.masterKey,
      verification: told.verification,
    });
    await db.identities.update(told.userId, { decidedAt: told.decidedAt });
  }
}

/** Kept for a conversation that the server has not told this device of yet. */
async function arrive(
  db: AparteDb,
  conversationId: string,
  change: (row: Partial<ConversationRow>) => Partial<ConversationRow>,
): Promise<void> {
  const arriving = (await db.readMeta('arriving')) ?? { conversations: {} };
  const row = arriving.conversations[conversationId] ?? {};
  arriving.conversations[conversationId] = { ...row, ...change(row) };
  await db.writeMeta('arriving', arriving);
}

/** What is stamped here from now on is later than this. */
async function seeStamp(db: AparteDb, seen: string): Promise<void> {
  if (seen > ((await db.readMeta('clock')) ?? '')) await db.writeMeta('clock', seen);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a note: the schema refuses `undefined` like any other wrong form.
    return undefined;
  }
}
