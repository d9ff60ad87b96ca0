import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import WebSocket from 'ws';
import * as z from 'zod';

/** One attack, in a process of its own, so that who measures is not slowed by who attacks. Says what came of it. */
const attack = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('flood'),
    port: z.number(),
    headers: z.record(z.string(), z.string()),
    garbage: z.boolean(),
    perSecond: z.number(),
    ms: z.number(),
  }),
  z.object({ kind: z.literal('half-open'), port: z.number(), count: z.number(), holdMs: z.number() }),
]);
export type Attack = z.infer<typeof attack>;

/** A connection that sends something over and over; a new one when it is closed. @returns the close codes */
async function flood(wish: Extract<Attack, { kind: 'flood' }>): Promise<number[]> {
  const closes: number[] = [];
  const endsAt = Date.now() + wish.ms;
  while (Date.now() < endsAt) {
    const socket = new WebSocket(`ws://127.0.0.1:${wish.port}/ws`, { headers: wish.headers });
    // `close` follows, and tells more.
    socket.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const opened = new Promise<void>((resolve) => socket.once('open', resolve));
    await Promise.race([opened, closed]);
    const startedAt = performance.now();
    for (let count = 0; socket.readyState === WebSocket.OPEN && Date.now() < endsAt; ) {
      const due = ((performance.now() - startedAt) / 1_000) * wish.perSecond;
      for (; count < due; count++) socket.send(wish.garbage ? randomBytes(200) : '{"t":"ping"}');
      await wait(5);
    }
    if (socket.readyState === WebSocket.OPEN) socket.terminate();
    closes.push(await closed);
  }
  return closes;
}

/** Upgrades that stop in the middle of a header, from many addresses. @returns how many were open at most */
async function openHalf({ port, count, holdMs }: Extract<Attack, { kind: 'half-open' }>): Promise<number> {
  const open = new Set<Socket>();
  let most = 0;
  for (let made = 0; made < count; ) {
    for (let step = 0; step < 250 && made < count; step++, made++) {
      const localAddress = `127.0.${1 + (made % 50)}.${1 + (made % 200)}`;
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      open.add(socket);
      // The server may refuse it: that is what is hoped for.
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
      socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websock');
    }
    await wait(20);
    most = Math.max(most, open.size);
    while (open.size > 15_000) await wait(20);
  }
  await wait(holdMs);
  for (const socket of open) socket.destroy();
  return most;
}

const wish = attack.parse(JSON.parse(process.argv[2] ?? ''));
const outcome = wish.kind === 'flood' ? await flood(wish) : [await openHalf(wish)];
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
