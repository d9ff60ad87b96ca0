import { storeState } from './account-state';
import type { Inbox } from './inbox';
import { snapshotOf } from './snapshot';
import type { Work } from './work';

/** Keys are collected for this long before a page is made of them. */
const gatherMs = 1_000;
/** What the account knows beside its messages is stored at most so often. */
const stateEveryMs = 30_000;

/** Keeps the account's key backup up to date, and reads on a linked device what others have put there. */
export class Backup {
  #cancelTimer: (() => void) | null = null;
  #state = { text: '', at: 0 };
  #storing: Promise<void> = Promise.resolve();

  constructor(
    private readonly job: Work,
    private readonly inbox: Inbox,
    private readonly kick: () => void,
  ) {}

  /** There may be new keys: store them soon. */
  soon(): void {
    this.#cancelTimer ??= this.job.environment.after(gatherMs, () => {
      this.#cancelTimer = null;
      this.kick();
    });
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  /** Stores what is not stored yet. @throws what the network or the server answered; the next call goes on */
  store(): Promise<void> {
    const done = this.#storing.then(() => this.#storeAll());
    // The next call does not care how this one ended; its caller is told through `done`.
    this.#storing = done.catch(() => undefined);
    return done;
  }

  async #storeAll(): Promise<void> {
    const { machine, environment } = this.job;
    for (;;) {
      const pageId = environment.newId();
      const next = await machine.nextBackupPage(pageId);
      if (!next) break;
      // A page whose answer was lost is stored twice, under two ids: harmless, its keys are the same.
      await environment.api.backup.store.mutate({ clientId: pageId, page: next.page });
      await machine.backupPageStored(next.requestId);
    }
    await this.#storeState();
  }

  async #storeState(): Promise<void> {
    const { environment, machine, me } = this.job;
    const text = await snapshotOf(environment.db, me.name);
    if (text === this.#state.text) return;
    const now = environment.now();
    if (now - this.#state.at < stateEveryMs) {
      this.soon();
      return;
    }
    await storeState(environment, machine, me.name);
    this.#state = { text, at: now };
  }

  /** Takes in the pages that came since the last time. Only a device that joined later has a cursor. */
  async restore(): Promise<void> {
    const { machine, environment } = this.job;
    const { db, api } = environment;
    for (;;) {
      const after = await db.readMeta('backupCursor');
      if (after === undefined) return;
      const { pages, lastSeq } = await api.backup.pull.query({ after });
      for (const { seq, page } of pages) {
        const conversationIds = await machine.importBackupPage(page);
        await this.inbox.openSealed(conversationIds);
        await db.writeMeta('backupCursor', seq);
      }
      if (pages.length === 0 || (pages.at(-1)?.seq ?? 0) >= lastSeq) return;
    }
  }
}
