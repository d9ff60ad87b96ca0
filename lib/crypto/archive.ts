import { DeviceId, OlmMachine, type RoomId } from '@matrix-org/matrix-sdk-crypto-wasm';
import { anyTrust } from './policy';

/** Keys beyond this are read from the store: slower, and no memory. */
const keysMost = 5_000;

/**
 * The keys that were imported in this run, in memory: with them a history is read without a question to the database
 * for each message, and for its sender's devices. It believes nobody; who calls compares the key with its owner's.
 */
export class Archive {
  #machine: Promise<OlmMachine> | null = null;
  readonly #sessions = new Set<string>();

  constructor(private readonly olm: OlmMachine) {}

  /** @param keys as the library exports them */
  async take(keys: readonly Record<string, unknown>[]): Promise<void> {
    const room = Math.max(0, keysMost - this.#sessions.size);
    const taken = keys.slice(0, room);
    if (taken.length === 0) return;
    this.#machine ??= OlmMachine.initialize(this.olm.userId, new DeviceId('archive'));
    const result = await (await this.#machine).importExportedRoomKeys(JSON.stringify(taken), () => undefined);
    result.free();
    for (const { session_id: session } of taken) this.#sessions.add(String(session));
  }

  /** @returns what the library made of it: an event, or why it could not; `null`: the key is not here */
  async open(session: string, event: string, room: RoomId): Promise<unknown> {
    if (!this.#machine || !this.#sessions.has(session)) return null;
    const machine = await this.#machine;
    const settings = anyTrust();
    return machine
      .decryptRoomEvent(event, room, settings)
      .catch((error: unknown) => error)
      .finally(() => settings.free());
  }

  async close(): Promise<void> {
    const machine = await this.#machine;
    this.#machine = null;
    this.#sessions.clear();
    machine?.close();
  }
}
