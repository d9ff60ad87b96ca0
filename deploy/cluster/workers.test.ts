import { afterAll, beforeAll, expect, test } from 'vitest';
import { BareDevice } from '../drill/bare-device';
import { type Cluster, startCluster } from './cluster';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1, env: { WORKERS: '2' } });
});
afterAll(() => cluster.stop());

test('one scrape shows every worker apart, and how many there should be', async () => {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('There is no node.');
  const scrape = async () => (await fetch(node.metricsUrl)).text();
  const both = async () => {
    for (;;) {
      const page = await scrape();
      if (page.includes('\naparte_workers_scraped 2\n')) return page;
    }
  };
  const page = await both();
  expect(page).toContain('\naparte_workers 2\n');
  expect(page.match(/^# TYPE aparte_connections gauge$/gm)).toHaveLength(1);
  expect(page.match(/^aparte_connections\{worker="\d"\} 0$/gm)).toHaveLength(2);
  expect(page.match(/^process_resident_memory_bytes\{worker="\d"\} \d+$/gm)).toHaveLength(2);
  expect(page.match(/^aparte_fanout_seconds_bucket\{le="0.3",worker="\d"\} 0$/gm)).toHaveLength(2);

  const device = new BareDevice(node.origin, '10.1.2.3');
  await device.signUp();
  await device.connect();
  const counts = [...(await both()).matchAll(/^aparte_connections\{worker="\d"\} (\d)$/gm)].map(([, n]) => n);
  expect(counts.sort()).toEqual(['0', '1']);
  device.disconnect();
});
