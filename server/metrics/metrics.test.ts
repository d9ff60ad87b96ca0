import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { MetricMaker } from './cells';
import { countOf, createMetrics } from './metrics';

const pageOf = (make: (maker: MetricMaker) => void) => {
  const registry = new Registry();
  make(new MetricMaker(registry));
  return registry.metrics();
};

test('shows a histogram as Prometheus reads it: cumulative buckets, sum and count, by label', async () => {
  const page = await pageOf((maker) => {
    const spreads = maker.spreads({
      name: 'x_seconds',
      help: 'X.',
      label: 'kind',
      values: ['a', 'b'],
      bounds: [0.1, 1],
    });
    spreads.a.add(0.1);
    spreads.a.add(0.5, 3);
    spreads.a.add(7);
    spreads.a.add(Number.NaN);
    spreads.a.add(-1);
  });
  expect(page.split('\n').filter((line) => line.includes('"a"'))).toEqual([
    'x_seconds_bucket{le="0.1",kind="a"} 3',
    'x_seconds_bucket{le="1",kind="a"} 6',
    'x_seconds_bucket{le="+Inf",kind="a"} 7',
    'x_seconds_sum{kind="a"} 8.6',
    'x_seconds_count{kind="a"} 7',
  ]);
  expect(page).toContain('x_seconds_count{kind="b"} 0');
});

test('shows every value of a label from the start, at zero, and counts that only grow', async () => {
  const registry = new Registry();
  const counts = new MetricMaker(registry).counts({
    name: 'y_total',
    help: 'Y.',
    label: 'code',
    values: ['one', 'two'],
  });
  expect(await registry.metrics()).toContain('y_total{code="one"} 0');
  counts.two.add(2);
  await registry.metrics();
  counts.two.add();
  expect(await registry.metrics()).toContain('y_total{code="two"} 3');
});

test('names every metric by the conventions of Prometheus, in base units', async () => {
  const { registry } = createMetrics(['accounts.me']);
  const metrics = await registry.getMetricsAsJSON();
  expect(metrics.length).toBeGreaterThan(30);
  for (const { name, help, type } of metrics) {
    expect(name).toMatch(/^aparte_[a-z_]+$/);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent|minutes)(_|$)/);
    expect(name.endsWith('_total')).toBe(String(type) === 'counter');
    expect(help).toMatch(/^[A-Z].*\.$/);
  }
});

test('has a number of series that nobody outside can raise', async () => {
  const metrics = createMetrics(['accounts.me']);
  const series = async () => (await metrics.registry.metrics()).split('\n').length;
  const before = await series();
  for (const told of ['constructor', '__proto__', 'accounts.none', '"} 1']) {
    countOf(metrics.calls, told);
    countOf(metrics.framesSent, told);
  }
  expect(await series()).toBe(before);
  expect(before).toBeLessThan(1000);
});
