/**
 * The safety number of two people, in the manner of Signal's: thirty digits for each identity, the smaller half first,
 * so that both see the same sixty. Each half comes from the account's public master key by PBKDF2-HMAC-SHA-512
 * (RFC 8018): to find another key with the same digits one would have to do this work 2^99 times.
 */
export interface SafetyNumber {
  /** Twelve groups of five digits. */
  groups: string[];
  /** What the QR code holds. */
  code: string;
}

const iterations = 100_000;
const halfBytes = 30;
const prefix = 'aparte safety 1 ';

export async function safetyNumber(
  mine: { userId: string; masterKey: string },
  theirs: { userId: string; masterKey: string },
): Promise<SafetyNumber> {
  const halves = [await half(mine), await half(theirs)].sort();
  const digits = halves.join('');
  return { groups: digits.match(/.{5}/g) ?? [], code: `${prefix}${digits}` };
}

/** `null`: the scanned code is no safety number at all. */
export function matchesSafetyNumber(number: SafetyNumber, scanned: string): boolean | null {
  return scanned.startsWith(prefix) ? scanned === number.code : null;
}

async function half({ userId, masterKey }: { userId: string; masterKey: string }): Promise<string> {
  const bytes = new TextEncoder();
  const material = await crypto.subtle.importKey('raw', bytes.encode(masterKey), 'PBKDF2', false, [
    'deriveBits',
  ]);
  const salt = bytes.encode(`${prefix}${userId}`);
  const algorithm = { name: 'PBKDF2', hash: 'SHA-512', salt, iterations };
  const derived = new DataView(await crypto.subtle.deriveBits(algorithm, material, 8 * halfBytes));
  let digits = '';
  for (let at = 0; at < halfBytes; at += 5) {
    const number = derived.getUint8(at) * 2 ** 32 + derived.getUint32(at + 1);
    digits += String(number % 100_000).padStart(5, '0');
  }
  return digits;
}
