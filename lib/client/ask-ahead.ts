/** So many answers may wait to be taken in. */
const width = 4;

interface Steps<Item, Answer, Opened> {
  ask: (item: Item) => Promise<Answer>;
  open: (item: Item, answer: Answer) => Promise<Opened>;
  take: (item: Item, opened: Opened) => Promise<void>;
}

/**
 * Asks for the next few, and opens the next one, while another is taken in: network, machine and database work side by
 * side. Each of the three steps does one item after the other, in order.
 * @throws the first failure; what was opened before it is taken in, and nothing goes on afterwards
 */
export async function askAhead<Item, Answer, Opened>(
  items: readonly Item[],
  { ask, open, take }: Steps<Item, Answer, Opened>,
): Promise<void> {
  const asked: Promise<{ answer: Answer } | { error: unknown }>[] = [];
  let taking: Promise<void> = Promise.resolve();
  try {
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
      const opened = await open(item, outcome.answer);
      await taking;
      taking = take(item, opened);
      // Its failure is thrown in its turn, when the next is opened.
      taking.catch(() => undefined);
    }
  } finally {
    await taking;
  }
}
