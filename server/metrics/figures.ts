import type { Figures } from '../../lib/protocol/figures';
import type { Spread } from './cells';
import type { Metrics } from './metrics';

/** Adds what one device counted to what all have counted; whose it was is not kept. */
export function addFigures(
  metrics: Pick<
    Metrics,
    'encryptionSeconds' | 'decryptionSeconds' | 'decryptionFailures' | 'figuresReceived'
  >,
  { encryptions, decryptions, decryptionFailures }: Figures,
): void {
  addCounts(metrics.encryptionSeconds, encryptions);
  addCounts(metrics.decryptionSeconds, decryptions);
  metrics.decryptionFailures.add(decryptionFailures);
  metrics.figuresReceived.add();
}

/** Devices tell slots, not values: each counts as the middle of its slot, and the last as its lower bound. */
function addCounts(spread: Spread, counts: readonly number[]): void {
  counts.forEach((count, slot) => {
    const from = spread.bounds[slot - 1] ?? 0;
    const to = spread.bounds[slot];
    if (count > 0) spread.add(to === undefined ? from * 1.001 : (from + to) / 2, count);
  });
}
