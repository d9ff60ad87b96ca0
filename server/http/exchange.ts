import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';

/**
 * Reads a body of at most `maxBytes`. A longer one is read on but not kept, so that its sender gets to see the
 * answer; past sixteen times the limit the connection is cut.
 */
export function readBody(
  res: HttpResponse,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | 'too large'> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    signal.addEventListener('abort', () => reject(new Error('The caller left.')), { once: true });
    res.onData((chunk, isLast) => {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) chunks.length = 0;
      // uWebSockets.js reuses the chunk's memory as soon as this returns.
      else chunks.push(Uint8Array.from(new Uint8Array(chunk)));
      if (sizeBytes > 16 * maxBytes) return void res.close();
      if (isLast) resolve(sizeBytes > maxBytes ? 'too large' : Uint8Array.from(Buffer.concat(chunks)));
    });
  });
}

/** Sends a fetch Response; one that streams is written piece by piece, at the reader's pace. */
export async function sendResponse(
  res: HttpResponse,
  response: Response,
  { headOnly, signal }: { headOnly: boolean; signal: AbortSignal },
): Promise<void> {
  const streams = /^(?:text\/event-stream|application\/jsonl)/.test(
    response.headers.get('content-type') ?? '',
  );
  const whole = streams && !headOnly ? undefined : new Uint8Array(await response.arrayBuffer());
  if (signal.aborted) return;
  res.cork(() => {
    writeHead(res, response);
    if (whole === undefined) return;
    if (headOnly) res.endWithoutBody(whole.length, true);
    else sendPaced(res, whole, () => signal.aborted);
  });
  if (whole === undefined) await pump(res, response, signal);
}

/** Hands the kernel what it takes and the rest as the reader catches up, so that a slow reader costs no more than the answer itself. */
export function sendPaced(res: HttpResponse, bytes: Uint8Array, isAborted: () => boolean): void {
  const [taken] = res.tryEnd(bytes, bytes.length);
  if (taken) return;
  res.onWritable((offset) => {
    if (isAborted()) return true;
    const [all] = res.tryEnd(bytes.subarray(offset), bytes.length);
    return all;
  });
}

function writeHead(res: HttpResponse, response: Response): void {
  res.writeStatus(`${response.status} ${STATUS_CODES[response.status] ?? ''}`);
  for (const [name, value] of response.headers) {
    // The length is uWebSockets.js' to write; cookies must not be joined into one line.
    if (name !== 'set-cookie' && name !== 'content-length') res.writeHeader(name, value);
  }
  for (const cookie of response.headers.getSetCookie()) res.writeHeader('set-cookie', cookie);
  res.writeHeader('x-content-type-options', 'nosniff');
}

async function pump(res: HttpResponse, response: Response, signal: AbortSignal): Promise<void> {
  const reader = response.body?.getReader();
  let writable: (() => void) | undefined;
  res.onWritable(() => {
    writable?.();
    return true;
  });
  signal.addEventListener('abort', () => writable?.(), { once: true });
  for (;;) {
    const piece = await reader?.read();
    if (signal.aborted) {
      await reader?.cancel();
      return;
    }
    if (piece === undefined || piece.done) break;
    let flowing = true;
    res.cork(() => {
      flowing = res.write(piece.value);
    });
    if (!flowing) {
      await new Promise<void>((resolve) => {
        writable = resolve;
      });
      writable = undefined;
      if (signal.aborted) {
        await reader?.cancel();
        return;
      }
    }
  }
  res.cork(() => res.end());
}
