/** Nobody waits longer for what can wait; a tab that is not looked at draws nothing, and may never be idle. */
const idleMs = 1_000;

/** Calls back once the screen is drawn and nothing presses. @returns what calls it off */
export function whenThereIsTime(call: () => void): () => void {
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(call, idleMs / 4);
    return () => clearTimeout(timer);
  }
  const idle = requestIdleCallback(call, { timeout: idleMs });
  return () => cancelIdleCallback(idle);
}
