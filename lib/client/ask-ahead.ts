/** So many answers may wait to be taken in. */
const width = 4;

/**
 * Asks for the next few while the former are taken in, one by one and in order: network and machine work side by side.
 * @throws the first failure, of asking or of taking; what was taken before stays
 */
export async function askAhead<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
  take: (item: Item, answer: Answer) => Promise<void>,
): Promise<void> {
  const asked: Promise<{ answer: Answer } | { error: unknown }>[] = [];
  for (const [index, item] of items.entries()) {
    for (const next of items.slice(asked.length, index + width))
      asked.push(
        ask(next).then(
          (answer) => ({ answer }),
          // Thrown when its turn comes: until then nobody waits for it.
          (error: unknown) => ({ error }),
        ),
      );
    const outcome = await asked[index];
    if (outcome === undefined) return;
    if ('error' in outcome) throw outcome.error;
    await take(item, outcome.answer);
  }
}
