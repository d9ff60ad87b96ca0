import type { AnyTRPCRouter } from '@trpc/server';
import { type Config, readConfig } from '../config';
import { createLog, type Log } from '../log';
import { type HttpOptions, type HttpServer, startHttp } from './server';

/** A free port is chosen by the kernel; the public origin stays the one of the default port. */
export const testConfig: Config = { ...readConfig({}), port: 0 };

export const silentLog: Log = createLog('silent');

export async function startTestServer<Router extends AnyTRPCRouter>(
  options: Omit<HttpOptions<Router>, 'config' | 'log'> & { log?: Log },
): Promise<{ server: HttpServer; base: string }> {
  const server = await startHttp({ config: testConfig, log: silentLog, ...options });
  return { server, base: `http://127.0.0.1:${server.port}` };
}
