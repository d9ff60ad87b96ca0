import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below it, no system takes ports for outgoing connections (Linux: from 32,768 on); above it, browsers refuse none. */
const range = [20_000, 32_768] as const;
const tries = 100;

/**
 * A TCP port of the loopback on which nothing listened a moment ago. Of a range that outgoing connections do not use:
 * one of those could take it before it is listened on.
 */
export async function freePort(): Promise<number> {
  for (let left = tries; left > 0; left--) {
    const port = randomInt(...range);
    if (await isFree(port)) return port;
  }
  throw new Error('There is no free port.');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
