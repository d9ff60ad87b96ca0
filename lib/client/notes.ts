import * as z from 'zod';
import type { KnownIdentity } from '../crypto/types';
import { id } from '../protocol/ids';
import { limits } from '../protocol/limits';
import type { EarlyEnvelope } from '../protocol/messages';
import type { AlertRule } from './alerts';
import { backoffMs } from './connection-state';
import type { AparteDb, ConversationRow, TellingRow } from './db';
import { lookAtDevices } from './devices';
import type { Environment } from './environment';
import { presenceShown } from './queries';
import type { ReadingHint } from './reading-hint';
import { addressed, ReadingTeller, sendNote } from './reading-teller';
import { readUpTo } from './unread';
import type { Work } from './work';

/** So much is told at once; an envelope holds it. */
const tellingsPerNote = 20;
/** A note is filled up to a multiple of this, so that its size does not tell what is in it. */
const paddingStep = 1_024;
/** No change waits longer than this for its writer to pause. */
const longestWaitMs = 60_000;
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

/** Of what a conversation's owner is told, as the account's devices tell it to each other. */
export const toldAlertRule = z.object({
  mutedUntil: z.number().min(0),
  mentionsOnly: z.boolean(),
  at: stamp,
});

/** Whether others see when the owner is here. */
export const toldPresence = z.object({ shown: z.boolean(), at: stamp });

/**
 * What the devices of an account tell each other. Each part is a state, not a step: told twice or in another order it
 * comes to the same. Reads only grow; of drafts and decisions the one with the later stamp stands.
 */
const note = z.object({
  v: z.literal(1),
  reads: z.record(id, z.int().min(0)),
  drafts: z.record(id, z.object({ text: z.string().max(limits.textMaxLength), at: stamp })),
  /** Not in notes of earlier versions. */
  alerts: z.record(id, toldAlertRule).default({}),
  /** The owner's name, as all their devices sign with it. Not in notes of earlier versions. */
  name: z.object({ text: z.string().max(limits.nameMaxLength), at: stamp }).optional(),
  /** Not in notes of earlier versions. */
  presence: toldPresence.optional(),
  identities: z.array(toldIdentity),
  padding: z.string(),
});
type Note = z.infer<typeof note>;

/** Tells the other devices of the account what has changed here. */
export class Notes {
  /** After a failure nothing is tried until then. */
  #cancelRetry: (() => void) | null = null;
  /** When a draft is due; what is due before goes at once. */
  #cancelDue: (() => void) | null = null;
  #tries = 0;
  /** Tells of a reading before it is stored. */
  readonly reading: ReadingTeller;

  constructor(
    private readonly job: Work,
    private readonly kick: () => void,
  ) {
    this.reading = new ReadingTeller(job, (read) =>
      padded({ ...emptyNote(), reads: read ? { [read.conversationId]: read.seq } : {} }),
    );
  }

  async stop(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelDue?.();
    await this.reading.stop();
  }

