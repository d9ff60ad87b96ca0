/** What is typed and not stored yet, by whoever holds it. */
const savers = new Set<() => Promise<void>>();

/** @param save stores what is typed, at once @returns what takes it back */
export function holdUnsaved(save: () => Promise<void>): () => void {
  savers.add(save);
  return () => savers.delete(save);
}

/** Resolves when all that is typed in this tab is stored, or cannot be. */
export async function saveAll(): Promise<void> {
  await Promise.allSettled([...savers].map((save) => save()));
}
