import { Curve25519PublicKey, Ecies, type EstablishedEcies } from '@matrix-org/matrix-sdk-crypto-wasm';
import { loadCrypto } from './library';

/**
 * An encrypted channel between two devices (ECIES; MSC4108, section "Secure channel"). Messages must be opened in the
 * order of sealing; the first that does not open ends it.
 */
export interface Channel {
  /** Two digits that are the same on both sides unless somebody stands between them. */
  readonly checkCode: string;
  seal(plaintext: string): string;
  /** @throws when it is not the next message of the other side */
  open(ciphertext: string): string;
}

/** The side that shows its public key. */
export interface ChannelOffer {
  /** curve25519, unpadded base64. */
  readonly publicKey: string;
  /** Takes the first message of the side that has read the key. Only once. @throws when it was not made for this key */
  accept(first: string): { channel: Channel; plaintext: string };
}

export async function offerChannel(): Promise<ChannelOffer> {
  await loadCrypto();
  const ecies = new Ecies();
  return {
    publicKey: ecies.public_key().toBase64(),
    accept(first) {
      const { channel, message } = ecies.establish_inbound_channel(first);
      return { channel: channelOf(channel), plaintext: message };
    },
  };
}

/** The side that has read a public key. @returns the channel and the first message, to be sent as it is */
export async function joinChannel(
  publicKey: string,
  plaintext: string,
): Promise<{ channel: Channel; first: string }> {
  await loadCrypto();
  const made = new Ecies().establish_outbound_channel(new Curve25519PublicKey(publicKey), plaintext);
  return { channel: channelOf(made.channel), first: made.initial_message };
}

function channelOf(established: EstablishedEcies): Channel {
  return {
    checkCode: String(established.check_code().to_digit()).padStart(2, '0'),
    seal: (plaintext) => established.encrypt(plaintext),
    open: (ciphertext) => established.decrypt(ciphertext),
  };
}