  /** A new connection: what waited for a better time need not wait. */
  hurry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#tries = 0;
  }

  /**
   * Tells what is being read at once, unless there is a reason to wait: `flush` tells it when it is stored.
   * @returns when it is told, or takes its time, or is not to be told now; never rejects
   */
  async tellReading(reading: ReadingHint): Promise<void> {
    if (!this.#cancelRetry && this.job.online()) await this.reading.tell(reading);
  }

  /** Tells all there is to tell. What could not be told now stays, and is tried again. */
  async flush(): Promise<void> {
    if (this.#cancelRetry) return;
    await this.reading.settled;
    try {
      while (this.job.online() && (await this.#tellOnce()));
      this.#tries = 0;
    } catch (error) {
      const { after, random } = this.job.environment;
      this.#cancelRetry ??= after(backoffMs(this.#tries++, random()), () => {
        this.#cancelRetry = null;
        this.kick();
      });
      throw error;
    }
  }

  #lookAgainIn(ms: number): void {
    this.#cancelDue?.();
    this.#cancelDue = this.job.environment.after(ms, () => this.kick());
  }

  /** @returns whether there may be more */
  async #tellOnce(): Promise<boolean> {
    const { db } = this.job.environment;
    const [under, waiting, known] = await Promise.all([
      db.readMeta('note'),
      db.tellings.toArray(),
      db.readMeta('devices'),
    ]);
    const sealed = under ?? (await this.#seal(await this.#untold(waiting), known?.version));
    if (!sealed) return false;
    // The same bytes after a lost answer: what the others have opened once, they pass over.
    if (!(await sendNote(this.job, sealed))) {
      await lookAtDevices(this.job);
      await db.meta.delete('note');
      return true;
    }
    await this.#settle(sealed.told);
    return true;
  }

  /** What was told need not be told again, unless it has changed since. */
  async #settle(told: Pick<TellingRow, 'key' | 'version'>[]): Promise<void> {
    const { db } = this.job.environment;
    await db.transaction('rw', db.tellings, db.meta, async () => {
      for (const { key, version } of told)
        await db.tellings
          .where('key')
          .equals(key)
          .filter((row) => row.version === version)
          .delete();
      await db.meta.delete('note');
    });
  }

  /** What waits without the readings that were told at once. */
  async #untold(waiting: TellingRow[]): Promise<TellingRow[]> {
    const reads = waiting.filter((row) => row.kind === 'read' && this.reading.toldUpTo(row.about) > 0);
    if (reads.length === 0) return waiting;
    const rows = await this.job.environment.db.conversations.bulkGet(reads.map((row) => row.about));
    const told = reads.filter(
      (row, index) => (rows[index]?.readSeq ?? 0) <= this.reading.toldUpTo(row.about),
    );
    await this.#settle(told);
    return waiting.filter((row) => !told.includes(row));
  }

  /** Encrypts what waits, and stores the bytes before they are sent. `null`: nothing waits that may go now. */
  async #seal(waiting: TellingRow[], knownVersion: number | undefined) {
    const { environment, machine } = this.job;
    const { db, now } = environment;
    // A time further away than anybody asks for was set by a clock that has been put right since.
    const due = ({ notBefore }: TellingRow) => notBefore <= now() || notBefore > now() + longestWaitMs;
    const ready = waiting.filter(due).slice(0, tellingsPerNote);
    if (ready.length === 0) {
      const next = Math.min(...waiting.map((row) => row.notBefore));
      if (waiting.length > 0) this.#lookAgainIn(Math.max(1, next - now()));
      return null;
    }
    if (knownVersion === undefined) await lookAtDevices(this.job);
    const devicesVersion = knownVersion ?? (await db.readMeta('devices'))?.version ?? 1;
    const note = await machine.sealNote(padded(await noteOf(db, ready)));
    const unready = note.withheld.some(({ reason }) => reason === 'no_session');
    if (unready && this.#tries < unreadyTries) throw new Error('a device could not be reached');
    const sealed = {
      devicesVersion,
      envelopes: addressed(note),
      shareIds: note.shareIds,
      told: ready.map(({ key, version }) => ({ key, version })),
    };
    await db.writeMeta('note', sealed);
    return sealed;
  }
}

const emptyNote = (): Note => ({ v: 1, reads: {}, drafts: {}, alerts: {}, identities: [], padding: '' });

async function noteOf(db: AparteDb, rows: TellingRow[]): Promise<Note> {
  const made = emptyNote();
  const about = (...kinds: TellingRow['kind'][]) =>
    rows.filter((row) => kinds.includes(row.kind)).map((row) => row.about);
  const [conversations, identities] = await Promise.all([
    db.conversations.bulkGet(about('read', 'draft', 'alerts')),
    db.identities.bulkGet(about('identity')),
  ]);
  made.identities = identities.flatMap((known) => (known ? pickIdentity(known) : []));
  const me = about('name').length > 0 ? await db.readMeta('session') : undefined;
  if (me?.state === 'signed_in') made.name = { text: me.name, at: (await db.readMeta('nameAt')) ?? '' };
  if (about('presence').length > 0) made.presence = await presenceOf(db);
  for (const conversation of conversations) {
    if (!conversation) continue;
    const { conversationId, readSeq, draft, draftAt, alertRule } = conversation;
    const tells = (kind: TellingRow['kind']) =>
      rows.some((row) => row.kind === kind && row.about === conversationId);
    if (tells('read')) made.reads[conversationId] = readSeq;
    if (tells('draft')) made.drafts[conversationId] = { text: draft, at: draftAt ?? '' };
    if (tells('alerts') && alertRule) made.alerts[conversationId] = alertRule;
  }
  return made;
}

