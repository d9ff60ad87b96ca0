import { expect, test } from 'vitest';
import { pixelsOf } from './picture-size';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const frame = 'ffc2 0011 08 0018 0020 03';
const webp = (flags: string) =>
  bytes(`52494646 00000000 57454250 56503858 0a000000 ${flags}000000 1f0000 170000 00000000`);

test('the size of an image is read from its own head', () => {
  expect(pixelsOf(bytes(`ffd8 ffe0 0004 0000 ffdb 0003 00 ${frame} 00000000`), 'image/jpeg')).toEqual({
    width: 32,
    height: 24,
  });
  expect(pixelsOf(webp('00'), 'image/webp')).toEqual({ width: 32, height: 24 });
});

test.each([
  ['is cut off', 'ffd8 ffe0 0004 0000 ffc0 0011'],
  [
    'has a size within a comment, behind a byte that only fills',
    `ffd8 fffe 0004 0000 ff ff01 fffe 0010 ${frame}`,
  ],
  ['has its picture before its size', `ffd8 ffda 0004 0000 ${frame} 00000000`],
  ['has a segment without an end', `ffd8 ffe0 0000 ${frame} 00000000`],
  ['is none', '00112233445566778899aabbccddeeff'],
])('a JPEG that %s has none', (_, hex) => {
  expect(pixelsOf(bytes(hex), 'image/jpeg')).toBe(null);
});

test('a WebP that moves, that is another, or that is none, has none', () => {
  expect(pixelsOf(webp('02'), 'image/webp')).toBe(null);
  expect(pixelsOf(bytes(`ffd8 ${frame} 00000000`), 'image/webp')).toBe(null);
  expect(pixelsOf(bytes(''), 'image/webp')).toBe(null);
});
