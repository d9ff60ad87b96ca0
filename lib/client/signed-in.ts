import type { CryptoMachine } from '../crypto/types';
import type { ErrorCode } from '../protocol/errors';
import { errors } from '../protocol/errors';
import type { DeviceFrame, ServerFrame } from '../protocol/frames';
import type { EarlyEnvelope } from '../protocol/messages';
import { Activity } from './activity';
import { Backup } from './backup';
import { Connection } from './connection';
import { type ConnectionState, statusOf } from './connection-state';
import { performDecisions } from './decisions';
import { lookAtDevices, performRemovals } from './devices';
import type { Environment } from './environment';
import { Figures } from './figures';
import { fillHistory, fillMarks } from './history';
import { Inbox } from './inbox';
import { Intake } from './intake';
import { markRead } from './intents';
import type { Owner } from './linking';
import type { Session } from './meta';
import { hearEarly, Notes } from './notes';
import { Notifier } from './notifier';
import { openingMachine } from './opening-machine';
import { Outbox } from './outbox';
import { movePictures } from './picture-transfers';
import { expectPictures } from './pictures';
import { Presence } from './presence';
import { tellPush } from './push-teller';
import { figuresShared, presenceShown } from './queries';
import type { ReadingHint } from './reading-hint';
import { lookAtRecovery } from './recovery';
import { Runner } from './runner';
import { SearchMaker } from './search-maker';
import { watch } from './watch';
import type { Work } from './work';

/** Five minutes where somebody looks on, a quarter of an hour elsewhere: a look costs a query. */
const quietRoundsBetweenLooks = 12;
/** On a slow line half a picture may be over. */
const lineGraceMs = 60_000;
/** Of notes that come early so many wait for the machine; the others are read when they come as envelopes. */
const hearingMost = 8;

/** The engine of a device that has an account: connection, intake and outbox around one crypto machine. */
export class SignedIn {
  readonly #connection: Connection;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #intakeRunner: Runner;
  readonly #outboxRunner: Runner;
  readonly #backup: Backup;
  readonly #backupRunner: Runner;
  readonly #historyRunner: Runner;
  readonly #devicesRunner: Runner;
  readonly #activity: Activity;
  readonly #presence: Presence;
  readonly #figures: Figures;
  readonly #notes: Notes;
  readonly #notesRunner: Runner;
  readonly #notifier: Notifier;
  readonly #pushRunner: Runner;
  readonly #removalsRunner: Runner;
  readonly #recoveryRunner: Runner;
  readonly #decisionsRunner: Runner;
  readonly #picturesRunner: Runner;
  readonly #searchMaker: SearchMaker;
  readonly #unwatch: (() => void)[] = [];
  readonly #work: Work;
  private readonly machine: CryptoMachine;
  readonly #ending = new AbortController();
  #line = new AbortController();
  /** Notes that are being opened early. */
  #hearing = 0;

  /**
   * Resolves when the machine is open and all work has begun, or was stopped. It connects and asks for what is new before
   * that: at a start each takes as long as the other. Rejects as the opening does; then it is to be stopped.
   */
  readonly opened: Promise<void>;
  #isOpen = false;

