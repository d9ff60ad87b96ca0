import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What came for a browser, decrypted with its key, and what the push service could see. */
export interface Pushed {
  path: string;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
  /** Of the signature of the server: checked with the key that stands beside it. */
  vapid: { publicKey: string; audience: string; subject: string; expiresAt: number };
}

/** A push service and a browser behind it, with keys of its own: everything is checked and decrypted by Node's crypto. */
export class PushService {
  readonly received: Pushed[] = [];
  /** Statuses of the next answers; 201 when there is none. */
  readonly answers: number[] = [];
  readonly #ecdh = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  readonly #server: Server;
  #waiting: { count: number; resolve: () => void }[] = [];
  #failed: unknown = null;

  private constructor() {
    this.#ecdh.generateKeys();
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        try {
          this.#take(request.url ?? '', request.headers, Buffer.concat(chunks));
        } catch (error) {
          this.#failed = error;
        }
        response.writeHead(this.answers.shift() ?? 201).end();
        this.#tell();
      });
    });
  }

  static async open(): Promise<PushService> {
    const service = new PushService();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get origin(): string {
    // A listening server on a port has an address of this form.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a browser would tell of itself. */
  subscription(name = 'browser') {
    return {
      endpoint: `${this.origin}/${name}`,
      p256dh: this.#ecdh.getPublicKey('base64url'),
      auth: this.#auth.toString('base64url'),
    };
  }

  /** Resolves when so many pushes have come in all. */
  async arrived(count: number): Promise<Pushed[]> {
    if (this.received.length < count && this.#failed === null)
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    if (this.#failed !== null) throw this.#failed;
    return this.received;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #tell(): void {
    const due = ({ count }: { count: number }) => this.received.length >= count || this.#failed !== null;
    for (const one of this.#waiting.filter(due)) one.resolve();
    this.#waiting = this.#waiting.filter((one) => !due(one));
  }

  #take(path: string, headers: IncomingHttpHeaders, bytes: Buffer): void {
    this.received.push({
      path,
      headers,
      bytes,
      text: this.#decrypt(bytes),
      vapid: readVapid(headers.authorization),
    });
  }

  /** RFC 8188 with the keys of RFC 8291. */
  #decrypt(bytes: Buffer): string {
    const salt = bytes.subarray(0, 16);
    const recordSize = bytes.readUInt32BE(16);
    const sender = bytes.subarray(21, 21 + bytes.readUInt8(20));
    const record = bytes.subarray(21 + sender.length);
    if (record.length > recordSize) throw new Error('there is more than one record');
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#ecdh.getPublicKey(), sender]);
    const secret = Buffer.from(hkdfSync('sha256', this.#ecdh.computeSecret(sender), this.#auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: nonce\0', 12));
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAuthTag(record.subarray(-16));
    const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    const end = padded.lastIndexOf(2);
    if (end < 0) throw new Error('the padding has no end');
    return padded.subarray(0, end).toString();
  }
}

/** RFC 8292. @throws when the signature is not that of the key beside it */
function readVapid(authorization: string | undefined): Pushed['vapid'] {
  const [, token, publicKey] = /^vapid t=([^,]+), ?k=(.+)$/.exec(authorization ?? '') ?? [];
  const [head, claims, signature] = token?.split('.') ?? [];
  if (!head || !claims || !signature || !publicKey) throw new Error('there is no signature');
  const point = Buffer.from(publicKey, 'base64url');
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  const signed = Buffer.from(`${head}.${claims}`);
  const given = { key, dsaEncoding: 'ieee-p1363' as const };
  if (!verify('sha256', signed, given, Buffer.from(signature, 'base64url')))
    throw new Error('a false signature');
  const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
  if (alg !== 'ES256') throw new Error('another algorithm');
  const { aud, sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return { publicKey, audience: aud, subject: sub, expiresAt: exp * 1000 };
}
