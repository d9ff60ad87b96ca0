import { encode, letters, normalise } from './crockford';

/**
 * The code of a linking, the same in the QR, on the clipboard and typed by hand: 25 letters of Crockford's base 32.
 * The first says who shows it, eight name the rendezvous, sixteen are the first 80 bits of SHA-256 of the shower's
 * public key. The key itself comes from the server, which cannot put another in its place: it would have to find one
 * with the same 80 bits within the five minutes that a code lives.
 */
export interface LinkCode {
  shownBy: 'old' | 'new';
  /** Eight letters. */
  rendezvousId: string;
  /** Sixteen letters. */
  commitment: string;
}

export const rendezvousIdLength = 8;
const commitmentLength = 16;
const codeLength = 1 + rendezvousIdLength + commitmentLength;

/** In groups of five, as it is shown. */
export function formatLinkCode({ shownBy, rendezvousId, commitment }: LinkCode): string {
  const text = `${shownBy === 'old' ? 'Z' : 'N'}${rendezvousId}${commitment}`;
  return text.match(/.{5}/g)?.join('-') ?? '';
}

/** Forgives case, spaces, hyphens, and letters that look alike. @returns undefined for what is no code */
export function parseLinkCode(typed: string): LinkCode | undefined {
  const text = normalise(typed);
  if (text?.length !== codeLength) return undefined;
  const side = text[0];
  if (side !== 'Z' && side !== 'N') return undefined;
  return {
    shownBy: side === 'Z' ? 'old' : 'new',
    rendezvousId: text.slice(1, 1 + rendezvousIdLength),
    commitment: text.slice(1 + rendezvousIdLength),
  };
}

/** @param random uniform in [0, 1) */
export function newRendezvousId(random: () => number): string {
  return Array.from({ length: rendezvousIdLength }, () => letters[Math.floor(random() * 32)]).join('');
}

/** @param publicKey as base64 text, hashed as such */
export async function commitmentOf(publicKey: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(publicKey)));
  return encode(digest.subarray(0, 10));
}
