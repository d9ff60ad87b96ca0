import { expect, test } from 'vitest';
import { markRead, startGroup } from '../lib/client/intents';
import type { TestDevice } from './device';
import { dice } from './dice';
import { Town } from './own-devices';
import { seedsFrom } from './seeds';

const reads = 10_000;
const conversations = 6;

/** Writes down every step back of what a device has read. */
function watchSteps(device: TestDevice): string[] {
  const back: string[] = [];
  device.db.conversations.hook('updating', (changes: { readSeq?: number }, key, row) => {
    if (changes.readSeq !== undefined && changes.readSeq < row.readSeq)
      back.push(`${key}: ${row.readSeq} to ${changes.readSeq}`);
  });
  return back;
}

test.each(seedsFrom(process.env.SEEDS ?? '1'))(
  'seed %i: three devices that read at random, often without a network, end with the same, and never step back',
  async (seed) => {
    const town = await Town.open();
    const roll = dice(seed);
    try {
      const laptop = await town.person('anna');
      const bert = await town.person('bert');
      const other = await bert.db.readMeta('session');
      if (other?.state !== 'signed_in') throw new Error('nobody there');
      const ids: string[] = [];
      for (let index = 0; index < conversations; index++)
        ids.push(await startGroup(laptop.author, `Group ${index}`, [other]));
      const devices = [laptop, await town.linked(laptop), await town.linked(laptop)];
      for (const device of devices)
        await device.until(
          async () => ((await device.db.conversations.count()) === conversations ? true : undefined),
          'the conversations',
        );
      const back = devices.map(watchSteps);
      for (let index = 0; index < reads; index++) {
        const device = devices[Math.floor(roll() * devices.length)] ?? laptop;
        const id = ids[Math.floor(roll() * ids.length)] ?? '';
        await markRead(device.author, id, Math.ceil(roll() * reads));
        if (index % 20 === 0) device.network.setUp(!device.network.up);
      }
      for (const device of devices) {
        device.network.setUp(true);
        device.hurry();
      }
      const stateOf = async (device: TestDevice) =>
        JSON.stringify(
          (await device.db.conversations.orderBy('conversationId').toArray()).map((row) => row.readSeq),
        );
      await laptop.until(async () => {
        const states = await Promise.all(devices.map(stateOf));
        return new Set(states).size === 1 ? true : undefined;
      }, 'the same state everywhere');
      for (const device of devices)
        await device.until(
          async () => ((await device.db.tellings.count()) === 0 ? true : undefined),
          'all to be told',
        );
      expect(new Set(await Promise.all(devices.map(stateOf))).size).toBe(1);
      expect(back.flat()).toEqual([]);
    } finally {
      await town.close();
    }
  },
  240_000 + reads * 60,
);
