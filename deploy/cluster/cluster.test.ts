import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accept, sendText, startDirect } from '../../lib/client/intents';
import { lastMessages } from '../../lib/client/queries';
import { TestDevice } from '../../tests/device';
import { dice } from '../../tests/dice';
import { type Cluster, type ClusterNode, startCluster } from './cluster';

let cluster: Cluster;
const devices: TestDevice[] = [];

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(async () => {
  for (const device of devices) await device.close();
  await cluster.stop();
});

async function person(handle: string) {
  // NGINX is their only way in.
  const device = new TestDevice(() => cluster.origin, dice(devices.length));
  devices.push(device);
  device.start();
  const { userId } = await device.signUp(handle);
  const online = () =>
    device.until(async () => {
      const state = (await device.db.readMeta('connection'))?.state;
      return state === 'online' ? true : undefined;
    }, `${handle} to be online`);
  await online();
  return { device, userId, handle, online, author: device.author, db: device.db };
}

async function connections(node: ClusterNode): Promise<number> {
  const page = await (await fetch(node.metricsUrl)).text();
  return Number(/^aparte_connections (\d+)$/m.exec(page)?.[1]);
}

test('the operators’ page tells of every metric that a node of the cluster has, and of no other', async () => {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('There is no node.');
  const page = await (await fetch(node.metricsUrl)).text();
  const types = new Map(
    [...page.matchAll(/^# TYPE (aparte_\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const rows = [...page.matchAll(/^# HELP (aparte_\w+) (.*)$/gm)].map(
    ([, name, help]) => `| \`${name}\` | ${types.get(name)} | ${help} |`,
  );
  const described = await readFile(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
  expect(described.match(/^\| `aparte_.*$/gm)?.sort()).toEqual(rows.sort());
});

test('two devices on two nodes talk through NGINX, and go on when the node of one is killed', async () => {
  const anna = await person('anna');
  const bert = await person('bert');
  const counts = await Promise.all(cluster.nodes.map(connections));
  expect([...counts].sort()).toEqual([0, 1, 1]);

  const conversationId = await startDirect(anna.author, { userId: bert.userId, handle: 'bert' });
  const reads = (reader: typeof anna, expected: string[]) =>
    reader.device.until(async () => {
      const rows = await lastMessages(reader.db, conversationId, 100);
      const bodies = rows.map((row) => row.body);
      return JSON.stringify(bodies) === JSON.stringify(expected) ? true : undefined;
    }, expected.join(', '));
  await sendText(anna.author, conversationId, 'across');
  await bert.device.until(
    async () =>
      (await bert.db.conversations.get(conversationId))?.myState === 'requested' ? true : undefined,
    'a request',
  );
  await accept(bert.author, conversationId);
  await reads(bert, ['across']);
  await sendText(bert.author, conversationId, 'and back');
  await reads(anna, ['across', 'and back']);

  // Frames carried this, not pulls: Redis brought deliveries from node to node.
  const holder = cluster.nodes[counts.lastIndexOf(1)];
  if (holder === undefined) throw new Error('no node holds a device');
  expect(await (await fetch(holder.metricsUrl)).text()).toMatch(
    /^aparte_redis_deliveries_received_total [1-9]/m,
  );

  await holder.kill();
  await sendText(anna.author, conversationId, 'still there?');
  await sendText(bert.author, conversationId, 'yes');
  const both = (rows: string[]) => ['still there?', 'yes'].every((body) => rows.includes(body));
  for (const reader of [anna, bert]) {
    const rows = await reader.device.until(async () => {
      const bodies = (await lastMessages(reader.db, conversationId, 100)).map((row) => row.body);
      return both(bodies) ? bodies : undefined;
    }, 'both words');
    expect(rows).toHaveLength(4);
    await reader.online();
  }
  const left = cluster.nodes.filter((node) => node !== holder);
  const held = await Promise.all(left.map(connections));
  expect(held.reduce((sum, count) => sum + count, 0)).toBe(2);
});
