import { createHash, randomBytes } from 'node:crypto';

/** What proves a device: 32 random bytes as base64url, kept in its cookie. The server keeps only the hash. */
export function newToken(): { token: string; tokenHash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, tokenHash: hashOf(token) };
}

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest();

const cookieName = 'aparte';
const maxAgeSeconds = 400 * 24 * 60 * 60;

/** @param secure whether browsers reach the server over https */
export function tokenCookie(token: string, secure: boolean): string {
  const parts = [
    `${cookieName}=${token}`,
    'Path=/',
    `Max-Age=${maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Strict',
  ];
  return (secure ? [...parts, 'Secure'] : parts).join('; ');
}

/** The token in a Cookie header, or undefined when there is none of the right shape. */
export function tokenOf(cookieHeader: string | undefined): string | undefined {
  for (const part of (cookieHeader ?? '').split(';')) {
    const at = part.indexOf('=');
    if (part.slice(0, at).trim() !== cookieName) continue;
    const value = part.slice(at + 1).trim();
    return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }
  return undefined;
}
