import { expect, test } from 'vitest';
import { cryptoBoundsMs, figures, maxFigure } from '../../lib/protocol/figures';
import { addFigures } from './figures';
import { createMetrics } from './metrics';

const counts = (at: Record<number, number>) =>
  Array.from({ length: cryptoBoundsMs.length + 1 }, (_, slot) => at[slot] ?? 0);

test('adds a device’s counts to everybody’s, each in its slot', async () => {
  const metrics = createMetrics();
  addFigures(metrics, {
    encryptions: counts({ 2: 3, 11: 1 }),
    decryptions: counts({}),
    decryptionFailures: 2,
  });
  const page = await metrics.registry.metrics();
  expect(page).toContain('aparte_client_encryption_seconds_bucket{le="0.002"} 0');
  expect(page).toContain('aparte_client_encryption_seconds_bucket{le="0.005"} 3');
  expect(page).toContain('aparte_client_encryption_seconds_bucket{le="5"} 3');
  expect(page).toContain('aparte_client_encryption_seconds_count 4');
  expect(page).toContain('aparte_client_decryption_failures_total 2');
});

test('takes no report with other slots, or with more than one device can have counted', () => {
  const good = { encryptions: counts({ 0: maxFigure }), decryptions: counts({}), decryptionFailures: 0 };
  expect(figures.safeParse(good).success).toBe(true);
  for (const bad of [
    { ...good, encryptions: [1] },
    { ...good, encryptions: counts({ 0: maxFigure + 1 }) },
    { ...good, decryptionFailures: -1 },
    { ...good, decryptionFailures: 0.5 },
    { ...good, userId: 'anna' },
  ])
    expect(figures.safeParse(bad).success).toBe(false);
});
