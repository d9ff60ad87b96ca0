import { expect, test } from 'vitest';
import { newRecoveryKey, readRecoveryKey } from './recovery';

const random = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);

test('a recovery key is read back as it was written, and as a tired hand types it', async () => {
  const text = await newRecoveryKey(random);
  expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4} ){7}[0-9A-HJKMNP-TV-Z]{4}$/);
  const key = await readRecoveryKey(text);
  const sealed = await key?.seal('secrets');
  const typed = text.toLowerCase().replaceAll(' ', '-').replaceAll('1', 'l').replaceAll('0', 'o');
  const again = await readRecoveryKey(typed);
  expect(again?.authentication).toBe(key?.authentication);
  expect(key?.authentication).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(await again?.open(String(sealed))).toBe('secrets');
});

test('a slip of the pen is seen at once', async () => {
  const text = await newRecoveryKey((bytes) => bytes.fill(7));
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ' ') continue;
    const slip = text.slice(0, at) + (text[at] === 'Z' ? 'Y' : 'Z') + text.slice(at + 1);
    if (slip !== text) expect(await readRecoveryKey(slip)).toBeUndefined();
  }
  for (const none of ['', 'hello', text.slice(1), `${text}0`])
    expect(await readRecoveryKey(none)).toBeUndefined();
});

test('another key opens nothing', async () => {
  const [one, other] = [
    await readRecoveryKey(await newRecoveryKey(random)),
    await readRecoveryKey(await newRecoveryKey(random)),
  ];
  expect(await other?.open(String(await one?.seal('secrets')))).toBeNull();
});
