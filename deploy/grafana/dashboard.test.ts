import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMetrics } from '../../server/metrics/metrics';
import { dashboard, panels } from './dashboard';

test('the dashboard that is checked in is the one that its source makes', () => {
  const stored: unknown = JSON.parse(readFileSync(join(import.meta.dirname, 'aparte.json'), 'utf8'));
  expect(stored).toEqual(JSON.parse(JSON.stringify(dashboard())));
});

test('has the ten panels that an operator was promised', () => {
  expect(panels.map((panel) => panel.title).sort()).toEqual([
    'CPU',
    'Connection rate',
    'Connections',
    'Database p95',
    'Encryption p95',
    'Errors',
    'Fan-out p95',
    'Memory',
    'Summary',
    'Throughput',
  ]);
});

test('asks only for metrics that the code has', async () => {
  const found = await createMetrics().registry.getMetricsAsJSON();
  const names = new Set(found.map((metric) => metric.name));
  // Those of the node's parts are registered when it starts.
  for (const name of ['aparte_connections', 'aparte_connected_users', 'aparte_redis_link_up'])
    names.add(name);
  for (const { lines } of panels)
    for (const { query } of lines)
      for (const [name] of query.matchAll(/aparte_[a-z_]+/g))
        expect(names).toContain(name.replace(/_bucket$/, ''));
});
