import { describe, expect, it } from 'vitest';
import type { MessageRow } from '../../lib/client/db';
import { MessageWindow } from './message-window';

function conversation(length: number) {
  const orders = Array.from({ length }, (_, index) => index + 1);
  const row = (order: number) => ({ id: `m${order}`, order }) as MessageRow;
  const window = new MessageWindow(async (count) => orders.slice(-count).map(row));
  return {
    arrive: (count: number) => {
      for (let index = 0; index < count; index++) orders.push(orders.length + 1);
    },
    read: async (limit: number, held = false) => {
      const { rows, whole } = await window.read(limit, held, 10);
      return { first: rows[0]?.order, last: rows.at(-1)?.order, count: rows.length, whole };
    },
  };
}

describe('the window on a conversation', () => {
  it('shows all of a short one', async () => {
    expect(await conversation(4).read(10)).toEqual({ first: 1, last: 4, count: 4, whole: true });
    expect(await conversation(0).read(10)).toMatchObject({ count: 0, whole: true });
  });

  it('shows the newest of a long one, and more when asked', async () => {
    const { read } = conversation(25);
    expect(await read(10)).toEqual({ first: 16, last: 25, count: 10, whole: false });
    expect(await read(20)).toEqual({ first: 6, last: 25, count: 20, whole: false });
    expect(await read(30)).toEqual({ first: 1, last: 25, count: 25, whole: true });
  });

  it('keeps its oldest message while others arrive below, however many', async () => {
    const { arrive, read } = conversation(25);
    await read(10);
    for (const count of [1, 1, 40]) {
      arrive(count);
      expect(await read(10, true)).toMatchObject({ first: 16, whole: false });
    }
    expect(await read(10, true)).toEqual({ first: 16, last: 67, count: 52, whole: false });
    expect((await read(20, true)).first).toBeLessThanOrEqual(6);
  });

  it('moves on with the newest while those are in view', async () => {
    const { arrive, read } = conversation(25);
    await read(10);
    arrive(1000);
    expect(await read(10)).toEqual({ first: 1016, last: 1025, count: 10, whole: false });
  });

  it('still knows the beginning of one that grows', async () => {
    const { arrive, read } = conversation(8);
    await read(10);
    arrive(1);
    expect(await read(10)).toEqual({ first: 1, last: 9, count: 9, whole: true });
    arrive(20);
    expect(await read(10, true)).toEqual({ first: 1, last: 29, count: 29, whole: true });
  });
});
