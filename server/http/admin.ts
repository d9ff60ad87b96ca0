import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AdminOptions {
  /** The loopback unless told otherwise: what they tell is nobody else's business. */
  readonly host?: string;
  readonly port: number;
  /** Resolves when the node can serve; a rejection or two seconds of silence mean that it cannot. */
  ready(): Promise<unknown>;
  /** Further paths, such as /metrics. */
  readonly pages?: Readonly<Record<string, () => Promise<{ contentType: string; body: string }>>>;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

const readyTimeoutMs = 2000;

/** The operators' endpoints. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, contentType = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
    };
    const path = (request.url ?? '').split('?')[0] ?? '';
    answerPage(options, path).then(
      (page) => answer(page.status, page.body, page.contentType),
      () => answer(500, 'failed\n'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`ADMIN_PORT ${options.port} is in use or not allowed on ADMIN_HOST.`, { cause })),
    );
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  return {
    port: portOf(server.address()),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answerPage(
  options: AdminOptions,
  path: string,
): Promise<{ status: number; body: string; contentType?: string }> {
  if (path === '/healthz') return { status: 200, body: 'ok\n' };
  if (path === '/readyz') {
    return (await isReady(options)) ? { status: 200, body: 'ready\n' } : { status: 503, body: 'not ready\n' };
  }
  const page = options.pages?.[path];
  return page === undefined ? { status: 404, body: 'not found\n' } : { status: 200, ...(await page()) };
}

async function isReady(options: AdminOptions): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), readyTimeoutMs);
  });
  const ready = options.ready().then(
    () => true,
    () => false,
  );
  const outcome = await Promise.race([ready, late]);
  clearTimeout(timer);
  return outcome;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('The operators’ port is not listening.');
  return address.port;
}
