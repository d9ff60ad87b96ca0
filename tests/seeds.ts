/** Seeds as they are written in `SEEDS`: `1-20`, or some by name: `3,7`. */
export const seedsFrom = (text: string): number[] =>
  text.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    if (from === undefined || to === undefined) return [];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
