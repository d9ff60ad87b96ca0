import { expect, test } from 'vitest';
import { excerptOf, findWord, fold, wordsOf } from './fold';

const shown = (text: string, query: string) => {
  const excerpt = excerptOf(text, wordsOf(query));
  if (!excerpt) return null;
  let marked = '';
  let at = 0;
  for (const [start, end] of excerpt.marks) {
    marked += `${excerpt.text.slice(at, start)}[${excerpt.text.slice(start, end)}]`;
    at = end;
  }
  return marked + excerpt.text.slice(at);
};

test('case, accents and forms of letters make no difference', () => {
  expect(fold('ÉLAN Straße Œuvre Ångström ﬁn ΣΊΣΥΦΟΣ')).toBe('elan strasse oeuvre angstrom fin σισυφοσ');
  expect(fold('e\u0301')).toBe(fold('é'));
});

test('vowels of other scripts are no accents', () => {
  expect(fold('हिन्दी')).toBe('हिन्दी'.normalize('NFKD'));
  expect(shown('مرحبا بكم', 'مَرحبا')).toBe('[مرحبا] بكم');
});

test('a word is found by its beginning, and not by its middle', () => {
  expect(shown('The cathedral of Chartres', 'cath')).toBe('The [cath]edral of Chartres');
  expect(shown('The cathedral of Chartres', 'hedral')).toBeNull();
  expect(shown("C'est l'Éléphant", 'eleph')).toBe("C'est l'[Éléph]ant");
});

test('all words must be there, in any order', () => {
  expect(shown('Lunch on Friday at noon', 'noon fri')).toBe('Lunch on [Fri]day at [noon]');
  expect(shown('Lunch on Friday', 'noon fri')).toBeNull();
});

test('without spaces between words a find may begin anywhere', () => {
  expect(shown('明日は東京駅で会いましょう', '東京')).toBe('明日は[東京]駅で会いましょう');
  expect(shown('พบกันที่สถานี', 'สถานี')).toBe('พบกันที่[สถานี]');
});

test('signs alone are found as they are', () => {
  expect(shown('well done 🎉!', '🎉')).toBe('well done [🎉]!');
  expect(wordsOf('what?!')).toEqual(['what']);
  expect(wordsOf('  ')).toEqual([]);
});

test('marks stand right also where folding changes the length', () => {
  expect(shown('große Œuvres, ﬁnal', 'oeuv')).toBe('große [Œuv]res, ﬁnal');
  expect(shown('e\u0301te\u0301 chaud', 'ete')).toBe('[e\u0301te\u0301] chaud');
});

test('of a long text a piece around the first find is shown', () => {
  const text = `${'before '.repeat(40)}needle${' after'.repeat(80)}`;
  const piece = shown(text, 'needle') ?? '';
  expect(piece).toMatch(/^…(before )+\[needle\]( after)+.*…$/);
  expect(piece.length).toBeLessThan(220);
});

test('overlapping finds are marked once', () => {
  expect(shown('testing tests', 'test testing')).toBe('[testing] [test]s');
});

test('a search within limits does not look beyond them', () => {
  expect(findWord('one two\none three', 'three', 0, 7)).toBe(-1);
  expect(findWord('one two\none three', 'three', 8)).toBe(12);
});
