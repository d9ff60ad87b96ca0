/** Drops the oldest of what is kept beyond so many. */
export function bound(kept: Set<unknown> | Map<unknown, unknown>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