  /** @param opening the device's machine */
  constructor(
    private readonly environment: Environment,
    me: Extract<Session, { state: 'signed_in' }>,
    opening: Promise<CryptoMachine>,
    private readonly ended: (code: ErrorCode) => void,
    toldOnlineUntil: number,
  ) {
    const { log } = environment;
    this.machine = openingMachine(me, opening);
    this.#connection = new Connection(environment, {
      state: (state) => this.#changed(state),
      frame: (frame) => this.#received(frame),
      quiet: (rounds) => this.#quiet(rounds),
    });
    const signals = {
      post: (frame: DeviceFrame) => this.#connection.post(frame),
      online: () => this.#connection.state.name === 'online',
    };
    this.#figures = new Figures({ environment, ...signals });
    this.#work = {
      environment,
      machine: this.#figures.measured(this.machine),
      me,
      send: (message) => this.#connection.send(message),
      tell: (note) => this.#connection.tell(note),
      line: () => AbortSignal.any([this.#ending.signal, this.#line.signal]),
      ...signals,
    };
    this.#activity = new Activity(this.#work);
    this.#presence = new Presence(this.#work, toldOnlineUntil);
    this.#outboxRunner = new Runner(
      () => this.#outbox.flush(),
      (error) => log('outbox', error),
    );
    this.#outbox = new Outbox(this.#work, {
      kick: () => this.#outboxRunner.kick(),
      gap: (conversationId) => {
        this.#intake.behind(conversationId);
        this.#intakeRunner.kick();
      },
      joined: () => this.#presence.renew(),
    });
    this.#notifier = new Notifier(this.#work);
    const inbox = new Inbox(this.#work, {
      arrived: (id, messageIds) => {
        this.#notifier.arrived(id, messageIds);
        this.#notes.reading.arrived(id);
      },
      pictured: (id, messageIds) => {
        expectPictures(environment, id, messageIds).catch((error: unknown) => log('pictures', error));
      },
      // It reads every row of the list: while the newest is being fetched, somebody waits for that.
      gap: () => signals.online() && this.#historyRunner.kick(),
    });
    this.#intake = new Intake(this.#work, inbox);
    const background = (event: string, task: () => Promise<void>) =>
      new Runner(task, (error) => log(event, error));
    // A person waits for it: what fails while the connection lives is tried again without a new one.
    const persistent = (event: string, task: () => Promise<void>) =>
      new Runner(task, (error) => log(event, error), environment);
    this.#backupRunner = background('backup', () => this.#backup.store());
    this.#backup = new Backup(this.#work, inbox, () => this.#backupRunner.kick());
    this.#historyRunner = background('history', async () => {
      await this.#backup.restore();
      await fillMarks(this.#work, inbox);
      this.#searchMaker.history(true);
      await fillHistory(this.#work, inbox).finally(() => this.#searchMaker.history(false));
    });
    this.#devicesRunner = background('devices', async () => {
      // A device that was linked needs the keys that came since the last page.
      if (await lookAtDevices(this.#work)) this.#backupRunner.kick();
      await this.#notifier.tellDevices();
    });
    this.#notesRunner = background('notes', () => this.#notes.flush());
    this.#notes = new Notes(this.#work, () => this.#notesRunner.kick());
    this.#pushRunner = persistent('push', () => tellPush(this.#work));
    this.#decisionsRunner = background('decisions', () => performDecisions(this.#work));
    this.#recoveryRunner = persistent('recovery', async () => {
      if (this.#work.online()) await lookAtRecovery(this.#work, () => this.#backup.store());
    });
    this.#picturesRunner = persistent('pictures', () => movePictures(this.#work));
    this.#searchMaker = new SearchMaker(environment);
    this.#removalsRunner = persistent('removals', () => performRemovals(this.#work));
    this.#intakeRunner = new Runner(
      () => this.#takeIn(),
      (error) => this.#intakeFailed(error),
    );
    this.opened = opening.then(() => this.#follow());
    // Whoever waits for it is told; where nobody does, it was stopped before.
    this.opened.catch(() => undefined);
  }

  /** To be called once, at once: apart from the making, so that what fails here can be stopped. */
  connect(): void {
    this.#connection.dispatch({ name: 'start' });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Does from now on what the database says that a person wants. */
  #follow(): void {
    if (this.#ending.signal.aborted) return;
    this.#isOpen = true;
    const { db } = this.environment;
    const watched = <T>(query: () => Promise<T>, next: (value: T) => void) =>
      this.#unwatch.push(watch(this.environment, query, next));
    const wishes: [wished: () => Promise<unknown>, runner: Runner][] = [
      [() => db.outbox.orderBy('id').keys(), this.#outboxRunner],
      [() => db.tellings.orderBy('key').keys(), this.#notesRunner],
      [() => db.readMeta('push'), this.#pushRunner],
      [() => db.removals.where('deviceId').above('').primaryKeys(), this.#removalsRunner],
      [() => db.decisions.toArray(), this.#decisionsRunner],
      [() => db.transfers.where('kind').anyOf('fetch', 'drop').primaryKeys(), this.#picturesRunner],
    ];
    for (const [wished, runner] of wishes) watched(wished, () => runner.kick());
    watched(
      async () => (await db.readMeta('recovery'))?.state === 'storing',
      (storing) => {
        if (storing) this.#recoveryRunner.kick();
      },
    );
    watched(
      () => db.identities.toArray(),
      () => {
        // Somebody may have been approved: what waited for that need not wait.
        this.#outbox.hurry();
        this.#outboxRunner.kick();
      },
    );
    watched(
      () => db.readMeta('olderWanted'),
      (wanted) => {
        if (wanted) this.#historyRunner.kick();
      },
    );
    watched(
      () => db.signals.toArray(),
      (signals) => this.#activity.tell(signals),
    );
    watched(
      () => db.readMeta('visibleTabs'),
      (tabs = {}) => {
        this.#presence.seen(tabs);
        this.#connection.looked(Math.max(0, ...Object.values(tabs)));
        this.#notes.reading.makeReadySoon();
      },
    );
    watched(
      () => presenceShown(db),
      (shown) => this.#presence.show(shown),
    );
    watched(
      () => figuresShared(db),
      (shared) => this.#figures.share(shared),
    );
  }

  /** For linking a further device. */
  get owner(): Owner {
    return { machine: this.machine, me: this.#work.me };
  }

  /** The account has a new device: it needs what is not in the backup yet. */
  linked(): void {
    this.#devicesRunner.kick();
    this.#backupRunner.kick();
  }

  renamed(name: string): void {
    this.#work.me = { ...this.#work.me, name };
  }

  read(reading: ReadingHint): void {
    const { conversationId, seq } = reading;
    // Storing it makes the database busy, and on other devices somebody waits. A page stores it too.
    this.#notes
      .tellReading(reading)
      .then(() => markRead(this.environment, conversationId, seq))
      .then(() => this.#notesRunner.kick())
      .catch((error: unknown) => this.environment.log('reading', error));
  }

  hurry(): void {
    this.#connection.dispatch({ name: 'hurry' });
    if (!this.#isOpen) return;
    this.#outbox.hurry();
    this.#notes.hurry();
    this.#outboxRunner.kick();
  }

  async stop(): Promise<void> {
    for (const unwatch of this.#unwatch) unwatch();
    this.#connection.dispatch({ name: 'stop' });
    this.#backup.stop();
    this.#ending.abort();
    await Promise.all([
      this.#notes.stop(),
      this.#notesRunner.stop(),
      this.#notifier.stop(),
      this.#pushRunner.stop(),
      this.#removalsRunner.stop(),
      this.#recoveryRunner.stop(),
      this.#decisionsRunner.stop(),
      this.#picturesRunner.stop(),
      this.#searchMaker.stop(),
      this.#intakeRunner.stop(),
      this.#outboxRunner.stop(),
      this.#outbox.stop(),
      this.#backupRunner.stop(),
      this.#historyRunner.stop(),
      this.#devicesRunner.stop(),
    ]);
    this.#activity.stop();
    this.#figures.stop();
    await this.#presence.stop();
    await this.machine.close();
  }

  #changed(state: ConnectionState): void {
    if (state.name === 'catching_up') {
      this.#intake.catchUp();
      this.#intakeRunner.kick();
    } else if (state.name === 'online') {
      this.#endLineSoon();
      this.#outbox.hurry();
      this.#outboxRunner.kick();
      this.#historyRunner.kick();
      this.#backupRunner.kick();
      this.#devicesRunner.kick();
      this.#removalsRunner.kick();
      this.#recoveryRunner.kick();
      this.#decisionsRunner.kick();
      this.#pushRunner.kick();
      this.#picturesRunner.kick();
      this.#notes.hurry();
      this.#notes.reading.makeReadySoon();
      this.#notesRunner.kick();
      this.#presence.renew();
    } else if (state.name === 'ended') {
      this.ended(state.code);
    }
    // After what is read to catch up, which would wait for it.
    this.environment.db
      .writeMeta('connection', statusOf(state, this.environment.now()))
      .catch((error: unknown) => this.environment.log('connection', error));
  }

  /** What an earlier connection's line carries may still come to its end. */
  #endLineSoon(): void {
    const before = this.#line;
    this.#line = new AbortController();
    this.environment.after(lineGraceMs, () => before.abort());
  }

  #received(frame: ServerFrame): void {
    if (frame.t === 'activity') this.#activity.heard(frame);
    else if (frame.t === 'presence') this.#presence.heard(frame);
    else if (frame.t === 'read-sync:broadcast') this.#hearEarly(frame.envelope);
    else if (frame.t === 'device:linked' || frame.t === 'device:revoked') {
      this.#devicesRunner.kick();
      this.#removalsRunner.kick();
    } else if (frame.t === 'look') {
      this.#intake.catchUp();
      this.#intakeRunner.kick();
      this.#devicesRunner.kick();
    } else {
      this.#intake.take(frame);
      this.#intakeRunner.kick();
    }
  }

  /** Not in turn with what is taken in: somebody waits for it, and all of it comes again. */
  #hearEarly(envelope: EarlyEnvelope): void {
    if (this.#hearing >= hearingMost) return;
    this.#hearing += 1;
    hearEarly(this.#work, envelope)
      .catch((error: unknown) => this.environment.log('reading', error))
      .finally(() => {
        this.#hearing -= 1;
      });
  }

  /** The last frame before a silence may be lost, and no later one tells: so a silence is a reason to look. */
  #quiet(rounds: number): void {
    this.#historyRunner.kick();
    if (rounds !== 1 && rounds % quietRoundsBetweenLooks !== 0) return;
    this.#intake.catchUp();
    this.#intakeRunner.kick();
  }

  async #takeIn(): Promise<void> {
    const state = this.#connection.state.name;
    if (state !== 'catching_up' && state !== 'online') return;
    await this.#intake.work();
    await this.#notifier.tell();
    this.#backup.soon();
    this.#connection.dispatch({ name: 'caught_up' });
  }

  /** What could not be pulled now is pulled after a reconnect, which also paces the tries. */
  #intakeFailed(error: unknown): void {
    this.environment.log('intake', error);
    this.#connection.dispatch({
      name: 'closed',
      close: errors.internal.close,
      withinMs: 0,
      dice: this.environment.random(),
    });
  }
}
