import { expect, test } from 'vitest';
import { removeDevice } from '../lib/client/device-intents';
import { sendText } from '../lib/client/intents';
import { openTestDatabase, type TestDatabase } from './databases';
import type { TestDevice } from './device';
import { dice } from './dice';
import { linkDevices, Town } from './own-devices';
import { seedsFrom } from './seeds';

/** `npm run simulate:devices` runs a thousand. */
const races = Number(process.env.RACES ?? 8);
/** What happens at the same moment begins within so many turns. */
const mostTurns = 4_000;

interface Linked {
  device: TestDevice;
  deviceId: string;
}

test.each(seedsFrom(process.env.SEEDS ?? '1'))(
  'seed %i: whatever is linked, removed and said at the same moment, nothing goes to a removed device, and every message is read on all others',
  async (seed) => {
    const database = await openTestDatabase('postgres');
    const town = await Town.open(database.url);
    try {
      await new Races(town, database, dice(seed)).run();
    } finally {
      await town.close();
      await database.close();
    }
  },
  120_000 + races * 30_000,
);

class Races {
  #base: Linked[] = [];
  #extra: Linked[] = [];
  #bert: TestDevice[] = [];
  #conversationId = '';
  #said = 0;

  constructor(
    private readonly town: Town,
    private readonly database: TestDatabase,
    private readonly roll: () => number,
  ) {}

  async run(): Promise<void> {
    const laptop = await this.town.person('anna');
    const bert = await this.town.person('bert');
    this.#conversationId = await this.town.contacts(laptop, bert);
    this.#bert = [bert, await this.town.linked(bert)];
    this.#base = [await identified(laptop), await identified(await this.town.linked(laptop))];
    for (let race = 0; race < races; race++) await this.#race(race);
  }

  async #race(race: number): Promise<void> {
    const removed = this.roll() < 0.7 ? this.#extra.splice(0, 1)[0] : undefined;
    const owner = this.#pick(this.#base).device;
    const remover = this.#pick(this.#base).device;
    const fresh = this.#extra.length < 2 && this.roll() < 0.7 ? this.town.device() : undefined;
    const senders = [...this.#base, ...this.#extra].map((one) => one.device).concat(this.#bert);
    const ids: string[] = [];
    const say = async () => {
      await this.#delay();
      const { author } = this.#pick(senders);
      ids.push(await sendText(author, this.#conversationId, `said ${this.#said++}`));
    };
    const thief = async () => {
      await this.#delay();
      const session = await removed?.device.db.readMeta('session');
      if (!removed || session?.state !== 'signed_in') return;
      await sendText(removed.device.author, this.#conversationId, `thief ${race}`).catch(gone);
    };
    await Promise.all([
      say(),
      say(),
      say(),
      thief(),
      fresh ? this.#delay().then(() => linkDevices(owner, fresh)) : undefined,
      removed ? this.#delay().then(() => this.#remove(remover, removed)) : undefined,
    ]);
    if (fresh) this.#extra.push(await identified(fresh));
    for (const device of [...this.#base, ...this.#extra].map((one) => one.device).concat(this.#bert))
      await this.#readsAll(device, ids, race);
    await this.#nothingForTheRemoved(race);
    if (removed) await removed.device.close();
    await removed?.device.db.delete();
  }

  async #remove(remover: TestDevice, { deviceId }: Linked): Promise<void> {
    await removeDevice(remover.author, { deviceId, name: 'Extra' });
    await remover.until(
      async () => ((await remover.db.removals.get(deviceId))?.state === 'wished' ? undefined : true),
      'the removal',
    );
  }

  async #readsAll(device: TestDevice, ids: string[], race: number): Promise<void> {
    const missing = async () => {
      const rows = await device.db.messages.bulkGet(ids);
      return rows.filter((row) => row?.kind !== 'text' || row.seq === null).length;
    };
    await device
      .until(async () => ((await missing()) === 0 ? true : undefined), 'all messages', 60_000)
      .catch(async (error: Error) => {
        const sealed = await device.db.sealed.toArray();
        throw new Error(
          `race ${race}: ${await missing()} missing; ${sealed.length} sealed; ${error.message}`,
        );
      });
  }

  async #nothingForTheRemoved(race: number): Promise<void> {
    const { rows } = await this.database.pool.query(
      `select e.id from envelopes e join devices d on d.id = e.recipient_device_id where d.revoked_at is not null`,
    );
    expect(rows, `race ${race}`).toEqual([]);
  }

  /** Turns of the event loop, not time: how far the others have come by then follows from their work. */
  async #delay(): Promise<void> {
    const turns = this.roll() * mostTurns;
    for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[Math.floor(this.roll() * from.length)];
    if (one === undefined) throw new Error('There is nothing to pick from.');
    return one;
  }
}

/** It was wiped in the very moment. */
function gone(error: Error): void {
  if (!error.message.includes('no account')) throw error;
}

async function identified(device: TestDevice): Promise<Linked> {
  const session = await device.db.readMeta('session');
  if (session?.state !== 'signed_in') throw new Error('not signed in');
  return { device, deviceId: session.deviceId };
}
