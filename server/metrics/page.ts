import type { Metrics } from './metrics';

/** The page at /metrics, as Prometheus reads it. */
export function metricsPage({ registry }: Pick<Metrics, 'registry'>) {
  return async () => ({ contentType: registry.contentType, body: await registry.metrics() });
}
