import type { SealedNote } from '../crypto/types';
import type { SendNote } from '../protocol/messages';
import { bound } from './bound';
import type { ReadingHint } from './reading-hint';
import { Runner } from './runner';
import type { Work } from './work';

/** After a message, notes are made ready a moment later, ms: others may follow it. */
const restMs = 100;
/** Who tells waits so long for the answer, ms: until then the database is left to the device that hears it. */
const answerMs = 60;
/** For so many conversations a note lies ready, those that were written to last. */
const readyMost = 20;

/** A note that was made for the devices of that version of the list. */
interface MadeNote extends SendNote {
  shareIds: string[];
  sealed: SealedNote;
}

/**
 * Tells the account's other devices of a reading at the moment of it: somebody looks at the badge there. The note lies
 * ready by then, encrypted when the message had come, since at the click all else is busy. One that is never needed is
 * forgotten: a sender key may leave out numbers.
 */
export class ReadingTeller {
  /** What is told, one at a time, in order. */
  #telling: Promise<void> = Promise.resolve();
  readonly #maker: Runner;
  /** By conversation, with the number up to which it says that was read. */
  readonly #ready = new Map<string, MadeNote & { seq: number }>();
  /** Conversations in which something has come, until notes are made ready. */
  readonly #arrived = new Set<string>();
  #cancelRest: (() => void) | null = null;
  #stopped = false;
  /** How far was told in this run, by conversation: what is stored of it then need not be told again. */
  readonly #told = new Map<string, number>();

  constructor(
    private readonly job: Work,
    /** A note that tells of this reading; of `null`, one that tells nothing. */
    private readonly noteOf: (reading: ReadingHint | null) => string,
  ) {
    this.#maker = new Runner(() => this.makeReady(), this.#failed);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRest?.();
    await Promise.all([this.#telling, this.#maker.stop()]);
  }

  /** Messages were stored: they may be read soon. */
  arrived(conversationId: string): void {
    this.#arrived.delete(conversationId);
    this.#arrived.add(conversationId);
    bound(this.#arrived, readyMost);
    this.makeReadySoon();
  }

  /** Somebody looks on, or the network is back, or something has come. */
  makeReadySoon(): void {
    if (this.#stopped || this.#cancelRest || this.#arrived.size === 0) return;
    this.#cancelRest = this.job.environment.after(restMs, () => {
      this.#cancelRest = null;
      this.#maker.kick();
    });
  }

  /**
   * Only a first try: the stored wish to tell it stands until it was told, here or by `Notes`.
   * @returns when it is told, or takes its time, or cannot be told; never rejects
   */
  tell(reading: ReadingHint): Promise<void> {
    return new Promise((goOn) => {
      const cancel = this.job.environment.after(answerMs, goOn);
      this.#telling = this.#telling
        .then(() => this.#tell(reading))
        .catch(this.#failed)
        .finally(() => {
          cancel();
          goOn();
        });
    });
  }

  /** Resolves when what was to be told at once is told, or was tried. */
  get settled(): Promise<void> {
    return this.#telling;
  }

  /** How far a conversation was told as read; 0: not in this run. */
  toldUpTo(conversationId: string): number {
    return this.#told.get(conversationId) ?? 0;
  }

  /** Encrypts for what has come, where there is another device, and somebody who could read. */
  async makeReady(): Promise<void> {
    const { db, now } = this.job.environment;
    const [devices, tabs] = await Promise.all([db.readMeta('devices'), db.readMeta('visibleTabs')]);
    const isLookedAt = Object.values(tabs ?? {}).some((until) => until > now());
    if (!isLookedAt || !this.job.online()) return;
    const ids = [...this.#arrived];
    this.#arrived.clear();
    if ((devices?.deviceIds.length ?? 0) < 2) return;
    for (const row of await db.conversations.bulkGet(ids)) {
      if (this.#stopped) return;
      if (!row || row.unread === 0 || this.#ready.get(row.conversationId)?.seq === row.cursor) continue;
      const { conversationId, cursor: seq } = row;
      const note = await this.#sealWithoutKey({ conversationId, seq });
      this.#ready.delete(conversationId);
      if (note) this.#ready.set(conversationId, { ...note, seq });
      bound(this.#ready, readyMost);
    }
  }

  /** A note that brings its key cannot be opened before that is stored: so a note that tells nothing brings it ahead. */
  async #sealWithoutKey(reading: ReadingHint): Promise<MadeNote | null> {
    const note = await this.#seal(reading);
    if (!note || note.shareIds.length === 0) return note;
    const ahead = await this.#seal(null);
    return ahead && (await sendNote(this.job, ahead)) ? this.#seal(reading) : null;
  }

  async #tell(reading: ReadingHint): Promise<void> {
    const { conversationId, seq } = reading;
    const note = this.#takeReady(reading) ?? (await this.#seal(reading));
    if (!note || this.#stopped) return;
    if (await sendNote(this.job, note))
      this.#told.set(conversationId, Math.max(seq, this.toldUpTo(conversationId)));
  }

  #takeReady({ conversationId, seq }: ReadingHint): MadeNote | null {
    const ready = this.#ready.get(conversationId);
    this.#ready.delete(conversationId);
    return ready?.seq === seq && this.job.machine.maySend(ready.sealed) ? ready : null;
  }

  /** @returns `null` when not all devices can be told now */
  async #seal(reading: ReadingHint | null): Promise<MadeNote | null> {
    const devicesVersion = (await this.job.environment.db.readMeta('devices'))?.version;
    if (devicesVersion === undefined) return null;
    const sealed = await this.job.machine.sealNote(this.noteOf(reading));
    const isComplete = sealed.withheld.every(({ reason }) => reason !== 'no_session');
    if (!isComplete) return null;
    return { devicesVersion, envelopes: addressed(sealed), shareIds: sealed.shareIds, sealed };
  }

  readonly #failed = (error: unknown) => this.job.environment.log('reading', error);
}

/** As the server takes them: all of them go to devices of one's own. */
export const addressed = ({ envelopes }: SealedNote) =>
  envelopes.map(({ recipientDeviceId, type, content }) => ({ recipientDeviceId, type, content }));

/** @returns whether the other devices have it, or there are none; `false`: these are others now */
export async function sendNote(job: Work, note: SendNote & Pick<SealedNote, 'shareIds'>): Promise<boolean> {
  const { devicesVersion, envelopes, shareIds } = note;
  if (envelopes.length > 0) {
    const result = await job.tell({ devicesVersion, envelopes });
    if (result.status === 'stale') return false;
  }
  // Until then the machine gives the key again: what the server has refused, nobody has.
  if (shareIds.length > 0) await job.machine.shared(shareIds);
  return true;
}
