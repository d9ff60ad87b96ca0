/**
 * Text as it is searched: without case, accents and forms of letters, so that "élan" is found by "ELAN". Works letter
 * by letter, so that a place in the folded text can be traced back to the original.
 */
export function fold(text: string): string {
  if (isAscii.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replace(accents, '')
    .toLowerCase()
    .replace(foldable, (letter) => alike[letter] ?? letter);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
const isAscii = /^[\x00-\x7f]*$/;
/** Marks that writers leave out: of Latin, Greek and Cyrillic, Hebrew and Arabic. Those of Indic scripts are vowels. */
const accents = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0640]/g;
const alike: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
};
const foldable = new RegExp(`[${Object.keys(alike).join('')}]`, 'g');

/** @returns the folded text, and for each of its units where in the original it comes from */
function foldTraced(text: string): { folded: string; from: number[] } {
  let folded = '';
  const from: number[] = [];
  let at = 0;
  for (const letter of text) {
    const part = fold(letter);
    folded += part;
    for (let unit = 0; unit < part.length; unit++) from.push(at);
    at += letter.length;
  }
  from.push(at);
  return { folded, from };
}

/** What is searched for: its words, the longest first; signs alone are looked for as they are. */
export function wordsOf(query: string): string[] {
  const folded = fold(query).trim();
  const words = folded.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word !== '');
  const sought = words.length > 0 || folded === '' ? words : [folded];
  return [...new Set(sought)].sort((a, b) => b.length - a.length);
}

const inWord = /[\p{L}\p{N}\p{M}]/u;
/** Written without spaces: a word may begin anywhere. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Whether a word begins at a place of a folded text. */
function begins(folded: string, at: number): boolean {
  const before = folded[at - 1];
  if (before === undefined || !inWord.test(before)) return true;
  return unspaced.test(before) || unspaced.test(folded[at] ?? '');
}

/** @returns where in `folded`, from `start` on, a word begins with `word`; -1 if nowhere before `end` */
export function findWord(folded: string, word: string, start = 0, end = folded.length): number {
  for (let at = folded.indexOf(word, start); at >= 0 && at + word.length <= end; ) {
    if (begins(folded, at)) return at;
    at = folded.indexOf(word, at + 1);
  }
  return -1;
}

/** A piece of a text around what was found in it. */
export interface Excerpt {
  text: string;
  /** From, until: what was found, in order, not overlapping. */
  marks: [number, number][];
}

/** So much of a text is shown before and after the first find. */
const contextBefore = 40;
const contextAfter = 160;

/** @returns `null` when not all words are in the text */
export function excerptOf(text: string, words: string[]): Excerpt | null {
  const { folded, from } = foldTraced(text);
  const marks: [number, number][] = [];
  for (const word of words) {
    let at = findWord(folded, word);
    if (at < 0) return null;
    for (; at >= 0; at = findWord(folded, word, at + word.length))
      marks.push([from[at] ?? 0, from[at + word.length] ?? text.length]);
  }
  marks.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const first = marks[0]?.[0] ?? 0;
  const start = startOf(text, first);
  const end = Math.min(text.length, first + contextAfter);
  const shown: [number, number][] = [];
  for (const [begin, until] of marks) {
    const last = shown.at(-1);
    if (begin >= end || (last && begin - start + lead(start) < last[1])) continue;
    shown.push([begin - start + lead(start), Math.min(until, end) - start + lead(start)]);
  }
  const piece = text.slice(start, end).replace(/\s/g, ' ');
  return { text: `${start > 0 ? '…' : ''}${piece}${end < text.length ? '…' : ''}`, marks: shown };
}

const lead = (start: number): number => (start > 0 ? 1 : 0);

/** A little before the first find, at the beginning of a word if there is one. */
function startOf(text: string, first: number): number {
  if (first <= contextBefore) return 0;
  const space = text.indexOf(' ', first - contextBefore);
  if (space >= 0 && space < first) return space + 1;
  // Never between the halves of a letter.
  const start = first - contextBefore;
  return /[\udc00-\udfff]/.test(text[start] ?? '') ? start - 1 : start;
}
