import type { PreKeyState } from '../crypto/types';
import type { SyncState } from '../protocol/accounts';
import type { ServerFrame } from '../protocol/frames';
import type { Message } from '../protocol/messages';
import type { EnvelopePage, Inbox } from './inbox';
import { refreshConversations } from './roster';
import { noteServerTime } from './server-clock';
import type { Work } from './work';

/** Frames that wait beyond this are dropped: the cursors bring what they told. */
const framesBound = 2_000;
/** Marks are asked for from a little before the last time, for commits that were under way then. */
const marksOverlapMs = 60_000;

/**
 * Decides what to do with what arrives: frames are hints, worked off in order and in batches; whatever does not
 * follow the cursor is pulled. `work` runs one at a time.
 */
export class Intake {
  #frames: ServerFrame[] = [];
  #catchUp = false;
  /** In the order to pull them in, with the last number that the server told of; 0: unknown. */
  readonly #behind = new Map<string, number>();
  readonly #stale = new Map<string, number>();
  #envelopesMissed = false;
  /** Of the last comparison, what nobody waits for: it is taken in after the newest messages. */
  #rest: Pick<SyncState, 'marks' | 'at'> | null = null;
  /**
   * What the server said last of the prekeys that are left. Of several words the last counts: the machine fills up what
   * each says to be missing.
   */
  #preKeys: PreKeyState | null = null;

  #since: Promise<number> | null = null;

  constructor(
    private readonly job: Work,
    private readonly inbox: Inbox,
  ) {
    // Now, while the connection is made: the first question would wait for it.
    this.#marksSince().catch(() => undefined);
  }

