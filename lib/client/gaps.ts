/** Messages of a conversation that are still to be fetched: those after `after`, up to `upTo`. */
export interface Gap {
  after: number;
  upTo: number;
}

/** How many messages are in them. */
export const missingIn = (gaps: readonly Gap[] = []): number =>
  gaps.reduce((sum, { after, upTo }) => sum + upTo - after, 0);

export const isMissing = (gaps: readonly Gap[] = [], seq: number): boolean =>
  gaps.some(({ after, upTo }) => after < seq && seq <= upTo);

/** What is left of them when `got` has been fetched. */
export function without(gaps: readonly Gap[] = [], got: Gap): Gap[] {
  return gaps.flatMap((gap) => {
    if (got.upTo <= gap.after || gap.upTo <= got.after) return [gap];
    const below = { after: gap.after, upTo: Math.max(gap.after, got.after) };
    const above = { after: Math.min(gap.upTo, got.upTo), upTo: gap.upTo };
    return [below, above].filter(({ after, upTo }) => after < upTo);
  });
}

/** The page to fetch next, at most `size` messages: the newest that are missing. */
export function newestPage(gaps: readonly Gap[] = [], size: number): Gap | undefined {
  const [newest] = [...gaps].sort((a, b) => b.upTo - a.upTo);
  return newest && { after: Math.max(newest.after, newest.upTo - size), upTo: newest.upTo };
}

/** Pages of all conversations, the newest of each before the second of any. @returns at most `most` */
export function pagesOf<Row extends { gaps?: Gap[] }>(
  rows: readonly Row[],
  size: number,
  most: number,
): { row: Row; page: Gap }[] {
  const pages: { row: Row; page: Gap }[] = [];
  let open = rows.map((row) => ({ row, gaps: row.gaps ?? [] }));
  while (open.length > 0 && pages.length < most) {
    open = open.flatMap(({ row, gaps }) => {
      const page = newestPage(gaps, size);
      if (!page || pages.length >= most) return [];
      pages.push({ row, page });
      return [{ row, gaps: without(gaps, page) }];
    });
  }
  return pages;
}
