import { readFileSync } from 'node:fs';
import { type Fleet, startFleet } from './fleet';
import { latencyAt, mergedLatencies, quiet, total } from './generators';
import { option } from './options';
import { startRedis } from './redis';
import { writeReport } from './report';
import { type Bench, rounded, row } from './rows';
import { setStage } from './stage';
import { Town } from './town';

/**
 * A million authenticated connections to this project's own nodes on one machine. A process here may have 20,000
 * files open, so there are 53 nodes and 53 generators. Then, among the million, people talk: conversations of eight
 * devices on different nodes, over the commit in Postgres, and Redis between the nodes.
 *
 * Memory is what the nodes' processes have resident more than before the connections came; `memory_of_all_bytes` is
 * what the whole machine has less, kernel buffers and the generators included.
 */
export const million: Bench = async (tell) => {
  const wanted = option('connections', 1_000_000);
  const holdSeconds = option('hold', 30);
  const workers = Math.ceil(wanted / 18_900);
  const town = millionTown(wanted);
  const stage = await setStage(town, ['max_connections=200']);
  tell(`${wanted} devices are in the database`);
  const redis = await startRedis();
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({
      ...{ stage, town, workers, connections: wanted, redisUrl: redis.url, sharedPort: undefined },
      env: {},
      flags: ['--max-semi-space-size=4'],
    });
    const { servers, generators } = fleet;
    const resident = () => servers.reduce((sum, { child }) => sum + child.residentBytes(), 0);
    const before = resident();
    const availableBefore = availableBytes();
    tell(`${servers.length} nodes with ${mib(before)} MiB, ${mib(availableBefore)} MiB available`);

    const startedAt = performance.now();
    const guard = setInterval(() => {
      if (availableBytes() > leastAvailableBytes) return;
      tell('The memory runs low: everybody leaves.');
      void fleet?.stop();
    }, 500);
    const came = await fleet
      .connect(option('at-once', 100), option('within', 600))
      .finally(() => clearInterval(guard));
    const acceptS = (performance.now() - startedAt) / 1000;
    const ready = came.reduce((sum, one) => sum + one.ready, 0);
    const after = resident();
    const available = availableBytes();
    tell(
      `${ready} connections in ${rounded(acceptS)} s, nodes with ${mib(after)} MiB, ${mib(available)} MiB available`,
    );
    if (ready < wanted) tell(JSON.stringify(came.filter((one) => one.failed + one.closed > 0).slice(0, 3)));

    await quiet(generators);
    for (const generator of generators) generator.reset();
    await Promise.all(
      generators.slice(0, talking).map((generator) =>
        generator.drive({
          ...{ kind: 'send', pace: { open: option('rate', 100) / talking }, seconds: holdSeconds },
          ...{ sizeBytes: 600, from: 0, to: town.conversations.length },
        }),
      ),
    );
    const reports = await quiet(generators);
    const rows = [
      row('connections', total(reports, 'ready'), '', 'higher', wanted),
      row('memory_per_connection_bytes', Math.round((after - before) / ready), 'B', 'lower', 2_000),
      row('accept_s', rounded(acceptS), 's', 'lower', 120),
      row('conversation_p99_ms', rounded(latencyAt(reports, 0.99)), 'ms', 'lower', 250),
      row('conversation_p50_ms', rounded(latencyAt(reports, 0.5)), 'ms', 'lower'),
      row(
        'conversation_deliveries',
        total(reports, 'delivered'),
        '',
        'higher',
        (2 * devicesPerUser - 1) * total(reports, 'acked'),
      ),
      row(
        'errors',
        total(reports, 'errors') + total(reports, 'failed') + total(reports, 'closed'),
        '',
        'lower',
        0,
      ),
      row('refusals', total(reports, 'refused'), '', 'lower'),
      row('nodes', servers.length, '', 'lower'),
      row('memory_per_node_before_bytes', Math.round(before / servers.length), 'B', 'lower'),
      row('memory_of_all_bytes', Math.round((availableBefore - available) / ready), 'B', 'lower'),
    ];
    await writeReport('million', rows, [
      { title: 'Sender to receiver', latencies: mergedLatencies(reports) },
    ]);
    return rows;
  } finally {
    await fleet?.stop();
    await redis.stop();
    await stage.close();
  }
};

const leastAvailableBytes = 1024 ** 3;
/** Whose devices speak: the rest of the million listens. */
const talking = 4;
const groups = 500;

/** Four devices a user; some users of the first half, evenly spread, share a conversation with one of the second. */
function millionTown(devices: number): Town {
  const users = Math.ceil(devices / devicesPerUser);
  const count = Math.min(groups, Math.floor(users / 8));
  const conversations = Array.from({ length: count }, (_, group) => {
    const user = Math.floor((group * users) / (2 * count));
    return [user, users - 1 - user];
  });
  const devicesOf = Array.from({ length: users }, (_, user) =>
    user === users - 1 ? devices - devicesPerUser * (users - 1) : devicesPerUser,
  );
  return new Town({ devicesOf, conversations });
}
const devicesPerUser = 4;

function availableBytes(): number {
  const found = /MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

const mib = (bytes: number) => Math.round(bytes / 1024 ** 2);
