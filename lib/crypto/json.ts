import * as z from 'zod';

/** The bodies of the library's requests, as far as they are read here. */
const object = z.record(z.string(), z.unknown());
const keys = z.record(z.string(), object);

const upload = z.object({
  device_keys: object.optional(),
  one_time_keys: keys.optional(),
  fallback_keys: keys.optional(),
});
const query = z.object({ device_keys: z.record(z.string(), z.unknown()) });
const claim = z.object({ one_time_keys: z.record(z.string(), z.record(z.string(), z.unknown())) });
const toDevice = z.object({ messages: z.record(z.string(), z.record(z.string(), z.unknown())) });
const signingKeys = z.object({ master_key: object, self_signing_key: object, user_signing_key: object });
/** By user, then by device id or by key: the object with its signatures. */
const signatures = z.record(z.string(), z.record(z.string(), object));
const preKey = z.strictObject({
  key: z.string(),
  fallback: z.boolean().optional(),
  signatures: z.record(z.string(), z.record(z.string(), z.string())).optional(),
});
const textSignatures = z.record(z.string(), z.record(z.string(), z.string()));
const signed = z.object({ signatures: z.record(z.string(), z.record(z.string(), z.string())).optional() });
const backupPage = z.object({
  rooms: z.record(
    z.string(),
    z.object({
      sessions: z.record(
        z.string(),
        z.object({
          session_data: z.object({ ephemeral: z.string(), mac: z.string(), ciphertext: z.string() }),
        }),
      ),
    }),
  ),
});
const publicKeys = z.object({ keys: z.record(z.string(), z.string()) });
const note = z.object({ key: object.optional(), note: object });
const megolm = z.object({ ciphertext: z.string() });
const event = z.object({ content: z.object({ plaintext: z.string() }) });

export const parsePreKey = (key: unknown) => preKey.safeParse(key).data;
export const parseUpload = (body: string) => upload.parse(JSON.parse(body));
export const parseQuery = (body: string) => query.parse(JSON.parse(body));
export const parseClaim = (body: string) => claim.parse(JSON.parse(body));
export const parseToDevice = (body: string) => toDevice.parse(JSON.parse(body));
export const parseSigningKeys = (body: string) => signingKeys.parse(JSON.parse(body));
export const parseSignatures = (body: string) => signatures.parse(JSON.parse(body));
export const parseBackupPage = (body: string) => backupPage.parse(JSON.parse(body));
export const parseExportedKeys = (body: string) => object.array().parse(JSON.parse(body));
export const parseBackedUpKey = (body: string) => object.parse(JSON.parse(body));
/** The one public key of a signing key. */
export const parsePublicKey = (body: string) => Object.values(publicKeys.parse(JSON.parse(body)).keys)[0];
/** Of a text: by user, then by key. */
export const parseTextSignatures = (body: string) => textSignatures.parse(JSON.parse(body));
/** A note among own devices, and its key for a device that may lack that. */
export const parseNote = (body: string) => note.safeParse(parseObject(body));
/** What the library makes of a room's event. */
export const parseMegolm = (body: string) => megolm.parse(JSON.parse(body));
export const parseEvent = (body: string) => event.safeParse(JSON.parse(body));

/** One object with the signatures of both. */
export function withSignatures(base: Record<string, unknown>, other: Record<string, unknown> | undefined) {
  const merged: Record<string, Record<string, string>> = {};
  for (const source of [base, other ?? {}]) {
    for (const [user, made] of Object.entries(signed.parse(source).signatures ?? {})) {
      merged[user] = { ...merged[user], ...made };
    }
  }
  return { ...base, signatures: merged };
}

/** An object of JSON, or undefined. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // Whoever made it, it is no ciphertext: the caller says so.
    return undefined;
  }
}