export const presenceOf = async (db: AparteDb): Promise<z.infer<typeof toldPresence>> => ({
  shown: await presenceShown(db),
  at: (await db.readMeta('presenceShownAt')) ?? '',
});

/** Inside a transaction over `meta`. */
export async function takePresence(db: AparteDb, { shown, at }: z.infer<typeof toldPresence>): Promise<void> {
  if (at <= ((await db.readMeta('presenceShownAt')) ?? '')) return;
  await db.writeMeta('presenceShown', shown);
  await db.writeMeta('presenceShownAt', at);
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

/** What another device is telling and is not stored anywhere yet: its readings are shown, and nothing is kept of it. */
export async function hearEarly({ environment, machine }: Work, envelope: EarlyEnvelope): Promise<void> {
  const text = await machine.openNote(envelope);
  const told = note.safeParse(text === null ? undefined : parseJson(text));
  // It comes as an envelope too: whoever cannot read it yet says so then.
  if (told.success) tellReads(environment, told.data);
}

function tellReads(environment: Environment, { reads }: Note): void {
  for (const [conversationId, seq] of Object.entries(reads))
    environment.tellReadElsewhere({ conversationId, seq });
}

/** Takes in what other devices of the account have told. What is no note is passed over. */
export async function takeNotes(work: Work, texts: string[]): Promise<void> {
  for (const text of texts) {
    const parsed = note.safeParse(parseJson(text));
    if (parsed.success) await takeNote(work, parsed.data);
    else work.environment.log('a note could not be read');
  }
}

async function takeNote(work: Work, told: Note): Promise<void> {
  const { environment, machine, me } = work;
  const { reads, drafts, alerts, name, presence, identities } = told;
  const { db } = environment;
  tellReads(environment, told);
  await db.transaction('rw', db.conversations, db.messages, db.meta, async () => {
    for (const [conversationId, seq] of Object.entries(reads)) {
      const conversation = await db.conversations.get(conversationId);
      if (conversation) {
        await readUpTo(db, conversation, seq, async () => me.userId);
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
    if (name) {
      await seeStamp(db, name.at);
      const session = await db.readMeta('session');
      if (session?.state === 'signed_in' && name.at > ((await db.readMeta('nameAt')) ?? '')) {
        await db.writeMeta('session', { ...session, name: name.text });
        await db.writeMeta('nameAt', name.at);
      }
    }
    if (presence) {
      await seeStamp(db, presence.at);
      await takePresence(db, presence);
    }
    for (const [conversationId, alertRule] of Object.entries(alerts)) {
      await seeStamp(db, alertRule.at);
      const later = (row: { alertRule?: AlertRule | undefined }) => alertRule.at > (row.alertRule?.at ?? '');
      const conversation = await db.conversations.get(conversationId);
      if (!conversation) await arrive(db, conversationId, (row) => (later(row) ? { alertRule } : {}));
      else if (later(conversation)) await db.conversations.update(conversationId, { alertRule });
    }
    for (const { decidedAt } of identities) await seeStamp(db, decidedAt);
  });
  for (const one of identities) {
    const known = await db.identities.get(one.userId);
    if (one.userId === me.userId || (known && known.decidedAt >= one.decidedAt)) continue;
    await machine.learnIdentity({
      userId: one.userId,
      masterKey: one.masterKey,
      verification: one.verification,
    });
    await db.identities.update(one.userId, { decidedAt: one.decidedAt });
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
