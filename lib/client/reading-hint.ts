export interface ReadingHint {
  conversationId: string;
  seq: number;
}

/** Of the BroadcastChannel that carries them. */
export const readingChannel = 'aparte-reading';

/**
 * Tells the engine, in whichever tab it runs, what a person has just read. A hint: the page stores it too, and what the
 * database says counts. But the page is busy drawing then, and each answer of the database waits for that.
 */
export function hintReading(reading: ReadingHint): void {
  const channel = new BroadcastChannel(readingChannel);
  channel.postMessage(reading);
  channel.close();
}