  /** Up to when marks were taken in. Nobody else writes it. */
  #marksSince(): Promise<number> {
    this.#since ??= this.job.environment.db.readMeta('marksSince').then(
      (since) => since ?? 0,
      (error: unknown) => {
        this.#since = null;
        throw error;
      },
    );
    return this.#since;
  }

  /** Frames may have been missed: compare with the server. */
  catchUp(): void {
    this.#catchUp = true;
  }

  behind(conversationId: string): void {
    this.#noteBehind(conversationId, 0);
  }

  take(frame: ServerFrame): void {
    if (frame.t === 'keys') this.#preKeys = frame;
    else if (this.#frames.length < framesBound) this.#frames.push(frame);
    else this.#catchUp = true;
  }

  /** @throws what the network or the server answered; what was not done stays to do */
  async work(): Promise<void> {
    for (;;) {
      if (this.#catchUp) await this.#takeNewState();
      const frames = this.#frames;
      this.#frames = [];
      await this.#takeFrames(frames);
      if (this.#envelopesMissed) {
        await this.inbox.pullEnvelopes();
        this.#envelopesMissed = false;
      }
      try {
        await this.#mend(this.#stale, (stale) => refreshConversations(this.job, [...stale.keys()]));
        await this.#mend(this.#behind, async (behind) => {
          // It was committed after the envelopes were asked for, and before the numbers were.
          if ((await this.inbox.pullConversations(behind)) === 'keyless') this.#envelopesMissed = true;
        });
      } finally {
        // Also for one who never comes to the end of that: without prekeys nobody could write to them.
        await this.#takeRest();
      }
      if (this.#frames.length === 0 && !this.#catchUp && !this.#envelopesMissed && !this.#preKeys) return;
    }
  }

  /** Taken back before the question: a connection that is replaced while the answer travels asks again. */
  async #takeNewState(): Promise<void> {
    this.#catchUp = false;
    try {
      await this.#takeState();
    } catch (error) {
      this.#catchUp = true;
      throw error;
    }
  }

  /** Emptied before the question: what is noted while the answer travels is newer than the answer. */
  async #mend(
    noted: Map<string, number>,
    mend: (noted: ReadonlyMap<string, number>) => Promise<void>,
  ): Promise<void> {
    const mending = new Map(noted);
    if (mending.size === 0) return;
    noted.clear();
    try {
      await mend(mending);
    } catch (error) {
      for (const [conversationId, lastSeq] of mending)
        noted.set(conversationId, Math.max(lastSeq, noted.get(conversationId) ?? 0));
      throw error;
    }
  }

  #noteBehind(conversationId: string, lastSeq: number): void {
    this.#behind.set(conversationId, Math.max(lastSeq, this.#behind.get(conversationId) ?? 0));
  }

  /** Compares this device's cursors with the server's, and notes what differs. */
  async #takeState(): Promise<void> {
    const { db, api, now } = this.job.environment;
    const since = await this.#marksSince();
    // Asked together, they travel together.
    const [state, envelopes] = await Promise.all([
      api.sync.state.query({ marksSince: Math.max(0, since - marksOverlapMs) }),
      this.inbox.askEnvelopes(),
    ]);
    // Now: what a frame says of them from here on is newer.
    this.#preKeys = state;
    // What was said last is what somebody looks for first.
    const summaries = state.conversations.sort((a, b) => b.lastAt - a.lastAt);
    const newest = this.#takeNewest(summaries[0], envelopes);
    await noteServerTime(db, state.at, now()).finally(() => newest);
    await this.inbox.pullEnvelopes(envelopes);
    await this.inbox.openAllSealed();
    const rows = await db.conversations.bulkGet(summaries.map(({ conversationId }) => conversationId));
    for (const [index, summary] of summaries.entries()) {
      const known = rows[index];
      // What was noted before goes to its place in the order that holds now.
      const noted = this.#behind.get(summary.conversationId);
      this.#behind.delete(summary.conversationId);
      if (noted !== undefined) this.#noteBehind(summary.conversationId, noted);
      if (!known || known.rosterVersion < summary.rosterVersion) this.#stale.set(summary.conversationId, 0);
      if (!known || known.cursor < summary.lastSeq) this.#noteBehind(summary.conversationId, summary.lastSeq);
    }
    this.#rest = state;
  }

  /**
   * What somebody looks for first, where it can be read as it is: whose members have changed is looked at in its turn, and
   * where more waits than one page of envelopes, all of it comes first. Never fails: what was not taken is noted as behind.
   */
  async #takeNewest(
    newest: SyncState['conversations'][number] | undefined,
    { envelopes, more }: EnvelopePage,
  ): Promise<void> {
    if (!newest || more) return;
    const { db, log } = this.job.environment;
    try {
      const known = await db.conversations.get(newest.conversationId);
      if (!known || known.rosterVersion < newest.rosterVersion || known.cursor >= newest.lastSeq) return;
      await this.inbox.pullAhead(known, newest.lastSeq, envelopes);
    } catch (error) {
      log('newest', error);
    }
  }

  async #takeRest(): Promise<void> {
    const preKeys = this.#preKeys;
    this.#preKeys = null;
    // Also without an envelope: the machine tops the prekeys up by what it is told of them.
    if (preKeys) await this.job.machine.receive([], preKeys);
    const state = this.#rest;
    if (!state) return;
    const { db } = this.job.environment;
    // What came before this device's keys is asked for once it has them.
    if (!(await db.readMeta('marksOwed'))) await this.inbox.takeMarks(state.marks);
    // Last: until then the same marks are asked for again.
    await db.writeMeta('marksSince', state.at);
    this.#since = Promise.resolve(state.at);
    this.#rest = null;
  }

  async #takeFrames(frames: ServerFrame[]): Promise<void> {
    const envelopes = frames.flatMap((frame) => (frame.t === 'envelopes' ? frame.envelopes : []));
    if (envelopes.length > 0) await this.inbox.takeEnvelopes(envelopes);
    for (const [conversationId, messages] of byConversation(frames)) {
      if (this.#behind.has(conversationId)) continue;
      const result = await this.inbox.takeMessages(messages);
      if (result === 'gap') this.#noteBehind(conversationId, 0);
      // The frame that brought the key may be lost.
      if (result === 'keyless') this.#envelopesMissed = true;
    }
    await this.inbox.takeMarks(frames.flatMap((frame) => (frame.t === 'mark' ? [frame.mark] : [])));
    for (const frame of frames) {
      if (frame.t === 'conversation') {
        const known = await this.job.environment.db.conversations.get(frame.conversationId);
        if (!known || known.rosterVersion < frame.rosterVersion) this.#stale.set(frame.conversationId, 0);
        if (!known) this.#noteBehind(frame.conversationId, 0);
      }
    }
  }
}

/** Messages by conversation, each in the order of their numbers. */
function byConversation(frames: ServerFrame[]): Map<string, Message[]> {
  const groups = new Map<string, Message[]>();
  for (const frame of frames) {
    if (frame.t !== 'message') continue;
    const group = groups.get(frame.message.conversationId) ?? [];
    group.push(frame.message);
    groups.set(frame.message.conversationId, group);
  }
  for (const group of groups.values()) group.sort((a, b) => a.seq - b.seq);
  return groups;
}
