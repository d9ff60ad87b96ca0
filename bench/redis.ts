import { freePort } from '../server/http/free-port';
import { Child } from './child';

export interface BenchRedis {
  readonly url: string;
  readonly child: Child;
  stop(): Promise<void>;
}

/** A real Redis on a free port of the loopback that keeps nothing. */
export async function startRedis(): Promise<BenchRedis> {
  const port = await freePort();
  const child = new Child('redis-server', [
    ...[
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--daemonize',
      'no',
    ],
  ]);
  await child.said('Ready to accept connections');
  return { url: `redis://127.0.0.1:${port}`, child, stop: () => child.stop() };
}
