import { freePort } from '../server/http/free-port';
import { cpuSecondsOf } from './child';
import { type Fleet, startFleet } from './fleet';
import { type Counters, type Drive, latencyAt, mergedLatencies, quiet, total } from './generators';
import { option } from './options';
import { startRedis } from './redis';
import { writeReport } from './report';
import { type Bench, rounded, row } from './rows';
import { seqsGiven } from './sequences';
import { setStage } from './stage';
import { Town } from './town';

/**
 * 100,000 connected devices over seven workers on one port, with Redis and Postgres, all on this machine: 60,000
 * people with one device and 20,000 with two, in pairs and in groups of 10, 50 and 250. Who speaks is drawn from all
 * places in all conversations, so that one message in six goes to a group of 250.
 *
 * Saturation is a closed loop until each send is answered; then an open loop at a third of it. A latency is that from
 * the moment at which the message was due until a receiver's process has its frame, one for every delivery. What has
 * arrived is counted by number: each device must have seen each number of each of its conversations.
 */
export const cluster: Bench = async (tell) => {
  const seconds = option('seconds', 600);
  const scale = option('scale', 1);
  const connections = Math.round(100_000 * scale);
  const town = clusterTown(scale);
  const stage = await setStage(town, ['max_connections=200']);
  const redis = await startRedis();
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({
      ...{ stage, town, workers: 7, connections, redisUrl: redis.url },
      ...{ sharedPort: await freePort(), env: {}, flags: [] },
    });
    const { servers, generators } = fleet;
    const startedAt = performance.now();
    const came = await fleet.connect(60, 180);
    const ready = came.reduce((sum, one) => sum + one.ready, 0);
    tell(`${ready} connections in ${rounded((performance.now() - startedAt) / 1000)} s`);
    if (ready < connections) tell(JSON.stringify(came));

    const drive = (pace: Drive['pace'], forSeconds: number) =>
      Promise.all(
        generators.map((generator) =>
          generator.drive({
            ...{ kind: 'send', pace, seconds: forSeconds, sizeBytes: 600 },
            ...{ from: 0, to: town.conversations.length },
          }),
        ),
      );
    const cpu = () => servers.reduce((sum, { child }) => sum + cpuSecondsOf(child.pid), 0);
    const window = Math.max(1, Math.round(option('window', 240) / generators.length));
    await drive({ window }, 3);
    const cpuBefore = cpu();
    const saturated = await drive({ window }, option('saturation-seconds', 15));
    const cpuUsed = cpu() - cpuBefore;
    const rate = (of: typeof saturated, key: 'done' | 'delivered') =>
      of.reduce((sum, one) => sum + one[key] / one.seconds, 0);
    const deliveries = saturated.reduce((sum, one) => sum + one.delivered, 0);
    const messagesPerS = rate(saturated, 'done');
    tell(
      `saturation: ${Math.round(messagesPerS)} messages/s, ${Math.round(rate(saturated, 'delivered'))} deliveries/s`,
    );

    await quiet(generators);
    for (const generator of generators) generator.reset();
    const third = await drive({ open: messagesPerS / 3 / generators.length }, seconds);
    const reports = await quiet(generators);
    tell(
      `a third: ${Math.round(rate(third, 'done'))} messages/s, ${Math.round(rate(third, 'delivered'))} deliveries/s`,
    );
    const expected = await seqsGiven(stage.postgres.url, town);
    const shares = share(reports, expected);
    tell(`${shares.seen} of ${shares.expected} numbers seen by devices, ${total(reports, 'twice')} twice`);
    const rows = [
      row('connections', ready, '', 'higher', connections),
      row('delivered_share', shares.share, '', 'higher', 1),
      row('delivered_twice', total(reports, 'twice'), '', 'lower', 0),
      row('errors', errorsIn(reports), '', 'lower', 0),
      row('fanout_p50_ms', rounded(latencyAt(reports, 0.5)), 'ms', 'lower'),
      row('fanout_p95_ms', rounded(latencyAt(reports, 0.95)), 'ms', 'lower', 50),
      row('fanout_p99_ms', rounded(latencyAt(reports, 0.99)), 'ms', 'lower', 100),
      row('deliveries_per_s', Math.round(rate(saturated, 'delivered')), '/s', 'higher'),
      row('messages_per_s', Math.round(messagesPerS), '/s', 'higher'),
      row('cpu_us_per_delivery', rounded((cpuUsed / deliveries) * 1e6), 'µs', 'lower'),
    ];
    await writeReport('cluster', rows, [
      { title: 'Sender to receiver', latencies: mergedLatencies(reports) },
    ]);
    return rows;
  } finally {
    await fleet?.stop();
    await redis.stop();
    await stage.close();
  }
};

function share(reports: readonly Counters[], expected: number) {
  const seen = total(reports, 'unique');
  return { seen, expected, share: Math.floor((seen / expected) * 1e6) / 1e6 };
}

const errorsIn = (reports: readonly Counters[]) =>
  total(reports, 'errors') + total(reports, 'failed') + total(reports, 'closed') + total(reports, 'blocked');

function clusterTown(scale: number): Town {
  const users = Math.round(80_000 * scale);
  const singles = Math.round(60_000 * scale);
  const conversations: number[][] = [];
  // Neighbours would share a generator, and every group a worker's queue: people are drawn from all over.
  const stride = 7919;
  let next = 0;
  const someone = () => (next++ * stride) % users;
  const groups = (count: number, size: number) => {
    for (let group = 0; group < Math.round(count * scale); group++)
      conversations.push([...new Set(Array.from({ length: size }, someone))]);
  };
  for (let pair = 0; pair < users / 2; pair++) conversations.push([someone(), someone()]);
  groups(2_000, 10);
  groups(300, 50);
  groups(80, 250);
  const devicesOf = Array.from({ length: users }, (_, user) => (user < singles ? 1 : 2));
  return new Town({ devicesOf, conversations });
}
