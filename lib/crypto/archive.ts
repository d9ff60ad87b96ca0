import { DeviceId, OlmMachine, type RoomId } from '@matrix-org/matrix-sdk-crypto-wasm';
import { parseExportedKeys } from './json';
import { anyTrust } from './policy';

/** Keys beyond this are read from the store: slower, and no memory. */
const keysMost = 5_000;
/** A key that has opened so many messages the long way is worth having in memory. */
const readsWorth = 20;
/** Where others are taken into memory, so are keys that have opened so many. */
const readsWorthBeside = 3;
/** To find keys in the store reads all that are there: so many for each message that was read the long way. */
const keysPerRead = 50;
/** Of so many keys it is remembered how often they were used. */
const countedMost = 5_000;

/**
 * Keys in memory: with them messages are read without a question to the database for each, and for its sender's devices.
 * Those of a history come from an import; those that open one message after another are taken from the store. It
 * believes nobody; who calls compares the key with its owner's.
 */
export class Archive {
  #machine: OlmMachine | null = null;
  readonly #sessions = new Set<string>();
  /** How often a session that is not here was read, those of notes counting more: somebody waits for these. */
  readonly #reads = new Map<string, number>();
  /** The most that any of them was read. */
  #mostReads = 0;
  #worth = readsWorth;
  #tellings = 0;

  constructor(private readonly olm: OlmMachine) {}

  /** @param keys as the library exports them */
  async take(keys: readonly Record<string, unknown>[]): Promise<void> {
    const room = Math.max(0, keysMost - this.#sessions.size);
    const taken = keys.slice(0, room);
    if (taken.length === 0) return;
    this.#machine ??= await OlmMachine.initialize(this.olm.userId, new DeviceId('archive'));
    (await this.#machine.importExportedRoomKeys(JSON.stringify(taken), () => undefined)).free();
    for (const { session_id: session } of taken) this.#sessions.add(String(session));
  }

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  /**
   * A message of this session was opened from the store, and its sender believed.
   * @param tellings how often the server had told of devices: who was believed before another time may not be now
   */
  read(session: string, isNote: boolean, tellings: number): void {
    if (this.#sessions.size >= keysMost) return;
    if (this.#reads.size >= countedMost || tellings !== this.#tellings) this.#forgetReads();
    this.#tellings = tellings;
    const reads = (this.#reads.get(session) ?? 0) + (isNote ? readsWorth : 1);
    this.#reads.set(session, reads);
    this.#mostReads = Math.max(this.#mostReads, reads);
  }

  #forgetReads(): void {
    this.#reads.clear();
    this.#mostReads = 0;
  }

  /** Takes the keys that are used most into memory, if that is worth it by now. @returns their sessions */
  async recall(tellings: number): Promise<string[]> {
    if (tellings !== this.#tellings) this.#forgetReads();
    if (this.#mostReads < this.#worth) return [];
    const counts = await this.olm.roomKeyCounts();
    this.#worth = Math.max(readsWorth, counts.total / keysPerRead);
    counts.free();
    if (this.#mostReads < this.#worth) return [];
    const wanted = new Set(
      [...this.#reads].flatMap(([session, reads]) => (reads >= readsWorthBeside ? session : [])),
    );
    // Also where this fails: it is not tried again at every message.
    this.#forgetReads();
    const exported = await this.olm.exportRoomKeys((session) => {
      const isWanted = wanted.has(session.sessionId);
      session.free();
      return isWanted;
    });
    await this.take(parseExportedKeys(exported));
    return [...wanted].filter((session) => this.#sessions.has(session));
  }

  /** @returns what the library made of it: an event, or why it could not; `null`: the key is not here */
  async open(session: string, event: string, room: RoomId): Promise<unknown> {
    if (!this.#machine || !this.#sessions.has(session)) return null;
    const settings = anyTrust();
    return this.#machine
      .decryptRoomEvent(event, room, settings)
      .catch((error: unknown) => error)
      .finally(() => settings.free());
  }

  close(): void {
    this.#machine?.close();
    this.#machine = null;
    this.#sessions.clear();
  }
}
