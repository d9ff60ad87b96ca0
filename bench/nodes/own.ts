import { createServer } from 'node:net';
import * as z from 'zod';
import { readConfig } from '../../server/config';
import { noRates } from '../../server/limiter';
import { startServer } from '../../server/start';

/**
 * This project's node as `server/main.ts` starts it, except that its rates are never used up, since one machine
 * plays a whole town, and that a delivery can be put into its broker from outside: each `b` line at the control port
 * publishes the one that the parent has prepared, as another part of the server would.
 */
const collect = z.object({ collect: z.literal(true) });
const prepared = z.object({ userIds: z.array(z.string()), frame: z.string() });

const server = await startServer({
  ...readConfig(process.env),
  rates: noRates,
  onLost: () => process.exit(1),
});
let next: z.infer<typeof prepared> = { userIds: [], frame: '' };
process.on('message', (message) => {
  if (collect.safeParse(message).success) {
    // With `--expose-gc`. The first lets go, the second waits until that is given back.
    globalThis.gc?.();
    globalThis.gc?.();
    process.send?.({ collected: true });
    return;
  }
  next = prepared.parse(message);
  process.send?.({ prepared: true });
});
const control = createServer((socket) => {
  socket.on('data', (chunk) => {
    for (const byte of chunk)
      if (byte === 0x62)
        server.broker.publish({ kind: 'frames', ...next, exceptDeviceId: null, before: [], times: null });
  });
});
await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
const address = control.address();
const port = Number(new URL(server.origin).port);
process.send?.({ port, control: address === null || typeof address === 'string' ? 0 : address.port });

process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => {
  control.close();
  void server.close().then(() => process.exit(0));
});
