import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import webPush from 'web-push';
import { pushPayload } from '../../lib/protocol/push';
import { type EndpointPolicy, isAllowedEndpoint, publicLookup } from './endpoints';
import type { PushKeys } from './keys';
import type { Subscription } from './subscriptions';

export interface PushAnswer {
  status: number;
  /** When the push service wants to be asked again, ms from now. */
  retryAfterMs: number | null;
}

/** One request to a push service. @throws when no answer came */
export type PushTransport = (subscription: Subscription, keys: PushKeys) => Promise<PushAnswer>;

const timeoutMs = 10_000;
/** Sockets to one push service. */
const maxSockets = 16;
/** A device that is switched off for longer has other news of what it missed: the app itself, when it is opened. */
const ttlSeconds = 7 * 24 * 3600;
/** One word for all: a later push takes the place of one that the push service could not deliver yet. */
const topic = 'news';

/**
 * Encrypted for the browser (RFC 8291), signed for the push service (RFC 8292). Follows no redirect, and reads nothing
 * of an answer but its head.
 * @param contact by which a push service can reach the operator: the server's origin
 */
export function createPushTransport(
  policy: EndpointPolicy,
  contact: string,
): PushTransport & { close(): void } {
  const lookup = policy === 'public' ? { lookup: publicLookup() } : {};
  const secure = new HttpsAgent({ keepAlive: true, maxSockets, ...lookup });
  const plain = new HttpAgent({ keepAlive: true, maxSockets, ...lookup });
  const subject = contact.startsWith('https:') ? contact : 'mailto:operator@aparte.invalid';
  const post: PushTransport = async ({ endpoint, p256dh, auth }, keys) => {
    if (!isAllowedEndpoint(endpoint, policy)) return { status: 400, retryAfterMs: null };
    const { method, headers, body } = webPush.generateRequestDetails(
      { endpoint, keys: { p256dh, auth } },
      pushPayload,
      {
        vapidDetails: { subject, ...keys },
        contentEncoding: 'aes128gcm',
        TTL: ttlSeconds,
        urgency: 'high',
        topic,
      },
    );
    const options = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
    return new Promise((resolve, reject) => {
      const asked = endpoint.startsWith('https:')
        ? httpsRequest(endpoint, { ...options, agent: secure })
        : httpRequest(endpoint, { ...options, agent: plain });
      asked.once('error', reject);
      asked.once('response', (answer) => {
        const seconds = Number(answer.headers['retry-after']);
        resolve({
          status: answer.statusCode ?? 0,
          retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null,
        });
        // Whatever it says is not for us; the connection is used again if it is short.
        answer.once('error', () => undefined);
        answer.resume();
      });
      asked.end(body);
    });
  };
  return Object.assign(post, {
    close: () => {
      secure.destroy();
      plain.destroy();
    },
  });
}
