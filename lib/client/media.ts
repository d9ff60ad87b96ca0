import { mediaPath, mediaRefusal } from '../protocol/attachments';
import { AparteError, isErrorCode } from '../protocol/errors';
import { limits } from '../protocol/limits';
import { ConnectionLost } from './connection';

/** Ciphertexts of attachments, on the server. All throw ConnectionLost without an answer, AparteError with a refusal. */
export interface Media {
  /** The same again is fine. */
  put: (address: string, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<void>;
  get: (address: string, signal: AbortSignal) => Promise<Uint8Array>;
}

/** So long half a megabyte takes over the slowest line there is (1 KB/s). */
const answerMs = 600_000;

/** @param fetcher as for `createApi` */
export function createMedia(origin: string, fetcher: typeof fetch): Media {
  const ask = async (address: string, ending: AbortSignal, init: RequestInit): Promise<Response> => {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(answerMs)]);
    const response = await answered(fetcher(`${origin}${mediaPath}${address}`, { ...init, signal }));
    if (!response.ok) throw await refusalOf(response);
    return response;
  };
  return {
    put: async (address, body, signal) => {
      await ask(address, signal, { method: 'PUT', body });
    },
    // The server need not know which device asks, nor the browser keep a second copy for a year.
    get: async (address, signal) =>
      bounded(await ask(address, signal, { credentials: 'omit', cache: 'no-store' })),
  };
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new ConnectionLost('no answer came', { cause });
  }
}

/** An answer of somebody in between counts as none. */
async function refusalOf(response: Response): Promise<Error> {
  const said = mediaRefusal.safeParse(await answered(response.json().catch(() => undefined)));
  if (said.success && isErrorCode(said.data.code)) return new AparteError(said.data.code);
  return new ConnectionLost(`answered with ${response.status}`);
}

/** @throws AparteError too_large for what no device of ours has sent: it is not read to its end */
async function bounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await answered(reader?.read() ?? Promise.resolve({ done: true as const, value: undefined }));
    if (part.done) break;
    sizeBytes += part.value.length;
    if (sizeBytes > limits.attachmentMaxBytes) {
      await reader?.cancel();
      throw new AparteError('too_large');
    }
    parts.push(part.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
